"""Bad files, each made by one function, with what a scan must say about it.

A function writes into a folder and returns nothing; its row in BAD says which reason is reported for which file, and
whether the clip is used all the same. FINE makes odd files that must be used without a word.
"""

import contextlib
import io
import os
import socket
import struct
import zipfile
import zlib
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

import av
import numpy as np
from PIL import Image
from small_clips import encode, moving, mp4

from mutoscope.video.write import encode_mp4, write_video

SENTINEL = "the-content-of-a-file-outside"


# ------------------------------------------------------------------------------------------------ broken clips


def zero_bytes(folder: Path):
    (folder / "a.mp4").touch()


def text_named_mp4(folder: Path):
    (folder / "a.mp4").write_text("hello, I am a text\n" * 50)


def truncated_mp4(folder: Path):
    content = encode_mp4(np.random.default_rng(0).integers(0, 256, (40, 16, 16, 3), dtype=np.uint8), 10.0)
    (folder / "a.mp4").write_bytes(content[: len(content) * 6 // 10])


def index_lost(folder: Path):
    """The index of an mp4 that was not made for streaming lies at its end."""
    encode(folder / "a.mp4", moving(30))
    os.truncate(folder / "a.mp4", (folder / "a.mp4").stat().st_size // 2)


def truncated_mkv(folder: Path):
    encode(folder / "whole.mkv", moving(60, 48, 64))
    content = (folder / "whole.mkv").read_bytes()
    (folder / "whole.mkv").unlink()
    (folder / "a.mkv").write_bytes(content[: len(content) // 2])


def wrong_extension(folder: Path):
    (folder / "a.gif").write_bytes(mp4())


def one_line(folder: Path):
    write_video(folder / "a.webp", np.random.default_rng(1).integers(0, 256, (3, 2, 10_000, 3), dtype=np.uint8), 10.0)


def times_go_back(folder: Path):
    """The time of one block in a matroska file, patched: 0, 100, 200, 50, 400 …"""
    encode(folder / "a.mkv", moving(8))
    content = bytearray((folder / "a.mkv").read_bytes())
    block = content.index(b"\x81" + (300).to_bytes(2, "big"))
    content[block + 1 : block + 3] = (50).to_bytes(2, "big")
    (folder / "a.mkv").write_bytes(content)


def sound_only(folder: Path):
    with av.open(str(folder / "a.mp4"), "w") as container:
        stream = container.add_stream("aac", rate=8000)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
        frame.sample_rate = 8000
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def zip_named_gif(folder: Path):
    with zipfile.ZipFile(folder / "a.gif", "w") as archive:
        archive.writestr("a.txt", "x" * 1000)


def pipe(folder: Path):
    os.mkfifo(folder / "pipe.mp4")


def socket_file(folder: Path):
    with socket.socket(socket.AF_UNIX) as listener, contextlib.chdir(folder):  # names of sockets are short
        listener.bind("a.mp4")


def huge_png(folder: Path):
    """A header that asks for 30,000 x 30,000 pixels, with a right checksum and no data to speak of."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", 12_000, 12_000, 8, 2, 0, 0, 0))
    body = chunk(b"IDAT", zlib.compress(bytes(1000)))
    (folder / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n" + head + body + chunk(b"IEND", b""))


def bomb_png(folder: Path):
    huge_png(folder)
    content = bytearray((folder / "a.png").read_bytes())
    content[16:24] = struct.pack(">II", 60_000, 60_000)
    (folder / "a.png").write_bytes(content)


def gif_without_frames(folder: Path):
    (folder / "a.gif").write_bytes(b"GIF89a" + struct.pack("<HHBBB", 32, 32, 0, 0, 0) + b";")


def playlist(folder: Path):
    (folder / "a.mp4").write_text(f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{outside(folder)}/pipe.mp4\n")


def concat_list(folder: Path):
    (folder / "a.mkv").write_text(f"ffconcat version 1.0\nfile {outside(folder)}/pipe.mp4\n")


def size_changes(folder: Path):
    """Pictures of two sizes in one stream: each is coded by itself, so the file is whole."""
    with av.open(str(folder / "a.avi"), "w") as output:
        stream = output.add_stream("mjpeg", rate=10)
        stream.width = stream.height = 32
        stream.pix_fmt = "yuvj420p"
        for index, side in enumerate((32, 32, 32, 48, 48)):
            picture = io.BytesIO()
            Image.fromarray(moving(1, side, side)[0]).save(picture, "JPEG")
            packet = av.Packet(picture.getvalue())
            packet.stream, packet.time_base, packet.pts, packet.dts = stream, Fraction(1, 10), index, index
            packet.is_keyframe = True
            output.mux(packet)


def random_bytes(folder: Path):
    content = bytearray(mp4(30))
    start = content.index(b"mdat") + 8
    content[start + 40 :] = np.random.default_rng(0).bytes(len(content) - start - 40)
    (folder / "a.mp4").write_bytes(content)


def flipped_bits(folder: Path):
    """Inside the first picture, which is thousands of bytes long: the decoder would paint over it and say nothing."""
    content = bytearray(encode_mp4(moving(10, 192, 256), 10.0))
    start = content.index(b"mdat") + 2500
    for place in range(start, start + 80, 10):
        content[place] ^= 0x55
    (folder / "a.mp4").write_bytes(content)


def picture_cut_off(folder: Path):
    Image.fromarray(moving(1, 64, 64)[0]).save(folder / "a.png")
    content = (folder / "a.png").read_bytes()
    (folder / "a.png").write_bytes(content[: len(content) // 2])


def broken_frame_in_a_folder(folder: Path):
    (folder / "walk").mkdir()
    for index, picture in enumerate(moving(4)):
        Image.fromarray(picture).save(folder / "walk" / f"{index}.png")
    (folder / "walk" / "2.png").write_bytes(b"not a picture")


def unreadable(folder: Path):
    (folder / "a.mp4").write_bytes(mp4())
    (folder / "a.mp4").chmod(0)


def name_of_bytes(folder: Path):
    with open(os.fsencode(folder) + b"/\xff\xfe.mp4", "wb") as file:
        file.write(mp4())


# ----------------------------------------------------------------------------------------------------- links


def outside(folder: Path) -> Path:
    """Beside the scanned folder, of which `folder` is a part: nothing in there may be opened or changed."""
    return folder.parent.parent / "outside"


def make_outside(folder: Path):
    """Whoever opens the pipe waits for ever; the caption would show."""
    folder.mkdir()
    os.mkfifo(folder / "pipe.mp4")
    (folder / "clip.mp4").write_bytes(mp4())
    (folder / "captions.csv").write_text(f"file,caption\na.mp4,{SENTINEL}\nclip.mp4,{SENTINEL}\n")
    (folder / "a.txt").write_text(SENTINEL)


def link_out(folder: Path):
    (folder / "a.mp4").symlink_to(outside(folder) / "clip.mp4")


def link_to_a_pipe_outside(folder: Path):
    (folder / "a.mp4").symlink_to(outside(folder) / "pipe.mp4")


def captions_from_outside(folder: Path):
    (folder / "a.mp4").write_bytes(mp4())
    for name in ("captions.csv", "a.txt"):
        (folder / name).symlink_to(outside(folder) / name)


def link_to_a_folder_outside(folder: Path):
    (folder / "more").symlink_to(outside(folder))


def link_in_a_circle(folder: Path):
    (folder / "a.mp4").symlink_to(folder / "b.mp4")
    (folder / "b.mp4").symlink_to(folder / "a.mp4")


def folder_in_itself(folder: Path):
    (folder / "below").mkdir()
    (folder / "below" / "above").symlink_to(folder)


def link_to_nothing(folder: Path):
    (folder / "a.mp4").symlink_to(folder / "gone.mp4")


# -------------------------------------------------------------------------------------------------- captions


def captions_in_latin_1(folder: Path):
    (folder / "a.mp4").write_bytes(mp4())
    (folder / "captions.csv").write_bytes("file,caption\na.mp4,une fenêtre\n".encode("latin-1"))


def captions_in_utf_16_unsaid(folder: Path):
    (folder / "a.mp4").write_bytes(mp4())
    (folder / "captions.csv").write_bytes("file,caption\na.mp4,a window\n".encode("utf-16-le"))


def captions_without_header(folder: Path):
    (folder / "a.mp4").write_bytes(mp4())
    (folder / "captions.csv").write_text("a.mp4,a window\n")


def captions_with_commas(folder: Path):
    (folder / "a.mp4").write_bytes(mp4())
    (folder / "captions.csv").write_text("file,caption\na.mp4,a window, opened\n")


def captions_with_an_open_quote(folder: Path):
    (folder / "a.mp4").write_bytes(mp4())
    (folder / "captions.csv").write_text('file,caption\na.mp4,"a window\n')


def broken_json_lines(folder: Path):
    (folder / "a.mp4").write_bytes(mp4())
    lines = ['{"file": "a.mp4", "caption": "a window"}', '{"file": "a.mp4", "capt', "[" * 5000, "3"]
    (folder / "captions.jsonl").write_text("\n".join(lines))


def caption_for_nobody(folder: Path):
    (folder / "a.mp4").write_bytes(mp4())
    lines = [
        "file,caption",
        "a.mp4,a window",
        "gone.mp4,nothing",
        "../../outside/clip.mp4,out",
        f"{outside(folder)},out",
    ]
    (folder / "captions.csv").write_text("\n".join(lines))


def two_captions(folder: Path):
    (folder / "a.mp4").write_bytes(mp4())
    (folder / "captions.csv").write_text("file,caption\na.mp4,one\na.mp4,two\n")


def empty_caption(folder: Path):
    (folder / "a.mp4").write_bytes(mp4())
    (folder / "a.txt").write_text(" \n")


def caption_of_a_book(folder: Path):
    (folder / "a.mp4").write_bytes(mp4())
    (folder / "a.txt").write_text("word " * 10_000)


# --------------------------------------------------------------------------------------------- odd, but used


def same_name(folder: Path):
    (folder / "clip.mp4").write_bytes(mp4())
    (folder / "clip.mov").write_bytes(mp4())
    (folder / "clip.txt").write_text("a window")


def same_content(folder: Path):
    content = mp4()
    for name in ("a.mp4", "b.mp4"):
        (folder / name).write_bytes(content)
        (folder / name).with_suffix(".txt").write_text("a window")


def one_frame(folder: Path):
    (folder / "a.mp4").write_bytes(mp4(1))
    (folder / "a.txt").write_text("a window")


def uneven_frames(folder: Path):
    encode(folder / "a.mkv", moving(6), times_ms=[0, 100, 150, 400, 500, 600])
    (folder / "a.txt").write_text("a window")


class Bad(NamedTuple):
    """What a scan reports: the reason, the file, and whether the clip is used."""

    make: Callable[[Path], None]
    reason: str
    file: str = "a.mp4"
    used: bool = False


BAD = [
    Bad(zero_bytes, "empty"),
    Bad(text_named_mp4, "not readable"),
    Bad(truncated_mp4, "cut off"),
    Bad(index_lost, "not readable"),
    Bad(truncated_mkv, "cut off", "a.mkv"),
    Bad(wrong_extension, "not readable", "a.gif"),
    Bad(one_line, "too small", "a.webp"),
    Bad(times_go_back, "timestamps", "a.mkv"),
    Bad(sound_only, "no pictures"),
    Bad(zip_named_gif, "not readable", "a.gif"),
    Bad(pipe, "not a file", "pipe.mp4"),
    Bad(socket_file, "not a file"),
    Bad(huge_png, "too large", "a.png"),
    Bad(bomb_png, "not readable", "a.png"),
    Bad(gif_without_frames, "not readable", "a.gif"),
    Bad(playlist, "not readable"),
    Bad(concat_list, "not readable", "a.mkv"),
    Bad(size_changes, "changing size", "a.avi"),
    Bad(random_bytes, "not readable"),
    Bad(flipped_bits, "damaged"),
    Bad(picture_cut_off, "not readable", "a.png"),
    Bad(broken_frame_in_a_folder, "not readable", "walk"),
    Bad(unreadable, "no permission"),
    Bad(name_of_bytes, "name", "\\udcff\\udcfe.mp4"),
    Bad(link_out, "link"),
    Bad(link_to_a_pipe_outside, "link"),
    Bad(captions_from_outside, "link", "captions.csv", True),
    Bad(link_to_a_folder_outside, "link", "more"),
    Bad(link_in_a_circle, "link", "b.mp4"),
    Bad(folder_in_itself, "link", "below/above"),
    Bad(link_to_nothing, "link"),
    Bad(captions_in_latin_1, "caption file", "captions.csv", True),
    Bad(captions_in_utf_16_unsaid, "caption file", "captions.csv", True),
    Bad(captions_without_header, "caption file", "captions.csv", True),
    Bad(captions_with_commas, "caption file", "captions.csv", True),
    Bad(captions_with_an_open_quote, "caption file", "captions.csv", True),
    Bad(broken_json_lines, "caption file", "captions.jsonl", True),
    Bad(caption_for_nobody, "caption without clip", "captions.csv", True),
    Bad(two_captions, "caption file", "captions.csv", True),
    Bad(empty_caption, "no caption", "a.mp4", True),
    Bad(caption_of_a_book, "caption file", "a.txt", True),
    Bad(same_name, "same name", "clip.mp4", True),
    Bad(same_content, "same content", "b.mp4", True),
    Bad(one_frame, "one frame", "a.mp4", True),
    Bad(uneven_frames, "variable frame rate", "a.mkv", True),
]


# ----------------------------------------------------------------------------------------------- nothing wrong

FINE = ["two words.mp4", "a🎬.mp4", "line\nbreak.mp4", "-dash.mp4", "quote'\"<b>&.mp4", "$title.mp4", "take 1:2.mp4",
        "n" * 200 + ".mp4", "UPPER.MP4", "a%20b.mp4"]  # fmt: skip
"""Names that a scan must carry through unharmed."""


def fine(folder: Path):
    """Odd names, a byte order mark before a caption, UTF-16 that says so, folders called x.mp4 and of frames."""
    for name in FINE:
        (folder / name).write_bytes(mp4())
        (folder / name).with_suffix(".txt").write_bytes(b"\xef\xbb\xbf" + f"the clip {len(name)}".encode())
    (folder / "x.mp4").mkdir()
    (folder / "x.mp4" / "inside.mp4").write_bytes(mp4())
    (folder / "x.mp4" / "captions.csv").write_text("file;caption\r\ninside.mp4;fenêtre\r\n", encoding="utf-16")
    (folder / "walk").mkdir()
    for index, picture in enumerate(moving(12)):
        Image.fromarray(picture).save(folder / "walk" / f"frame {index}.png")
    (folder / "walk.txt").write_text("someone walks")
    (folder / ".hidden.mp4").write_bytes(b"nothing")
    (folder / "notes.md").write_text("nothing")
