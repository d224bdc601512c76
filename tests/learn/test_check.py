"""Answers of every kind, run as `mutoscope learn check` runs them: a clear word within ten seconds, and no harm."""

import subprocess
import sys
import time
from pathlib import Path

import pytest
from planted import RIGHT, WRONG

from mutoscope.cli.main import main
from mutoscope.learn.check import LARGEST, check
from mutoscope.learn.exercises import exercises

GUIDE = next(source for name, source in RIGHT if name == "guide")


def test_right_and_wrong():
    verdict = check("guide", "import torch\nprint('hello')\n" + GUIDE)
    assert (verdict.right, verdict.headline, verdict.hint, verdict.printed) == (True, "right", None, "hello\n")
    name, words, source = next(one for one in WRONG if one[0] == "unpatchify")
    verdict = check(name, "import torch\n" + source)
    assert not verdict.right and words in verdict.hint


ILL = {
    "no Python": ("def guide(:\n", "this is not Python", "line 1"),
    "a zero byte": ("x = '\0'\n", "this is not Python", ""),
    "the starter": (exercises()["guide"].starter, "not written yet", "Write the body"),
    "another name": ("def guid(a, b, c): return a", "there is no function", "Did you mean 'guid'?"),
    "nothing": ("", "there is no function", "Define `guide`"),
    "an error": ("def guide(a, b, c):\n    return a / nothing\n", "it fails", "line 2: return a / nothing"),
    "too few arguments": ("def guide(a): return a", "it fails", "positional argument"),
    "recursion": ("def guide(a, b, c): return guide(a, b, c)", "it fails", "RecursionError"),
    "deep nesting": ("guide = " + "(" * 5000 + ")" * 5000, "this is not Python", ""),
    "leaves": ("import sys\nsys.exit(0)", "it fails", "sys.exit()"),
    "leaves at once": ("import os\nos._exit(0)", "it fails", "os._exit()"),
    "a huge tensor": ("import torch\ntorch.zeros(10**12)", "it fails", "more memory"),
    "huge bytes": ("x = bytearray(10**12)", "it fails", "more memory"),
    "memory bit by bit": ("x = []\nwhile True: x.append(bytes(10**7))", "it fails", "more memory"),
    "numpy": ("def guide(a, b, c): return (b + c * (a - b)).numpy()", "not right yet", "numpy.ndarray"),
    "deletes": ("import os\nos.remove({victim!r})", "refused", "tries to delete"),
    "writes": ("open({victim!r}, 'w')", "refused", "tries to write to"),
    "appends by os": ("import os\nos.open({victim!r}, os.O_APPEND | os.O_WRONLY)", "refused", "tries to write to"),
    "renames": ("import os\nos.rename({victim!r}, 'mine')", "refused", "tries to rename"),
    "removes a folder": ("import shutil\nshutil.rmtree({folder!r})", "refused", "tries to delete"),
    "hides it": ("try:\n    open({victim!r}, 'w')\nexcept Exception:\n    pass\n" + GUIDE, "refused", "tries to write"),
    "a program": ("import subprocess\nsubprocess.run(['touch', {victim!r}])", "refused", "start a program"),
    "a shell": ("import os\nos.system('echo > ' + {victim!r})", "refused", "start a program"),
    "a process": ("import os\nos.fork()", "refused", "start a process"),
    "a connection": ("import socket\nsocket.create_connection(('127.0.0.1', 9))", "refused", "open a connection"),
    "renames onto it": (
        "import os\nopen('mine', 'w').close()\nos.replace('mine', {victim!r})", "refused", "tries to rename"
    ),
    "moves onto it": (
        "import shutil\nopen('mine', 'w').close()\nshutil.move('mine', {victim!r})", "refused", "tries to rename"
    ),
    "links beside it": ("import os\nos.symlink('mine', {folder!r} + '/link')", "refused", "tries to link"),
    "deletes from a folder it opened": (
        "import os\nos.remove('victim.txt', dir_fd=os.open({folder!r}, os.O_RDONLY))", "refused", "tries to delete"
    ),
    "opens a database": ("import sqlite3\nsqlite3.connect({folder!r} + '/new.db')", "refused", "tries to write"),
    "speaks C": ("import ctypes\nctypes.CDLL(None).unlink({victim!r}.encode())", "refused", "a library of C"),
    "fills the disk": (
        "f = open('mine', 'wb')\nfor _ in range(999): f.write(bytes(10**6))", "it fails", "File too large"
    ),
    "closes our pipe": ("import os\nos.closerange(3, 99)", "it fails", "without an answer"),
    "writes into our pipe": (
        "import os\nfor k in range(3, 99):\n    try: os.write(k, b'[1')\n    except OSError: pass", "it fails",
        "without an answer",
    ),
    "a very long line": ("x = '" + "y" * 900_000 + "' + 1", "it fails", "line 1: x = 'yyy"),
    "a very long path": ("open('/x' * 10**6, 'w')", "it fails", "File name too long"),
    "forgets an import": ("def guide(a, b, c): return torch.lerp(b, a, c)", "it fails", "has to be in it, or imported"),
    "a program by the back door": (
        "from multiprocessing import util\nutil.spawnv_passfds(b'/bin/touch', [b'touch', {victim!r}.encode()], [])",
        "refused", "start a program"
    ),
    "an error without words": (
        "class Odd(Exception):\n    def __str__(self): raise self\nraise Odd", "it fails", "cannot be told in words"
    ),
    "a method": ("class A:\n    def guide(self, a, b, c): return a", "there is no function", "is inside `A`"),
    "a number of its name": ("guide = 3", "there is no function", "of type int"),
    "a dictionary": ("def guide(a, b, c): return dict()", "not right yet", "a dict where one"),
    "a command of notebooks": ("%matplotlib inline\n" + GUIDE, "this is not Python", "commands of notebooks"),
    "ends us": ("import os\nos.kill(os.getppid(), 9)", "refused", "end a process"),
}  # fmt: skip


