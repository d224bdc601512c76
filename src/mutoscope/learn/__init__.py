"""The course: chapters, exercises and what checks them, narration, search and assistant."""
