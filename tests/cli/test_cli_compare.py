"""`mutoscope compare`: what is refused, what is planned, and a real comparison of two tiny runs."""

import json
import os
import signal
import sys
from pathlib import Path

import pytest
from tiny import tiny_run

from mutoscope.cli import compare as verb
from mutoscope.cli import compare_measure, compare_plan
from mutoscope.cli.child import run_child
from mutoscope.cli.compare_plan import CompareOptions, Plan, PlannedEntry, folder_of, open_plan, read_entry
from mutoscope.cli.main import main
from mutoscope.evaluation import comparison, quick
from mutoscope.evaluation.comparison import Comparison
from mutoscope.evaluation.judge import train_judge
from mutoscope.training import plan as training_plan
from mutoscope.training.config import RunConfig
from mutoscope.training.plan import StageCosts

TINY = (
    "smoke --data.num-frames 5 --data.height 16 --data.width 16 --data.sprite-size 10 "
    "--vae.width 8 --denoiser.model-dim 32 --denoiser.depth 1 --cached-clips 16 "
    "--vae-training.steps 2 --training.steps 2"
)
OTHER = f"{TINY} --denoiser.mlp-ratio 2"


# ---------------------------------------------------------------------------------------------------- what is refused


@pytest.fixture
def never_trains(monkeypatch):
    def refuse(*args):
        raise AssertionError("something was measured or trained")

    monkeypatch.setattr(verb, "run_child", refuse)
    monkeypatch.setattr(verb, "complete_plan", refuse)


@pytest.mark.parametrize(
    ("args", "words"),
    [
        ([], "a comparison needs 2 entries or more, got 0"),
        (["smoke"], "a comparison needs 2 entries or more, got 1"),
        (["smoke", "smoek"], "entry 'smoek': unknown recipe 'smoek'. Did you mean 'smoke'?"),
        (["smoke", "smoke"], "entries 'smoke' and 'smoke' are the same"),
        (["smoke", "smoke --training.steps 20"], "are the same"),  # 20 is what the recipe says
        (["smoke", "smoke --training.lrr 3"], "entry 'smoke --training.lrr 3': unknown option '--training.lrr'"),
        (["smoke", "smoke --training.lr -3"], "training.lr"),
        (["smoke", "smoke --denoiser.patch 1 3 3"], "do not divide into patches of"),
        (["smoke", "smoke --text.max-tokens 4"], "entry 'smoke --text.max-tokens 4': "),
        (["smoke", "smoke --data.num-frames 9"], "data.num_frames is 17 in 'smoke' and 9 in"),
        (["smoke", "smoke --data.fps 9 --data.height 64"], "data.height is 32 in 'smoke' and 64 in"),
        (["smoke", "smoke --seed 4"], "--seed is the same for all entries"),
        (["smoke", "smoke --out x"], "--out is the same for all entries"),
        (["smoke", "smoke --help"], "asks for help. Type: mutoscope train smoke --help"),
        (["smoke", "smoke 'x"], "is not a command line"),
        (["smoke", ""], "unknown recipe ''"),
        (["smoke", "smoke", "--denoiser.depth", "3"], "--denoiser.depth belongs to one entry: put it in quotes"),
        (["smoke", "smoke", "--cached-clips=3"], "--cached-clips belongs to one entry"),
        (["smoke", "demo", "--seconds", "3", "--flops", "4"], "--seconds and --flops are two budgets"),
        (["smoke", "demo", "--seconds", "-3"], "seconds"),
        (["smoke --data.num-frames 1", "demo --data.num-frames 1"], "has no motion to measure"),
    ],
)
def test_bad_input_is_one_line_before_anything_is_trained(fails, never_trains, tmp_path, args, words):
    assert words in fails("compare", *args, "--out", tmp_path / "out")
    assert not (tmp_path / "out").exists()


# -------------------------------------------------------------------------------------------------------- what is read


def test_an_entry_is_a_recipe_with_options():
    entry = read_entry('smoke --denoiser.patch 1 1 1 --sample-prompts "a red 7" b', CompareOptions(seed=5, snapshots=2))
    assert entry.words[:3] == ["smoke", "--denoiser.patch", "1"] and entry.config.denoiser.patch == (1, 1, 1)
    assert entry.config.sample_prompts == ("a red 7", "b")
    assert (entry.config.seed, entry.config.snapshots, entry.config.sample_every) == (5, 2, 0)


def test_folders_are_plain_names_and_differ():
    assert folder_of("disc_dit --denoiser.patch 1 1 1", []) == "disc_dit-denoiser.patch-1-1-1"
    assert folder_of("../../x /etc", []) == "x-etc" and folder_of("$(rm) ..", []) == "rm"
    assert folder_of("A!", ["a", "a-2"]) == "a-3" and folder_of("cache", []) == "cache-2"
    assert len(folder_of("a" * 300, [])) <= 60


