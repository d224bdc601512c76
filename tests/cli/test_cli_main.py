"""The command as a whole: light, and never a traceback for what users got wrong."""

import os
import subprocess
import sys

import pytest

import mutoscope
from mutoscope.cli import main as command

HEAVY = ("torch", "av", "numpy")


@pytest.mark.parametrize(
    "args",
    [[], ["--help"], ["--version"], ["train"], ["train", "--help"], ["train", "smoke", "--help"], ["generate", "-h"]],
)
def test_help_imports_nothing_heavy(args):
    script = (
        "import sys\nfrom mutoscope.cli.main import main\n"
        f"try:\n    main({args!r})\nexcept SystemExit as leaving:\n    assert not leaving.code\n"
        f"print('HEAVY', [name for name in {HEAVY!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.rstrip().endswith("HEAVY []"), done.stdout[-200:]


def test_top_help_does_not_even_need_pydantic():
    script = (
        "import sys, mutoscope.cli.main as m; m.main(['--help']); print(bool({'pydantic', 'tyro'} & {*sys.modules}))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.endswith("False\n")


def test_top_help_names_every_verb_and_two_examples(call):
    said = call("--help")
    assert said.code == 0 and said.err == ""
    assert all(f"\n  {verb} " in said.out for verb in command.VERBS)
    assert said.out.count("\n  mutoscope generate ") == 1 and said.out.count("\n  mutoscope train ") == 1


def test_every_verb_has_a_module_and_help():
    more = {"train": ["smoke"], "profile": ["smoke"], "data": ["scan"], "learn": ["check"]}
    for verb in command.VERBS:
        with pytest.raises(SystemExit) as leaving:
            command.main([verb, *more.get(verb, []), "--help"])
        assert not leaving.value.code


def test_version(call):
    assert call("--version").out == f"mutoscope {mutoscope.__version__}\n"


def test_module_is_the_command():
    done = subprocess.run([sys.executable, "-m", "mutoscope", "generat"], capture_output=True, text=True)
    assert done.returncode == 2 and done.stdout == ""
    assert done.stderr == (
        f"mutoscope: unknown verb 'generat'. Did you mean 'generate'? Verbs: {', '.join(command.VERBS)}.\n"
    )


def test_debug_shows_the_traceback(monkeypatch):
    monkeypatch.setenv("MUTOSCOPE_DEBUG", "1")
    with pytest.raises(ValueError, match="unknown verb"):
        command.main(["nothing"])


def test_a_bug_is_not_hidden(monkeypatch):
    monkeypatch.setattr(command, "_dispatch", lambda args: {}["key"])
    with pytest.raises(KeyError):
        command.main([])


def test_ctrl_c_is_not_a_traceback(monkeypatch, call):
    def interrupted(args):
        raise KeyboardInterrupt

    monkeypatch.setattr(command, "_dispatch", interrupted)
    assert call() == (130, "", "mutoscope: stopped.\n")


def test_a_reader_that_has_seen_enough_is_no_error():
    # Whatever the shell's `| head -1` does to us, no traceback may follow.
    done = subprocess.run(
        f"{sys.executable} -m mutoscope train smoke --help | head -1", shell=True, capture_output=True, text=True,
        env=os.environ | {"PYTHONUNBUFFERED": "1"},
    )  # fmt: skip
    assert "Traceback" not in done.stderr and done.stdout.startswith("usage:")
