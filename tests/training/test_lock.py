"""One process per run folder, released however it ends."""

import signal
import subprocess
import sys

import pytest

from mutoscope.training.lock import in_use_by, sole_use

HOLDER = """
import sys, time
from pathlib import Path
from mutoscope.training.lock import sole_use
with sole_use(Path(sys.argv[1])):
    print("in", flush=True)
    time.sleep(60)
"""


def test_a_second_process_is_refused_until_the_first_one_is_gone(tmp_path):
    holder = subprocess.Popen([sys.executable, "-c", HOLDER, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None and holder.stdout.readline() == "in\n"
    who = f"process {holder.pid} on "
    with pytest.raises(ValueError, match=f"is in use by {who}.* choose another --out"), sole_use(tmp_path):
        pass
    assert (in_use_by(tmp_path) or "").startswith(who)
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    assert in_use_by(tmp_path) is None
    with sole_use(tmp_path):
        pass


def test_one_process_does_not_enter_twice(tmp_path):
    assert in_use_by(tmp_path) is None
    with sole_use(tmp_path):
        with pytest.raises(ValueError, match="is in use by process"), sole_use(tmp_path):
            pass
        assert in_use_by(tmp_path)
    with sole_use(tmp_path):
        pass
