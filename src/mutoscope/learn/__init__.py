"""The course: chapters and what is shown in them, exercises, and what checks the answers."""
