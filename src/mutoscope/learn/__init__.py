"""The course: exercises, and what checks the answers to them."""
