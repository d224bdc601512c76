"""What it costs to turn a video into a model's frames, beside decoding it alone; target: at least 0.90 of that speed.

Command: python benchmarks/decoding.py [FILE] [--size 64] [--rounds 15]

Three readings of the whole file take turns: PyAV's own loop (read and decode, nothing else), `decode` at the rate of
`mutoscope train clips`, and `decode` of every frame. Without FILE a clip of 854 x 480 pixels is made, 10 s of H.264 at
30 frames per second and x264's own quality: three textures that slide over each other, and a little grain.
"""

import tempfile
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
from timing import figure, in_turns, options, parsed, ratios, write

from mutoscope.data.config import ClipsConfig
from mutoscope.video.decode import decode

HEIGHT, WIDTH, FPS, SECONDS = 480, 854, 30, 10
TARGET = 0.9


def make_clip(path: Path, seconds: int) -> None:
    rng = np.random.default_rng(0)
    textures = [smooth(rng.normal(size=(HEIGHT + 400, WIDTH + 400, 3)), blur) for blur in (3, 9, 27)]
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=FPS)
        stream.height, stream.width, stream.pix_fmt = HEIGHT, WIDTH, "yuv420p"
        for number in range(FPS * seconds):
            picture = 128 + 1.5 * rng.normal(size=(HEIGHT, WIDTH, 1))
            for turn, texture in enumerate(textures, 1):
                down, right = (round(200 + 199 * np.sin(number / (20 * turn) + phase)) for phase in (turn, 2 * turn))
                picture = picture + 25 * texture[down : down + HEIGHT, right : right + WIDTH]
            frame = av.VideoFrame.from_ndarray(picture.clip(0, 255).astype(np.uint8), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def smooth(noise: np.ndarray, blur: int) -> np.ndarray:
    """Noise without what is finer than `blur` pixels, of unit variance."""
    for axis in (0, 1):
        size = noise.shape[axis]
        kept = np.exp(-((np.fft.fftfreq(size) * 2 * blur) ** 2)).reshape([-1 if a == axis else 1 for a in range(3)])
        noise = np.fft.ifft(np.fft.fft(noise, axis=axis) * kept, axis=axis).real
    return noise / noise.std()


def decode_only(path: Path) -> None:
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        stream.thread_type = "AUTO"  # as `decode` has it
        for packet in container.demux(stream):
            for _ in packet.decode():
                pass


def main() -> None:
    parser = options(__doc__, rounds=15, size=ClipsConfig().height)
    parser.add_argument("file", type=Path, nargs="?")
    given = parsed(parser)
    with tempfile.TemporaryDirectory() as folder:
        path = given.file or Path(folder) / "clip.mp4"
        if not given.file:
            make_clip(path, 1 if given.quick else SECONDS)
        with av.open(str(path)) as container:
            stream = container.streams.video[0]
            own_fps, name = float(stream.average_rate or FPS), stream.codec_context.name
            rate = f"{own_fps:g} frames and {(container.bit_rate or 0) / 1e6:.1f} Mbit per second"
            shape = f"{name}, {stream.width} x {stream.height}, {stream.frames} frames, {rate}"
        fps = ClipsConfig().fps
        ways: dict[str, Callable[[], object]] = {
            "decoding alone": lambda: decode_only(path),
            f"{fps:g} frames per second": lambda: decode(path, fps, given.size, given.size),
            "every frame": lambda: decode(path, own_fps, given.size, given.size),
        }
        seconds = in_turns(ways, given.rounds)
    alone = seconds.pop("decoding alone")
    figures = [figure("decoding alone, clips/s", [1 / s for s in alone])]
    for way, its in seconds.items():
        figures.append(figure(f"{way}, clips/s", [1 / s for s in its]))
        figures.append(figure(f"{way} / decoding alone, speed", ratios(alone, its), TARGET))
    note = f"{shape}, {path.name if given.file else 'made here'} -> {given.size} x {given.size}"
    write(given.out, "Decoding and scaling, against bare PyAV", "python benchmarks/decoding.py", [note], figures)


if __name__ == "__main__":
    main()
