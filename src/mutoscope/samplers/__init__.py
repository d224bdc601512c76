"""Samplers turn noise into latents. Each is one loop over the same two-argument denoiser."""