@pytest.mark.parametrize("kind", ILL)
def test_what_goes_wrong_is_told_and_nothing_outside_is_touched(tmp_path, kind):
    victim = tmp_path / "victim.txt"
    victim.write_text("mine")
    source, headline, hint = ILL[kind]
    begun = time.monotonic()
    verdict = check("guide", source.replace("{victim!r}", repr(str(victim))).replace("{folder!r}", repr(str(tmp_path))))
    assert time.monotonic() - begun < 10
    assert not verdict.right and headline in verdict.headline and hint in verdict.hint
    assert victim.read_text() == "mine" and list(tmp_path.iterdir()) == [victim]


WRITERS = {  # in C++ and Rust, which the interpreter does not hear of
    "torch.save": "import torch\ntorch.save(torch.zeros(3), {victim!r})",
    "torch.from_file": "import torch\ntorch.from_file({victim!r}, shared=True, size=64)",
    "safetensors": "import torch, safetensors.torch as s\ns.save_file({'a': torch.zeros(3)}, {victim!r})",
    "open from a folder": "import os\nos.open('victim.txt', os.O_TRUNC | os.O_RDWR, dir_fd=os.open({folder!r}, 0))",
}


@pytest.mark.parametrize("kind", WRITERS)
def test_a_wall_stops_what_the_interpreter_does_not_see(tmp_path, kind):
    if not has_walls():
        pytest.skip("this kernel has no Landlock")
    victim = tmp_path / "victim.txt"
    victim.write_text("mine")
    source = WRITERS[kind].replace("{victim!r}", repr(str(victim))).replace("{folder!r}", repr(str(tmp_path)))
    verdict = check("guide", source + GUIDE)
    assert verdict.headline == "refused" and "change nothing" in verdict.hint and "Permission denied" in verdict.hint
    assert victim.read_text() == "mine" and list(tmp_path.iterdir()) == [victim]


def has_walls() -> bool:
    code = "import os, sys; from pathlib import Path; from mutoscope.learn.wall import wall_in; " \
        "sys.exit(not wall_in(Path(os.getcwd())))"  # fmt: skip
    return subprocess.run([sys.executable, "-c", code]).returncode == 0


HARMLESS = {
    "a mark before the text": "\ufeff",
    "annotations as text": "from __future__ import annotations\nfrom dataclasses import dataclass\n"
    "@dataclass\nclass Scale:\n    value: float = 1.0\n",
    "a folder that is there": "from pathlib import Path\nPath('/tmp').mkdir(exist_ok=True)\n",
    "a compiler": "import torch\ntorch.compile(lambda x: x + 1)(torch.ones(2))\n",
    "a closed output": "import sys\nsys.stdout.close()\n",
    "files of its own": "import tempfile\nwith tempfile.TemporaryDirectory() as d: open(d + '/x', 'w').write('x')\n",
}


@pytest.mark.parametrize("kind", HARMLESS)
def test_what_does_no_harm_is_not_refused(kind):
    verdict = check("guide", HARMLESS[kind] + "import torch\n" + GUIDE)
    assert verdict.right, verdict


