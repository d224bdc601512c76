"""Files that are whole or absent."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from safetensors import SafetensorError


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Give the path of a file to write beside `path`; it takes its place at the end, or is removed on any failure.

    OSError where it cannot be written, also where the weights library is what found the disk full.
    """
    half = path.with_name(path.name + ".part")
    try:
        yield half
        os.replace(half, path)
    except SafetensorError as error:
        half.unlink(missing_ok=True)
        raise OSError(f"{path} cannot be written: {error}") from error
    except BaseException:
        half.unlink(missing_ok=True)
        raise
