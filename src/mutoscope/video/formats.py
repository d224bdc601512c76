"""Which files are clips, and the error for those that turn out not to be."""

from pathlib import Path

STREAMS = ("mp4", "mkv", "webm", "avi", "mov", "m4v")
PICTURES = ("gif", "webp", "png", "jpg", "jpeg")
READABLE = (*STREAMS, *PICTURES, "npy")

DEFAULT_FPS = 8.0
"""Frames per second of files that know none: npy, pictures with one frame, folders of numbered pictures."""
MAX_PIXELS = 1 << 26
"""Of one frame, twice as many as 8K video has; more is refused before memory is asked for."""


def kind_of(path: Path) -> str:
    """The suffix, lower case and without its dot."""
    return path.suffix.lower().removeprefix(".")


class Unreadable(ValueError):
    """A file that is no clip: why in one or two words (to count by), and a sentence about it that names the remedy."""

    def __init__(self, path: Path, reason: str, words: str):
        super().__init__(path, reason, words)  # all three, so that it travels between processes
        self.path, self.reason, self.words = path, reason, words

    def __str__(self) -> str:
        return f"{self.path} {self.words}"


def check_pixels(path: Path, height: int, width: int) -> None:
    """Raise Unreadable for a size that a header states and no clip has."""
    if height * width > MAX_PIXELS:
        words = f"claims to be {width} x {height} pixels, more than {MAX_PIXELS:,} a frame; make it smaller."
        raise Unreadable(path, "too large", words)


def first_line(error: BaseException) -> str:
    """What another library said, in one line."""
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