def planned(config: RunConfig, name=TINY, folder="tiny"):
    return PlannedEntry(name=name, folder=folder, config=config, encode_seconds=0, vae_flops=1, diffusion_flops=1)


def test_a_folder_holds_one_comparison(fails, never_trains, tmp_path):
    plan = Plan(unit="seconds", amount=60, snapshots=6, seed=0)
    (tmp_path / "plan.json").write_text(plan.model_dump_json())
    assert open_plan(CompareOptions(seconds=60, out=tmp_path)) == plan
    for options, words in (
        (["--seconds", 61], "amount 60.0, not 61.0"),
        (["--flops", 60], "unit seconds, not flops"),
        ([], "unit seconds, not None"),
        (["--seconds", 60, "--seed", 1], "seed 0, not 1"),
        (["--seconds", 60, "--snapshots", 1], "snapshots 6, not 1"),
    ):
        assert words in fails("compare", TINY, OTHER, "--out", tmp_path, *options)
    (tmp_path / "plan.json").write_text('{"unit": 3}')
    assert "is not a plan of this version" in fails("compare", TINY, OTHER, "--out", tmp_path)


def test_a_plan_keeps_its_steps_and_refuses_another_recipe(tmp_path, monkeypatch):
    entry = read_entry(TINY, CompareOptions())
    shorter = compare_plan.with_steps_of(entry.config, tiny_run())  # 6 steps each, whatever is measured today
    before = Plan(unit="seconds", amount=1, snapshots=6, seed=0, entries=(planned(shorter),))
    assert compare_plan.complete_plan(before, [entry], tmp_path) == before
    assert Plan.model_validate_json((tmp_path / "plan.json").read_text()) == before
    changed = planned(shorter.model_copy(update={"cached_clips": 17}))
    with pytest.raises(ValueError, match="with other settings of its recipe"):
        compare_plan.complete_plan(before.model_copy(update={"entries": (changed,)}), [entry], tmp_path)


def test_the_command_trains_exactly_the_planned_run(tmp_path):
    from mutoscope.cli.train import options_for

    entry = read_entry(TINY, CompareOptions(seed=3, snapshots=4))
    plan = planned(compare_plan.with_steps_of(entry.config, tiny_run()))
    words = compare_plan.command_of(entry, plan, tmp_path)
    assert words[:3] == ["mutoscope", "train", "smoke"]
    config, out = options_for(words[2], words[3:])
    assert config == plan.config and out == tmp_path / "tiny" and config.training.steps == 6


# ---------------------------------------------------------------------------------------------------------- the child


def python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


def test_a_child_shows_its_progress_and_says_why_it_failed(tmp_path):
    log, said = tmp_path / "log", []
    log.write_text("diffusion 1/9 of an earlier call\nmutoscope: old\n")
    ended = run_child(
        python("print('diffusion 3/9'); print('other'); print('mutoscope: no'); exit(2)"), log, said.append
    )
    assert said == ["diffusion 3/9"] and (ended.stopped, ended.reason) == (False, "no")
    assert run_child(python("pass"), log, said.append).reason == "" and "old" in log.read_text()
    assert run_child(python("raise KeyError(3)"), log, said.append).reason == "KeyError: 3"
    assert "exit code 7" in run_child(python("exit(7)"), tmp_path / "empty", said.append).reason
    killed = run_child(python("import os; os.kill(os.getpid(), 9)"), log, said.append)
    assert killed.reason == "killed by signal 9, perhaps because memory was full"


def test_ctrl_c_reaches_the_child_once_and_politely(tmp_path):
    code = (
        "import signal, time\n"
        "n = []\n"
        "signal.signal(2, lambda *a: n.append(1))\n"
        "print('diffusion 1/2', flush=True)\n"
        "while not n: time.sleep(0.02)\n"
        "time.sleep(0.5); print('asked', len(n))\n"
    )
    before = signal.getsignal(signal.SIGINT)
    ended = run_child(python(code), tmp_path / "log", lambda line: os.kill(os.getpid(), signal.SIGINT))
    assert ended.stopped and "asked 1" in (tmp_path / "log").read_text()
    assert signal.getsignal(signal.SIGINT) is before


# ------------------------------------------------------------------------------------------------------- a comparison


