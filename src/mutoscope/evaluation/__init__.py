"""Measuring videos: every number comes with its ceiling (the same judge on real clips) and its floor (controls)."""
