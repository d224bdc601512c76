"""What server and pages are made of: no torch, nothing from elsewhere, nothing large, files of others unchanged."""

import hashlib
import re
import subprocess
import sys
from pathlib import Path

import pytest

from mutoscope.studio.app import STATIC

FILES = sorted(file for file in STATIC.rglob("*") if file.is_file())
OURS = [file for file in FILES if "vendor" not in file.parts]
MOST_BYTES = 200_000


def test_the_server_loads_no_torch(tmp_path):
    code = (
        "import sys, pathlib\n"
        "from mutoscope.studio import server\n"
        "from mutoscope.studio.workspace import Workspace\n"
        "from fastapi.testclient import TestClient\n"
        f"client = TestClient(server.build_app(Workspace(pathlib.Path({str(tmp_path)!r}))))\n"
        "for path in ('/', '/api/runs', '/api/models', '/api/recipe?name=demo', '/api/jobs', '/api/generate/form'):\n"
        "    assert client.get(path).status_code == 200, path\n"
        "sys.exit('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_pages_are_light():
    assert sum(file.stat().st_size for file in FILES if "LICENSE" not in file.name) < MOST_BYTES


@pytest.mark.parametrize("file", OURS, ids=lambda file: file.name)
def test_nothing_is_loaded_from_elsewhere(file):
    found = re.findall(r"(?:https?:)?//[a-z0-9.-]+\.[a-z]{2,}", re.sub(r"^\s*//.*$", "", file.read_text(), flags=re.M))
    assert [address for address in found if "www.w3.org" not in address] == []


def test_every_import_of_a_page_is_there():
    for file in OURS:
        if file.suffix == ".js":
            for name in re.findall(r'from "([^"]+)"', file.read_text()):
                assert (file.parent / name).resolve().is_file(), f"{file.name} imports {name}"


def test_files_of_others_are_as_they_came():
    table = (STATIC / "vendor" / "README.md").read_text()
    rows = re.findall(r"^\| (\S+) \| .*? \| .*? \| ([0-9a-f]{64}) \|$", table, re.M)
    theirs = {file.name for file in FILES if file.suffix in (".js", ".css") and file not in OURS}
    assert {name for name, _ in rows} == theirs
    for name, sha in rows:
        assert hashlib.sha256((STATIC / "vendor" / name).read_bytes()).hexdigest() == sha, name
    assert len(list((STATIC / "vendor").glob("LICENSE-*"))) == 3


def test_all_of_it_is_in_the_package():
    listed = (Path(__file__).parents[2] / "pyproject.toml").read_text()
    assert '"mutoscope.studio" = ["static/*", "static/*/*"]' in listed
    assert all(len(file.relative_to(STATIC).parts) <= 2 for file in FILES)