@pytest.fixture
def blind_judge(monkeypatch):
    """A judge that has learned nothing, and curves of two points: what they say does not matter here."""
    judges = {}

    def judge_of(config, cache):
        if (key := config.model_dump_json()) not in judges:
            judges[key] = train_judge(config, steps=2)
        return judges[key]

    monkeypatch.setattr(comparison, "load_or_train_judge", judge_of)
    monkeypatch.setattr(quick, "load_or_train_judge", judge_of)
    monkeypatch.setattr(compare_measure, "SAMPLING_STEPS", (1, 2))


@pytest.fixture
def trained_here(monkeypatch):
    """Children run in this process, so that torch loads once; their commands are kept."""
    commands = []
    costs = StageCosts(vae=2.0, diffusion=8.0, once=0.0)
    monkeypatch.setattr(training_plan, "cost_of", lambda config, unit, engine=None: costs)

    def here(words, log, on_progress):
        commands.append(words)
        assert words[:4] == [sys.executable, "-m", "mutoscope", "train"] and all(isinstance(w, str) for w in words)
        ended = verb.Ended(reason="broken on purpose") if "--training.lr" in words else verb.Ended()
        if not ended.reason:
            assert main(words[3:]) == 0
        return ended

    monkeypatch.setattr(verb, "run_child", here)
    return commands


def test_compare_trains_measures_and_then_reuses(call, blind_judge, trained_here, tmp_path, monkeypatch):
    broken = f"{TINY} --training.lr 0.5"
    args = ["compare", TINY, OTHER, broken, "--examples", 60, "--prompts", 8, "--snapshots", 2, "--out", tmp_path / "c"]
    said = call(*args)
    assert said.code == verb.FAILED, said.err
    found = Comparison.model_validate_json((tmp_path / "c" / "compare.json").read_text())
    assert [entry.name for entry in found.entries] == [TINY, OTHER]
    assert [(f.name, f.reason) for f in found.failures] == [(broken, "broken on purpose")]
    for entry in found.entries:
        assert entry.stages["vae"].examples + entry.stages["diffusion"].examples in range(50, 61)
        assert entry.stages["vae"].flops_per_step == entry.stages["vae"].flops_per_example * 2
        assert [point.step for point in entry.quality] == [3, 6] and [p.steps for p in entry.by_steps] == [1, 2]
        assert entry.quality[-1].seconds == pytest.approx(entry.seconds, abs=0.2)
        assert entry.peak_memory_mb > 100 and entry.vae_psnr is not None and entry.stages["diffusion"].losses
    page = (tmp_path / "c" / "compare.html").read_text()
    assert all(f"mutoscope train {name} --out" in page for name in (TINY, OTHER, broken))
    assert "broken on purpose" in page and page.count("data:image/webp") == 16 and "60 clips seen" in page
    assert "compare.html" in said.out and len(trained_here) == 3

    plan = (tmp_path / "c" / "plan.json").read_bytes()
    monkeypatch.setattr(verb, "_measure_and_write", lambda *asked: len(asked[-1]))
    again = call(*args)
    assert again.code == 1 and len(trained_here) == 4 and "--training.lr" in trained_here[-1]
    assert "trained already" in again.err and (tmp_path / "c" / "plan.json").read_bytes() == plan
    folders = {entry["folder"] for entry in json.loads(plan)["entries"]}
    assert {path.name for path in (tmp_path / "c").iterdir() if (path / "config.json").is_file()} < folders


def test_stopped_says_how_to_go_on(call, trained_here, monkeypatch, tmp_path):
    monkeypatch.setattr(verb, "run_child", lambda words, log, on_progress: verb.Ended(stopped=True))
    said = call("compare", TINY, OTHER, "--examples", 60, "--out", tmp_path / "c")
    assert said.code == 0 and f"Go on with: mutoscope compare '{TINY}' '{OTHER}' --examples 60" in said.err
    assert not (tmp_path / "c" / "compare.html").exists() and (tmp_path / "c" / "plan.json").is_file()


def test_a_real_child_trains(blind_judge, tmp_path):
    from mutoscope.training.summary import Summary, finished

    entry = read_entry(TINY, CompareOptions(snapshots=1))
    plan = planned(entry.config)
    ballast = bytearray(b"x") * 700_000_000  # memory of this process is none of the child's
    ended = verb._train(plan, compare_plan.command_of(entry, plan, tmp_path), tmp_path, "[1/1]")
    assert ended == verb.Ended() and finished(plan.config, tmp_path / "tiny", Summary(tmp_path / "tiny/summary.json"))
    summary = json.loads((tmp_path / "tiny" / "summary.json").read_text())
    assert 100 < summary["peak_memory_mb"] < len(ballast) / 1e6
    assert "diffusion 2/2" in Path(tmp_path / "tiny" / "train.log").read_text()
