"""FRAMES <-> LATENTS: the causal video VAE."""
