"""The folder a studio works in, and names that never lead out of it."""

import os
import re
from pathlib import Path

from ..data.manifest import MANIFEST
from ..training.run_folder import is_run

OWN, RUNS, VIDEOS = ".mutoscope", "runs", "videos"
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
"""What a new run may be called."""
SHOWN = (".png", ".webp", ".html", ".txt", ".json", ".jsonl")
"""Files of a run that a browser may ask for."""


class Missing(LookupError):
    """There is no such thing here; the message says what there is not."""


class Workspace:
    """Runs are in `runs/`, where a terminal puts them; jobs and videos of the studio in `.mutoscope/`."""

    def __init__(self, folder: Path):
        self.folder = folder.resolve()
        self.runs, self.own = self.folder / RUNS, self.folder / OWN
        self.videos, self.uploads = self.own / VIDEOS, self.own / "uploads"

    def prepare(self) -> None:
        """Make the studio's own folder; OSError where nothing can be written."""
        self.videos.mkdir(parents=True, exist_ok=True)

    def run(self, name: str) -> Path:
        """The run folder of this name, such as `demo` or `experiments/disc`; Missing where there is none."""
        folder = self._inside(self.runs, name)
        if not is_run(folder):
            raise Missing(f"there is no run {name!r} in {self.runs}.")
        return folder

    def new_run(self, name: str) -> Path:
        """Where a run of this name goes; ValueError where the name does not fit or is taken."""
        if not NAME.fullmatch(name):
            raise ValueError("use letters, digits, dots, dashes and underscores, 64 at most, a letter or digit first.")
        if (self.runs / name).exists():
            raise ValueError(f"there is a run {name!r} already. Choose another name, or let that one go on.")
        return self.runs / name

    def run_file(self, run: str, path: str) -> Path:
        """A file of a run that may be shown; Missing for any other."""
        file = self._inside(self.run(run), path)
        if not file.is_file() or file.suffix not in SHOWN:
            raise Missing(f"run {run!r} has no file {path!r} to show.")
        return file

    def job_folder(self, job: str) -> Path:
        """Where the results of a job are; Missing for a name that is none."""
        if not re.fullmatch(r"[0-9a-f]{32}", job):
            raise Missing(f"there is no job {job!r}.")
        return self.videos / job

    def upload(self, name: str) -> Path:
        """A file that was sent here; Missing where it is not."""
        file = self._inside(self.uploads, name)
        if not file.is_file():
            raise Missing("the file that was sent is gone. Send it again.")
        return file

    def clip_set(self, name: str) -> Path:
        """The folder of a set of clips, such as `clips` or `films/cut`; Missing where there is none."""
        folder = self._inside(self.folder, name)
        parts = folder.relative_to(self.folder).parts
        manifest = (folder / MANIFEST).resolve()
        ours = parts[0] != RUNS and not any(part.startswith(".") for part in parts)
        if not ours or not manifest.is_file() or not manifest.is_relative_to(self.folder):
            raise Missing(f"there is no set of clips {name!r} in {self.folder}. Make one: mutoscope data scan {name}")
        return folder

    def clip(self, folder: Path, file: str) -> Path:
        """Where a manifest in `folder` says that a clip is; Missing where that leads out of the workspace."""
        path = Path(os.path.normpath(folder / file))
        self._inside(self.folder, str(path))
        return path

    def name_of(self, run: Path) -> str:
        """What `run` finds a folder by."""
        return run.relative_to(self.runs).as_posix()

    @staticmethod
    def _inside(folder: Path, name: str) -> Path:
        """folder/name, also after every link; Missing where that leads outside."""
        try:
            found = (folder / name).resolve()
            found.stat()
        except (OSError, ValueError) as error:  # also names too long, zero bytes
            raise Missing(f"there is no {name[-80:]!r} in {folder.name}.") from error
        if not name or found == folder.resolve() or not found.is_relative_to(folder.resolve()):
            raise Missing(f"{name!r} is not inside {folder.name}.")
        return found
