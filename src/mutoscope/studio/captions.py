"""Captions that a person mends: checked, written where training and scans read them, logged, taken back."""

import os
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout
from pydantic import ValidationError

from ..data.caption_edit import Change, plan_caption, written_caption
from ..data.manifest import MANIFEST, read_manifest, write_manifest
from .clip_sets import OneClip
from .forms import Refused
from .workspace import Missing, Workspace

LOG, LOCK = "captions.jsonl", "captions.lock"
LONGEST = 500
WAIT_S = 30.0


class CaptionEdit(OneClip):
    """Another caption for a clip."""

    caption: str
    before: str | None = None
    """What the page showed; where it is something else by now, nothing is changed. None = whatever it is."""


class Logged(OneClip):
    """A line of the log."""

    time: str
    before: str
    after: str
    undo: bool = False
    """Whether this is the one before, taken back."""


def cleaned(caption: str) -> str:
    """In one line with single spaces; Refused where it is no caption."""
    lines = [line for line in caption.strip().splitlines() if line.strip()]
    if not lines:
        raise Refused({"caption": "the caption is empty. Say what is seen."})
    if len(lines) > 1:
        raise Refused({"caption": f"got {len(lines)} lines; a caption is one line. Join them."})
    found = " ".join(lines[0].split())
    if len(found) > LONGEST:
        raise Refused({"caption": f"got {len(found):,} characters; a caption has at most {LONGEST}. Say less."})
    if bad := next((c for c in found if unicodedata.category(c) in ("Cc", "Cs", "Cn")), None):
        raise Refused({"caption": f"the character U+{ord(bad):04X} is none that can be written. Take it out."})
    return found


def change_caption(workspace: Workspace, edit: CaptionEdit) -> dict[str, Any]:
    """Write it into the manifest and, for a whole file, into the file that a scan reads; note it in the log.

    Refused, and nothing stored, where it does not fit, somebody else was faster, or a file cannot be written.
    """
    caption = cleaned(edit.caption)
    with _alone(workspace):
        place = _Place(workspace, edit)
        if edit.before is not None and edit.before != place.caption:
            raise Refused({"caption": f"somebody else has changed it to {place.caption[:200]!r}. Load the page again."})
        if caption == place.caption:
            return {"caption": caption, "kept_in": []}
        kept = place.store(caption)
        _note(workspace, edit, place.caption, caption, undo=False)
    return {"caption": caption, "kept_in": kept}


def undo(workspace: Workspace, name: str) -> dict[str, Any]:
    """Take the last edit of a set back. Refused where there is none, or the caption is another one by now."""
    workspace.clip_set(name)
    with _alone(workspace):
        last = last_edit(workspace, name)
        if last is None:
            raise Refused({"": "there is nothing to take back."})
        place = _Place(workspace, last)
        for found in (place.caption, place.written):
            if found not in (None, last.after):
                words = f"the caption of {last.file} was changed meanwhile, to {found[:200]!r}. Nothing was taken back."
                raise Refused({"": words})
        kept = place.store(last.before)
        _note(workspace, last, last.after, last.before, undo=True)
    return {**last.model_dump(include={"file", "start_s", "end_s"}), "caption": last.before, "kept_in": kept}


def last_edit(workspace: Workspace, name: str) -> Logged | None:
    """The edit of a set that `undo` would take back."""
    try:
        lines = (workspace.own / LOG).read_bytes().splitlines()
    except FileNotFoundError:
        return None
    standing: list[Logged] = []
    for line in lines:
        try:
            edit = Logged.model_validate_json(line)
        except ValidationError:  # cut short by a kill
            continue
        if edit.set == name and edit.undo and standing:
            standing.pop()
        elif edit.set == name and not edit.undo:
            standing.append(edit)
    return standing[-1] if standing else None


@contextmanager
def _alone(workspace: Workspace) -> Iterator[None]:
    """One edit at a time, also of several servers."""
    workspace.prepare()
    try:
        with FileLock(workspace.own / LOCK, timeout=WAIT_S):
            yield
    except Timeout as error:
        raise Refused({"caption": "another caption is being written for too long. Try again."}) from error
    except OSError as error:
        name = Path(error.filename or workspace.own).name
        words = f"{name} cannot be read or written: {error.strerror}. Nothing was changed."
        raise Refused({"caption": words}) from error


class _Place:
    """A clip's line of the manifest, as it is now, and what else has its caption."""

    def __init__(self, workspace: Workspace, clip: OneClip):
        self._clip, self._folder = clip, workspace.clip_set(clip.set)
        self._entries = read_manifest(self._folder)
        self._path = workspace.clip(self._folder, clip.file)
        captions = [entry.caption for entry in self._entries if clip.means(entry)]
        if not captions:
            raise Missing(f"{clip.set} has no clip {clip.file[:200]!r} any more. Load the page again.")
        self.caption = captions[0]
        self._root = self._scanned(workspace)

    @property
    def written(self) -> str | None:
        """What a text or table says of a whole file; None where none does."""
        whole = self._clip.start_s is None and self._path.exists()
        return written_caption(self._root, self._path) if whole else None

    def store(self, caption: str) -> list[str]:
        """Write all files that have to say it, or none; their names."""
        beside = self._beside(caption)
        if beside is not None:
            beside.apply()
        try:
            self._write_manifest(caption)
        except BaseException:
            if beside is not None:
                beside.revert()
            raise
        return [MANIFEST] if beside is None or beside.after is None else [MANIFEST, beside.path.name]

    def _write_manifest(self, caption: str) -> None:
        mended = {"caption": caption}
        entries = [one.model_copy(update=mended) if self._clip.means(one) else one for one in self._entries]
        write_manifest((self._folder / MANIFEST).resolve(), entries)

    def _beside(self, caption: str) -> Change | None:
        """None for a piece: files of captions speak of whole clips."""
        if self._clip.start_s is not None:
            return None
        if not self._path.exists():
            words = f"the file is missing. Put it back, or scan again: mutoscope data scan {self._clip.set}"
            raise Refused({"caption": words})
        try:
            return plan_caption(self._root, self._path, caption)
        except ValueError as error:
            raise Refused({"caption": str(error)}) from error

    def _scanned(self, workspace: Workspace) -> Path:
        """The folder that was scanned: the manifest's own, or, where that lies elsewhere, what holds all clips."""
        if not any(entry.file.startswith("../") for entry in self._entries):
            return self._folder
        parents = [os.path.dirname(os.path.normpath(self._folder / entry.file)) for entry in self._entries]
        root = Path(os.path.commonpath(parents))
        return root if workspace.folder in root.parents else self._path.parent


def _note(workspace: Workspace, clip: OneClip, before: str, after: str, undo: bool) -> None:
    told = clip.model_dump(include={"set", "file", "start_s", "end_s"})
    time = datetime.now().astimezone().isoformat(timespec="milliseconds")
    line = Logged(**told, time=time, before=before, after=after, undo=undo).model_dump_json()
    try:
        with (workspace.own / LOG).open("ab+") as log:
            log.seek(max(0, log.tell() - 1))
            cut = log.read() not in (b"", b"\n")  # a line that a kill cut short ends here
            log.write(f"{chr(10) if cut else ''}{line}\n".encode())
    except OSError as error:
        words = f"the caption is saved, but cannot be taken back: {LOG} cannot be written ({error.strerror})."
        raise Refused({"caption": words}) from error
