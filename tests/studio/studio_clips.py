"""Sets of clips of a studio: what it says of one, its captions, a scan made again."""

from small_clips import mp4

from mutoscope.data.manifest import MANIFEST, read_manifest, write_manifest
from mutoscope.data.scan import scan


def look(client, set="clips", **wish):
    answer = client.get("/api/data/set", params={"set": set, **wish})
    assert answer.status_code == 200, answer.text
    return answer.json()


def edit(client, file, caption, set="clips", **more):
    return client.post("/api/data/caption", json={"set": set, "file": file, "caption": caption, **more})


def rewrite(folder, **changes):
    """Change entries of a manifest by file: rewrite(folder, **{"0.mp4": {"caption": "x"}})."""
    entries = [entry.model_copy(update=changes.get(entry.file, {})) for entry in read_manifest(folder)]
    write_manifest(folder / MANIFEST, entries)


def scanned(folder, out=None):
    """Scan again; captions by file."""
    found = scan(folder, out or folder).entries
    write_manifest((out or folder) / MANIFEST, found)
    return {entry.file: entry.caption for entry in found}


def clips_in(folder, *files):
    for file in files:
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).write_bytes(mp4())
