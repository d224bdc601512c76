"""Files that are read without being run."""

import ast
import sys
import threading
from pathlib import Path

import pytest

from mutoscope.learn import unrun
from mutoscope.learn.unrun import constants, parsed, title_and_text


def test_what_a_file_says_of_itself(tmp_path):
    file = tmp_path / "one.py"
    file.write_text('"""A title.\n\nAnd text,\nπ lines of it.\n"""\nimport nothing\nA = (1, "b")\nB = {"x": None}\n')
    tree = parsed(file)
    assert title_and_text(tree) == ("A title", "And text,\nπ lines of it.") and "nothing" not in sys.modules
    assert constants(tree, "B", "A") == [{"x": None}, (1, "b")]
    with pytest.raises(KeyError, match="C"):
        constants(tree, "C")


def test_only_one_thread_parses_at_a_time(tmp_path, monkeypatch):
    file, inside, most = tmp_path / "one.py", [], []
    file.write_text("x = 1")
    parse, pause = ast.parse, threading.Event()

    def watched(text: str) -> ast.Module:
        inside.append(1)
        most.append(len(inside))
        pause.wait(0.05)
        inside.pop()
        return parse(text)

    monkeypatch.setattr(unrun.ast, "parse", watched)
    threads = [threading.Thread(target=parsed, args=(file,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [1, 1, 1, 1]


def test_the_course_reads_files_in_no_other_way():
    folder = Path(unrun.__file__).parent
    users = {file.name for file in folder.rglob("*.py") if "ast.parse(" in file.read_text()}
    assert users == {"unrun.py", "child.py"}  # the child has one thread
