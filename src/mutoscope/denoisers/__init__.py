"""NOISY LATENTS -> PREDICTION: the networks."""
