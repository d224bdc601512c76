"""Clips and sources in a notebook."""

import base64
import inspect
import tempfile
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import UInt8

from ..video.write import write_video


def show_clips(
    clips: Sequence[UInt8[np.ndarray, "F H W 3"]], labels: Sequence[str], fps: float = 6.0, side: int = 128
) -> None:
    """Clips beside each other, looping, each over its label. side: pixels of the shorter one, at least."""
    from IPython.display import display

    figures = []
    with tempfile.TemporaryDirectory() as folder:
        for clip, label in zip(clips, labels, strict=True):
            file = Path(folder) / "clip.webp"
            write_video(file, clip, fps, max(1, -(-side // min(clip.shape[1:3]))))
            data = base64.b64encode(file.read_bytes()).decode()
            picture = f'<img alt="a clip: {escape(label)}" src="data:image/webp;base64,{data}">'
            figures.append(f'<figure style="margin:0">{picture}<figcaption>{escape(label)}</figcaption></figure>')
    page = f'<div style="display:flex;flex-wrap:wrap;gap:12px">{"".join(figures)}</div>'
    display({"text/html": page, "text/plain": f"{len(figures)} clips: {', '.join(labels)}"}, raw=True)


def show_source(thing: Any) -> None:
    """The source of a function or class, and where it stands."""
    from IPython.display import display

    source, where = inspect.getsource(thing), f"{thing.__module__}.{thing.__qualname__}"
    display({"text/markdown": f"`{where}`\n\n```python\n{source}```", "text/plain": f"# {where}\n{source}"}, raw=True)
