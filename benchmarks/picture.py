"""The README's moving picture: a grid of videos made by the model inside the package.

Command: python benchmarks/picture.py docs/assets/generated.webp
"""

import sys
from pathlib import Path

import numpy as np

from mutoscope.pipeline import Pipeline
from mutoscope.video.write import write_video

COLOURS = ("red", "yellow", "green", "cyan", "blue", "magenta", "white", "red")
DIRECTIONS = ("left", "up", "down and right", "right", "up and left", "down", "up and right", "down and left")
ROWS, COLUMNS, GAP, SCALE = 3, 8, 2, 3


def main() -> None:
    out = Path(sys.argv[1])
    cells = [(row, column) for row in range(ROWS) for column in range(COLUMNS)]
    prompts = [
        f"a {COLOURS[(column + 3 * row) % 8]} {(column + 3 * row) % 10} moving {DIRECTIONS[(column + 2 * row) % 8]}"
        for row, column in cells
    ]
    clips = Pipeline.load().generate_many(prompts, list(range(len(prompts))))
    frames, height, width, _ = clips[0].shape
    grid = np.full((frames, ROWS * (height + GAP) - GAP, COLUMNS * (width + GAP) - GAP, 3), 40, np.uint8)
    for (row, column), clip in zip(cells, clips, strict=True):
        top, left = row * (height + GAP), column * (width + GAP)
        grid[:, top : top + height, left : left + width] = clip
    write_video(out, grid, fps=8, scale=SCALE)
    print("\n".join(prompts))


if __name__ == "__main__":
    main()
