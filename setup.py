"""All but this is in pyproject.toml: a built package carries the chapters, which lie beside src/ in a checkout."""

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py


class WithChapters(build_py):
    """Copies course/*.py into mutoscope/learn/chapters/."""

    def run(self) -> None:
        """As always, then the chapters; an editable install reads them where they are."""
        super().run()
        if not self.editable_mode:
            folder = Path(self.build_lib) / "mutoscope" / "learn" / "chapters"
            folder.mkdir(parents=True, exist_ok=True)
            for file in sorted(Path("course").glob("*.py")):
                shutil.copy(file, folder)


setup(cmdclass={"build_py": WithChapters})
