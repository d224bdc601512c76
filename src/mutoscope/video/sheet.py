"""Many clips on one picture: a row of frames per clip under its label, to look at a run in one glance."""

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from mutoscope.video.pixels import check_frames_u8, enlarge

_BACKGROUND = (24, 24, 24)  # dark and neutral: colours look as they are, black frames still have an edge
_INK = (230, 230, 230)
_FONT_PX = 15
_LINE_PX = 20
_MARGIN_PX = 10
_GAP_PX = 3
_MIN_WIDTH_PX = 320  # keeps labels readable above clips of a few small frames


def contact_sheet(
    clips: Sequence[np.ndarray], labels: Sequence[str], num_frames: int = 9, scale: int = 3
) -> Image.Image:
    """Draw one row per clip: its label, below it evenly spaced frames from the first to the last.

    clips: uint8 (F, H, W, 3) each; F may differ, H and W may not. labels: one per clip, wrapped where too long.
    num_frames: frames per row (>= 1; 1 shows the first; a shorter clip shows all it has). scale: pixels on the sheet
    per pixel of the clip, in each direction (>= 1).
    Raises ValueError for no clips, labels that do not match, different sizes, or numbers below 1.
    """
    _check(clips, labels, num_frames)
    rows = [enlarge(clip[evenly_spaced(len(clip), num_frames)], scale) for clip in clips]
    height, width = rows[0].shape[1:3]
    columns = max(len(row) for row in rows)
    sheet_width = max(_MIN_WIDTH_PX, 2 * _MARGIN_PX + columns * (width + _GAP_PX) - _GAP_PX)
    font = ImageFont.load_default(_FONT_PX)
    wrapped = [_wrap(label, font, sheet_width - 2 * _MARGIN_PX) for label in labels]

    row_heights = [_LINE_PX * len(lines) + height + _MARGIN_PX for lines in wrapped]
    sheet = Image.new("RGB", (sheet_width, _MARGIN_PX + sum(row_heights)), _BACKGROUND)
    draw = ImageDraw.Draw(sheet)
    top = _MARGIN_PX
    for row, lines, row_height in zip(rows, wrapped, row_heights, strict=True):
        for number, line in enumerate(lines):
            draw.text((_MARGIN_PX, top + number * _LINE_PX), line, fill=_INK, font=font)
        for column, picture in enumerate(row):
            left = _MARGIN_PX + column * (width + _GAP_PX)
            sheet.paste(Image.fromarray(np.ascontiguousarray(picture)), (left, top + _LINE_PX * len(lines)))
        top += row_height
    return sheet


def evenly_spaced(available: int, num_frames: int) -> np.ndarray:
    """Frame numbers from the first to the last, at most as many as there are."""
    return np.linspace(0, available - 1, min(num_frames, available)).round().astype(int)


def _wrap(label: str, font: ImageFont.ImageFont | ImageFont.FreeTypeFont, width: int) -> list[str]:
    """Break a label into lines that fit `width` pixels; a single word that is wider is cut."""
    lines = [""]
    for word in label.split():
        longer = f"{lines[-1]} {word}".strip()
        if font.getlength(longer) <= width or not lines[-1]:
            lines[-1] = longer
        else:
            lines.append(word)
    return [_cut(line, font, width) for line in lines]


def _cut(line: str, font: ImageFont.ImageFont | ImageFont.FreeTypeFont, width: int) -> str:
    if font.getlength(line) <= width:
        return line
    while line and font.getlength(f"{line}...") > width:
        line = line[:-1]
    return f"{line}..."


def _check(clips: Sequence[np.ndarray], labels: Sequence[str], num_frames: int) -> None:
    if not clips or len(clips) != len(labels):
        raise ValueError(f"got {len(clips)} clips and {len(labels)} labels; pass at least one clip and one label each.")
    if num_frames < 1:
        raise ValueError(f"num_frames={num_frames} does not fit: pass a number >= 1.")
    for clip in clips:
        check_frames_u8(clip)
    sizes = sorted({clip.shape[1:3] for clip in clips})
    if len(sizes) > 1:
        raise ValueError(f"clips have different sizes (height, width) {sizes}; resize them to one first.")
