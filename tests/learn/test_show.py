"""What chapters show: the package's own source, under the name of its file."""

import pytest

pytest.importorskip("IPython", reason="the course's packages are not installed")

from mutoscope.learn import show
from mutoscope.nn.patch import patchify
from mutoscope.vae.posterior import Posterior


@pytest.mark.parametrize(
    "thing, place, begins",
    [
        (patchify, "mutoscope/nn/patch.py", "def patchify("),
        (Posterior.kl, "mutoscope/vae/posterior.py", "def kl(self)"),
        (Posterior, "mutoscope/vae/posterior.py", "@dataclass(frozen=True)"),
        (pytest.importorskip, "outcomes.py", "def importorskip("),
    ],
)
def test_source_is_shown_under_its_place_in_the_package(monkeypatch, thing, place, begins):
    shown = []
    monkeypatch.setattr("IPython.display.display", lambda data, raw: shown.append(data))
    show.show_source(thing)
    ((told),) = shown
    assert told["text/markdown"].startswith(f"*{place}, line ") and told["text/plain"].startswith(begins)
