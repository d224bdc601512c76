"""Latents <-> noise: mathematics only. Knows no network, text or file."""
