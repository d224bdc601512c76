"""Small clips for tests: frames, files, and files with the times that a test wants."""

from fractions import Fraction
from itertools import count

import av
import numpy as np

from mutoscope.video.write import encode_mp4


def moving(num_frames=12, height=24, width=36, seed=0):
    """A block that moves over a pattern, so every frame differs."""
    rng = np.random.default_rng(seed)
    background = rng.integers(0, 200, (height // 4 + 1, width // 4 + 1, 3)).repeat(4, 0).repeat(4, 1)[:height, :width]
    clip = np.repeat(background[None], num_frames, 0).astype(np.uint8)
    for index in range(num_frames):
        clip[index, 4:12, 2 * index % (width - 8) : 2 * index % (width - 8) + 8] = 255
    return clip


_seeds = count(1)


def mp4(num_frames=12):
    """Bytes of a good clip, different in each call."""
    return encode_mp4(moving(num_frames, seed=next(_seeds)), 10.0)


def encode(path, pictures, times_ms=None):
    """Write VP9 with PyAV, ten frames per second or at any times."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libvpx-vp9", rate=10)
        stream.height, stream.width = pictures[0].shape[:2]
        stream.pix_fmt = "yuv420p"
        stream.codec_context.time_base = Fraction(1, 1000)
        for index, picture in enumerate(pictures):
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24")
            frame.pts, frame.time_base = times_ms[index] if times_ms else 100 * index, Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
