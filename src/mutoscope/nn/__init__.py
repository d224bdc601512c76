"""Layers: tensors only, no diffusion, no text."""
