"""Captioned clips to learn from: moving sprites made on the fly, with their truth."""
