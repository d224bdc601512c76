"""Pictures and clips that a browser sends: limited in size, kept only where they decode."""

import uuid
from collections.abc import AsyncIterator
from pathlib import Path

from starlette.concurrency import run_in_threadpool

from .forms import Refused
from .workspace import Workspace

MOST_BYTES = 32 * 2**20
MOST_FRAMES = 1025
SUFFIXES = {b"\x89PNG": ".png", b"\xff\xd8\xff": ".jpg", b"GIF8": ".gif", b"RIFF": ".webp", b"\x1aE\xdf\xa3": ".webm"}


async def keep_upload(workspace: Workspace, pieces: AsyncIterator[bytes]) -> str:
    """Write, decode, keep; the name to ask for it by. Refused, and nothing kept, where it is too large or no clip."""
    data = bytearray()
    async for piece in pieces:
        data += piece
        if len(data) > MOST_BYTES:
            raise Refused({"start": f"the file is larger than {MOST_BYTES >> 20} MiB. Cut it, or make it smaller."})
    return await run_in_threadpool(_keep, workspace, bytes(data))


def _keep(workspace: Workspace, data: bytes) -> str:
    from ..video.read import read_video

    suffix = next((end for start, end in SUFFIXES.items() if data.startswith(start)), "")
    suffix = suffix or (".mp4" if data[4:8] == b"ftyp" else "")
    if not suffix:
        raise Refused({"start": "that is no picture or clip. Choose a png, jpg, gif, webp, mp4 or webm file."})
    name = f"{uuid.uuid4().hex}{suffix}"
    file: Path = workspace.uploads / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(data)
    try:
        read_video(file, max_frames=MOST_FRAMES)
    except (ValueError, OSError) as error:
        file.unlink()
        raise Refused({"start": f"the file cannot be read: {str(error).removeprefix(str(file)).strip()}"}) from error
    return name
