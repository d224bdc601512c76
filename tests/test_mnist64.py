"""Two digits on 64x64: the small form trains, goes on, and is measured; the large one fits together."""

import json

from mutoscope.cli.main import main
from mutoscope.data.open import open_clips
from mutoscope.evaluation.pairs_result import PairsEvaluation
from mutoscope.recipes.mnist64 import mnist64, mnist64_small
from mutoscope.training.run import build_model, check

SHORT = """--cached-clips 32 --vae-training.steps 4 --vae-training.precision float32 --training.precision float32
    --training.batch-size 4 --training.checkpoint-every 4 --sampling.steps 2 --sample-every 0""".split()


def test_the_small_form_trains_goes_on_and_is_measured(tmp_path, capsys):
    run = tmp_path / "run"
    command = ["train", "mnist64_small", "--out", str(run), *SHORT, "--training.steps", "6"]
    assert main(command) == 0 and main(command) == 0  # the second time there is nothing left to do
    assert main(["evaluate", str(run), "--prompts", "8"]) == 0
    table = capsys.readouterr().out
    assert "both as asked" in table and "VAE PSNR" in table
    found = PairsEvaluation.model_validate_json((run / "evaluation.json").read_text())
    assert found.num_prompts == 8 and found.both.ceiling > 0.7 and len(found.clips) == 8
    assert (run / "videos.png").is_file() and (run / "videos.webp").is_file()
    assert json.loads((run / "summary.json").read_text())["stages"]["diffusion"]["steps"] == 6
    assert main(["evaluate", str(run), "--seeds", "2"]) == 2
    assert main(["compare", "mnist64_small", "smoke", "--seconds", "9", "--out", str(tmp_path / "compare")]) == 2


def test_the_large_form_has_50_million_parameters_and_reads_its_prompts():
    parameters = {}
    for recipe in (mnist64, mnist64_small):
        config = recipe()
        check(config)
        model = build_model(config, open_clips(config.data, "train", 0))
        model.reader.check(config.sample_prompts)
        parameters[recipe] = sum(p.numel() for p in model.denoiser.parameters())
    assert 45e6 < parameters[mnist64] < 55e6 and parameters[mnist64_small] < 5e6
