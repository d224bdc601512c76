"""Training: the loop, the tasks, and everything a run is resumed from."""
