"""Captions before the first step: each distinct one read once, rows and dropping as if every clip had its own."""

import json

import pytest
import torch
from tiny import awake_model, tiny_run
from tiny_encoders import tiny_encoder

from mutoscope.model import VideoModel
from mutoscope.text.pretrained import PretrainedEncoder
from mutoscope.training.captions import prepare_captions
from mutoscope.training.run import train

CAPTIONS = ["a red 7", "the blue 3 drifting to the left", "a red 7", "", "a 3"]
PRETRAINED = {"source": "t5", "folder": str(tiny_encoder("t5")), "model_dim": 16, "num_heads": 2}
BOTH = pytest.mark.parametrize("text", [tiny_run().text, PRETRAINED], ids=["small", "pretrained"])


@BOTH
@pytest.mark.parametrize("cached", [False, True])
def test_rows_and_dropping(text, cached, tmp_path):
    model = awake_model(tiny_run(text=text))
    captions = prepare_captions(model, CAPTIONS, tmp_path / "text.safetensors" if cached else None)
    rows, dropped = torch.tensor([4, 1, 0, 2]), torch.tensor([False, False, True, False])
    values, mask = captions.of(rows, dropped)
    expected, real = model.prepare(["a 3", CAPTIONS[1], "", "a red 7"])
    longest = values.shape[1]
    assert longest == mask.sum(1).max() < real.shape[1]
    assert torch.equal(mask, real[:, :longest]) and not real[:, longest:].any()
    torch.testing.assert_close(values[mask], expected[real])
    assert len(captions.values) == 4  # distinct ones, the empty one among them


def test_a_frozen_encoder_reads_each_caption_once_for_all_times(tmp_path, monkeypatch):
    model, read = awake_model(tiny_run(text=PRETRAINED)), []
    encode = PretrainedEncoder.encode
    monkeypatch.setattr(
        PretrainedEncoder, "encode", lambda self, captions: read.extend(captions) or encode(self, captions)
    )
    for _ in range(2):
        prepare_captions(model, CAPTIONS, tmp_path / "text.safetensors")
    assert sorted(read) == sorted(set(CAPTIONS))


def test_a_run_with_a_frozen_encoder_trains_only_the_projection(tmp_path):
    config = tiny_run(text=PRETRAINED)
    run = train(config, tmp_path / "run")
    model = VideoModel.load(run / "model")
    encoder = json.loads((run / "model" / "encoder.json").read_text())
    assert encoder == {"width": 32, "identity": PretrainedEncoder(config.text).identity}
    assert set(model.text.state_dict()) == {"projection.weight", "projection.bias", "norm.weight", "norm.bias"}
    assert not torch.equal(model.text.norm.bias, torch.zeros(16))  # moved
    assert (run / "cache" / "text.safetensors").is_file()
