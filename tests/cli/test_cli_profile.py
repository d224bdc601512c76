"""`mutoscope profile`: the table, and traces that are what they say."""

import json

import pytest

SHORT = ["--training.batch-size", "4", "--training.precision", "float32", "--vae-training.precision", "float32"]


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """Lines of a profile of two steps, and its folder."""
    import contextlib
    import io

    from mutoscope.cli.main import main

    out, printed = tmp_path_factory.mktemp("profile"), io.StringIO()
    with contextlib.redirect_stdout(printed):
        assert main(["profile", "smoke", "--steps", "2", "--out", str(out), *SHORT]) == 0
    return printed.getvalue(), out


def test_both_stages_have_parts_that_add_up_and_ten_costs(told):
    tables = told[0].split("\n\n")[:2]
    for name, table in zip(("vae", "diffusion"), tables, strict=True):
        assert table.startswith(f"{name}: ") and "ms per step of" in table and "float32" in table
        parts, costs = table.split("  the 10 largest costs, without what they call:")
        shares = {line.strip()[6:].strip(): float(line.strip()[:-1].split("%")[0]) for line in parts.splitlines()[1:]}
        assert sum(share for part, share in shares.items() if "waiting" not in part) == pytest.approx(100, abs=0.5)
        assert len([line for line in costs.splitlines() if " calls" in line]) == 10
        shown = [float(line.split(" ms in")[0].split()[-1]) for line in costs.splitlines() if " ms in" in line]
        assert shown == sorted(shown, reverse=True)
    assert "aten::" in told[0]


def test_a_trace_has_the_parts_of_every_step(told):
    for stage in ("vae", "diffusion"):
        events = json.loads((told[1] / f"trace-{stage}.json").read_text())["traceEvents"]
        for part in ("data and forward", "backward", "optimizer", "average"):
            assert len([e for e in events if e.get("name") == part and e.get("cat") == "user_annotation"]) == 2


def test_recipes_and_wrong_ones(capsys):
    from mutoscope.cli.main import main

    assert main(["profile"]) == 0
    assert "usage: mutoscope profile RECIPE" in capsys.readouterr().out
    assert main(["profile", "smok"]) == 2
    assert "Did you mean 'smoke'?" in capsys.readouterr().err
