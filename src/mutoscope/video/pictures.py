"""Pictures, moving pictures (gif, webp) and folders of numbered pictures, by Pillow."""

import io
import re
import struct
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from jaxtyping import UInt8
from PIL import Image, ImageOps, UnidentifiedImageError

from .formats import DEFAULT_FPS, Unreadable, check_pixels, first_line, kind_of

STILLS = ("png", "jpg", "jpeg", "webp")
_FORMATS = ("GIF", "WEBP", "PNG", "JPEG")
_NUMBERED = re.compile(r"(.*?)(\d+)", re.DOTALL)
# What Pillow raises on broken bytes, seen by cutting files at many places.
_BROKEN = (OSError, EOFError, IndexError, SyntaxError, ValueError, struct.error, Image.DecompressionBombError)


def pictures(path: Path, file: io.RawIOBase | None = None) -> Iterator[tuple[Image.Image, float]]:
    """Decode the pictures of a file one by one: each with the milliseconds it is shown for.

    file: read this open file, such as a member of a shard; `path` is then only what errors call it. A picture is only
    good until the next one is asked for. Raises Unreadable for a file that is cut off or no picture.
    """
    number = 0
    try:
        with Image.open(file or path, formats=_FORMATS) as image:  # pyright: ignore[reportArgumentType]
            check_pixels(path, image.height, image.width)
            num_pictures = getattr(image, "n_frames", 1)
            for number in range(num_pictures):  # noqa: B007 (told in the error)
                image.seek(number)
                image.load()
                # Browsers show a picture that asks for no time at all for a tenth of a second.
                yield image, float(image.info.get("duration") or 100) if num_pictures > 1 else 1000 / DEFAULT_FPS
    except (Unreadable, PermissionError):
        raise
    except _BROKEN as error:
        why = "of an unknown kind" if isinstance(error, UnidentifiedImageError) else first_line(error)
        raise Unreadable(
            path,
            "not readable",
            f"is not a readable picture after {number} frames ({why}); it is cut off "
            "or not gif, webp, png or jpg: copy it again.",
        ) from error


def spread(durations_ms: Sequence[float]) -> tuple[list[int], float]:
    """How often each picture comes at a constant rate, the shortest one once, and that rate in frames per second."""
    shown = [max(1, round(duration / min(durations_ms))) for duration in durations_ms]
    return shown, 1000 * sum(shown) / sum(durations_ms)


def rgb(image: Image.Image) -> UInt8[np.ndarray, "H W 3"]:
    """Bytes of the current picture, upright, transparent parts black, 16-bit grey scaled rather than cut."""
    image = ImageOps.exif_transpose(image)
    if image.mode.startswith("I"):
        return np.repeat((np.asarray(image) >> 8).clip(0, 255).astype(np.uint8)[..., None], 3, axis=2)
    if "A" in image.getbands() or "transparency" in image.info:
        black = Image.new("RGBA", image.size, (0, 0, 0, 255))
        image = Image.alpha_composite(black, image.convert("RGBA"))
    return np.asarray(image.convert("RGB"))


def frame_files(folder: Path) -> list[Path]:
    """Pictures of a folder in the order of their numbers if they are the frames of one clip, else [].

    They are where all that the folder shows are files, pictures of one kind with one name and a number each:
    `frame 1.png`, `frame 2.png`, … Links do not count as files. Whether the pictures have one size is not looked at.
    """
    shown = [file for file in folder.iterdir() if not file.name.startswith(".")]
    matches = [_NUMBERED.fullmatch(file.stem) for file in shown]
    if len(shown) < 2 or not all(
        match and kind_of(file) in STILLS and file.is_file() and not file.is_symlink()
        for file, match in zip(shown, matches, strict=True)
    ):
        return []
    numbered = {int(match[2]): file for file, match in zip(shown, matches, strict=True) if match}
    names = {(match[1], file.suffix) for file, match in zip(shown, matches, strict=True) if match}
    return [numbered[number] for number in sorted(numbered)] if len(numbered) == len(shown) and len(names) == 1 else []
