"""Files that are whole or absent, and how to tell that they are as they were."""

import os
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from safetensors import SafetensorError

PART = ".part"
"""Ends the name of what is being written; such a thing that nobody writes any more is what a kill left."""


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Give the path of a file to write beside `path`; it takes its place at the end, or is removed on any failure.

    OSError where it cannot be written, also where the weights library is what found the disk full.
    """
    half = path.with_name(path.name + PART)
    try:
        yield half
        os.replace(half, path)
    except SafetensorError as error:
        half.unlink(missing_ok=True)
        raise OSError(f"{path} cannot be written: {error}") from error
    except BaseException:
        half.unlink(missing_ok=True)
        raise


def crc32_of(path: Path) -> int:
    """Checksum of a file's bytes (CRC-32, as zlib computes it), read in pieces."""
    value = 0
    with path.open("rb") as file:
        while piece := file.read(1 << 20):
            value = zlib.crc32(piece, value)
    return value
