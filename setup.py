"""All but this is in pyproject.toml: a built package carries chapters and docs, which lie beside src/ in a checkout."""

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py


class WithCourse(build_py):
    """Copies course/*.py into mutoscope/learn/chapters/, and docs/*.md into mutoscope/learn/docs/."""

    def run(self) -> None:
        """As always, then these; an editable install reads them where they are."""
        super().run()
        if not self.editable_mode:
            for files, name in (("course/*.py", "chapters"), ("docs/*.md", "docs")):
                folder = Path(self.build_lib) / "mutoscope" / "learn" / name
                folder.mkdir(parents=True, exist_ok=True)
                for file in sorted(Path().glob(files)):
                    shutil.copy(file, folder)


setup(cmdclass={"build_py": WithCourse})