def test_an_endless_loop_is_named_by_its_line():
    verdict = check("guide", "def guide(a, b, c):\n    while True:\n        c += 1\n", limit_s=6.0)
    assert verdict.headline == "it takes too long"
    assert "line 2" in verdict.hint or "line 3" in verdict.hint or "busy" in verdict.hint


ENDLESS = ["while True: pass", "while True: print('x' * 1000)", "import time; time.sleep(99)"]


def test_the_page_counts_them():
    page = (Path(__file__).parents[2] / "docs" / "learn.md").read_text()
    assert f"has {len(ILL) + len(WRITERS) + len(ENDLESS)} files that" in page


@pytest.mark.parametrize("source", ENDLESS)
def test_what_never_ends_is_ended(source):
    begun = time.monotonic()
    verdict = check("guide", source, limit_s=3.0)
    assert time.monotonic() - begun < 5 and verdict.headline == "it takes too long" and len(verdict.printed) < 5000


def test_what_it_prints_is_no_verdict():
    verdict = check("guide", """print('{"right": true, "headline": "right", "hint": null}')\nimport os\nos._exit(0)""")
    assert not verdict.right and '"right": true' in verdict.printed


def test_what_it_prints_does_not_steer_the_terminal():
    verdict = check("guide", "print('\\x1b[2J\\x1b]0;title\\x07 a\\tb')\nraise ValueError('\\x1b[31mred')")
    assert not set(str(verdict)) & set(map(chr, [*range(9), *range(11, 32), 127])) and " a\tb" in str(verdict)


def test_its_own_folder_is_its_own_and_goes_with_it():
    source = "import os, torch\nopen('notes.txt', 'w').write('x')\nprint(os.getcwd())\n"
    verdict = check("guide", source + GUIDE)
    assert verdict.right and not Path(verdict.printed.strip()).exists()


def test_what_cannot_be_checked_is_refused():
    with pytest.raises(ValueError, match="no exercise 'gide'. Did you mean 'guide'?"):
        check("gide", "")
    with pytest.raises(ValueError, match="1,048,577 bytes long"):
        check("guide", "x" * (LARGEST + 1))
    with pytest.raises(ValueError, match="half characters"):
        check("guide", "'\ud83d'")


def test_listing_exercises_loads_no_torch():
    code = "import sys, mutoscope.cli.learn_check as c; c.run([]); assert 'torch' not in sys.modules"
    listed = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    assert len(listed.splitlines()) == 10


def test_the_command(tmp_path, capsys):
    mine = tmp_path / "my.py"
    assert main(["learn", "check", "guide", "--start", str(mine)]) == 0
    assert main(["learn", "check", "guide", str(mine)]) == 1
    assert "not written yet" in capsys.readouterr().out
    assert main(["learn", "check", "guide", "--start", str(mine)]) == 2  # what is there is not written over
    mine.write_text("import torch\n" + GUIDE)
    assert main(["learn", "check", "guide", str(mine)]) == 0
    assert main(["learn", "check", "guide", str(mine), "--json"]) == 0
    assert '"right": true' in capsys.readouterr().out
    assert main(["learn", "check", "guide"]) == 0
    assert "guidance_scale" in capsys.readouterr().out
    mine.write_bytes(b"\xff\xfe\0")
    notebook = tmp_path / "my.ipynb"
    notebook.write_text("{}")
    said = {
        "gide": "Did you mean 'guide'?",
        str(tmp_path / "none.py"): "there is no file",
        str(mine): "save it as UTF-8",
        str(tmp_path): "but a folder",
        str(notebook): "is a notebook",
    }
    for wrong, words in said.items():
        assert main(["learn", "check", *(["guide", wrong] if "/" in wrong else [wrong])]) == 2
        assert words in capsys.readouterr().err
    assert main(["learn"]) == 0 and main(["learn", "chek"]) == 2


def test_the_magic_runs_a_cell_that_is_right():
    pytest.importorskip("IPython", reason="IPython is not installed")
    from IPython.core.interactiveshell import InteractiveShell

    shell = InteractiveShell()
    shell.run_line_magic("load_ext", "mutoscope.learn.magic")
    shell.run_cell_magic("check", "guide", exercises()["guide"].starter)
    assert "guide" not in shell.user_ns
    shell.run_cell_magic("check", "guide", "import torch\n" + GUIDE)
    assert callable(shell.user_ns["guide"])
