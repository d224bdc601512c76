"""VideoModel: saved and loaded bit for bit; anything else is refused in one line."""

import shutil

import pytest
import torch
from safetensors.torch import load_file, save_file
from tiny import awake_model, tiny_run
from tiny_encoders import tiny_encoder

from mutoscope.model import CONFIG, WEIGHTS, VideoModel

TOKENIZER = "tokenizer.json"
CAPTIONS = ["a red 7 moving left", "a scarlet 3"]


@pytest.fixture(scope="module")
def model():
    return awake_model()


@pytest.fixture
def folder(model, tmp_path):
    model.save(tmp_path / "model")
    return tmp_path / "model"


def test_round_trip_is_bit_exact(model, folder):
    loaded = VideoModel.load(folder)
    assert loaded.config == model.config and not loaded.training
    ours, theirs = model.state_dict(), loaded.state_dict()
    assert ours.keys() == theirs.keys()
    assert all(torch.equal(ours[k], theirs[k]) for k in ours)
    assert torch.equal(loaded.context(CAPTIONS).tokens, model.context(CAPTIONS).tokens)
    assert sorted(p.name for p in folder.iterdir()) == sorted([CONFIG, TOKENIZER, WEIGHTS])


def test_half_precision_files_are_half_the_size_and_close(model, folder, tmp_path):
    model.save(tmp_path / "half", torch.bfloat16)
    assert (tmp_path / "half" / WEIGHTS).stat().st_size < 0.6 * (folder / WEIGHTS).stat().st_size
    for name, tensor in VideoModel.load(tmp_path / "half").state_dict().items():
        assert tensor.dtype == torch.float32
        torch.testing.assert_close(tensor, model.state_dict()[name], rtol=2**-8, atol=1e-30)


def test_a_failure_while_saving_leaves_the_old_weights(model, folder, monkeypatch):
    before = (folder / WEIGHTS).read_bytes()

    def full(tensors, path):
        path.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("mutoscope.model.save_file", full)
    with pytest.raises(OSError, match="No space left"):
        model.save(folder)
    assert (folder / WEIGHTS).read_bytes() == before
    assert len(list(folder.iterdir())) == 3


@pytest.mark.parametrize("name", [CONFIG, TOKENIZER, WEIGHTS])
def test_a_missing_file_is_named(folder, name):
    (folder / name).unlink()
    with pytest.raises(ValueError, match=f"holds no trained model \\({name} is missing\\). Train one: mutoscope train"):
        VideoModel.load(folder)


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"format": "other-1"}', '{"steps": 3}', "\udcff"])
def test_a_foreign_config_is_refused_in_one_line(folder, content):
    (folder / CONFIG).write_bytes(content.encode("utf-8", "surrogateescape"))
    with pytest.raises(ValueError, match=r"config.json is not a model of this version: ") as caught:
        VideoModel.load(folder)
    assert "\n" not in str(caught.value)


def test_truncated_weights_are_refused(folder):
    path = folder / WEIGHTS
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(ValueError, match=r"weights.safetensors is damaged \(.*Train again or restore it"):
        VideoModel.load(folder)


def missing(weights):
    weights.pop("denoiser.patch_in.bias")


def added(weights):
    weights["stranger"] = torch.zeros(1)


def reshaped(weights):
    weights["denoiser.patch_in.bias"] = torch.zeros(1)


@pytest.mark.parametrize(
    ("change", "name"),
    [(missing, "denoiser.patch_in.bias"), (added, "stranger"), (reshaped, "denoiser.patch_in.bias")],
)
def test_weights_of_another_model_are_refused(folder, change, name):
    weights = load_file(folder / WEIGHTS)
    change(weights)
    save_file(weights, folder / WEIGHTS)
    with pytest.raises(ValueError, match=f"does not fit its config.json: 1 tensors differ, first '{name}'"):
        VideoModel.load(folder)


def test_a_broken_tokenizer_is_refused(folder):
    (folder / TOKENIZER).write_text("{}")
    with pytest.raises(ValueError, match="tokenizer.json is not a tokenizer"):
        VideoModel.load(folder)


@torch.no_grad()
def test_encode_and_decode_fit_each_other(model):
    frames = torch.rand(2, 3, 5, 16, 16, generator=torch.Generator().manual_seed(0)) * 2 - 1
    latents = model.encode(frames)
    assert latents.shape == (2, *model.latent_shape(5))
    decoded = model.decode(latents)
    assert decoded.shape == frames.shape and decoded.dtype == torch.float32
    assert decoded.abs().max() <= 1
    torch.testing.assert_close(decoded, model.vae.decode(latents).clamp(-1, 1))
    assert model.decode(100 * latents).abs().max() == 1


@torch.no_grad()
@pytest.mark.parametrize("prediction", ["velocity", "x0"])
def test_the_denoiser_of_samplers_is_the_network_turned_into_x0(prediction):
    model = awake_model(tiny_run(diffusion={"prediction": prediction}))
    g = torch.Generator().manual_seed(0)
    xt, t, context = torch.randn(2, 3, 3, 4, 4, generator=g), torch.tensor([0.3, 0.8]), model.context(CAPTIONS)
    output = model.denoiser(xt, t, context)
    expected = output if prediction == "x0" else xt - t[:, None, None, None, None] * output
    torch.testing.assert_close(model.x0_denoiser(context)(xt, t), expected)


@torch.no_grad()
def test_a_low_precision_model_gives_float32_estimates(model):
    low = awake_model().to(torch.bfloat16)
    g = torch.Generator().manual_seed(0)
    xt, t = torch.randn(2, 3, 3, 4, 4, generator=g), torch.tensor([0.3, 0.8])
    x0 = low.x0_denoiser(low.context(CAPTIONS))(xt, t)
    assert x0.dtype == torch.float32 and low.decode(x0).dtype == torch.float32
    expected = model.x0_denoiser(model.context(CAPTIONS))(xt, t)
    assert (x0 - expected).norm() < 0.05 * expected.norm()


# ------------------------------------------------------------------------------------------ with a frozen text encoder


@pytest.fixture
def pretrained(tmp_path):
    """A model with an encoder of its own folder, which a test may spoil."""
    shutil.copytree(tiny_encoder("clip"), tmp_path / "clip")
    text = {"source": "clip", "folder": str(tmp_path / "clip"), "max_tokens": 20, "model_dim": 16, "num_heads": 2}
    return awake_model(tiny_run(text=text))


@torch.no_grad()
def test_a_frozen_encoder_is_no_part_of_the_model(pretrained, tmp_path):
    pretrained.save(tmp_path / "model")
    loaded = VideoModel.load(tmp_path / "model")
    assert torch.equal(loaded.context(CAPTIONS).tokens, pretrained.context(CAPTIONS).tokens)
    assert sorted(p.name for p in (tmp_path / "model").iterdir()) == sorted([CONFIG, "encoder.json", WEIGHTS])
    assert {name for name in load_file(tmp_path / "model" / WEIGHTS) if name.startswith("text.")} == {
        f"text.{name}" for name in ("projection.weight", "projection.bias", "norm.weight", "norm.bias")
    }
    low = awake_model(tiny_run(text=pretrained.config.text)).to(torch.bfloat16)
    assert low.prepare(CAPTIONS)[0].dtype == torch.float32  # the frozen part keeps its arithmetic
    assert torch.equal(low.prepare(CAPTIONS)[0], pretrained.prepare(CAPTIONS)[0])


def test_another_encoder_is_refused_when_a_prompt_is_read(pretrained, tmp_path):
    pretrained.save(tmp_path / "model")
    shutil.rmtree(tmp_path / "clip")
    loaded = VideoModel.load(tmp_path / "model")  # enough for what needs no text
    loaded.decode(torch.zeros(1, *loaded.latent_shape(5)))
    with pytest.raises(ValueError, match="clip' does not exist. Give the folder of a clip model"):
        loaded.context(CAPTIONS)
    shutil.copytree(tiny_encoder("clip", seed=1), tmp_path / "clip")
    with pytest.raises(ValueError, match="holds another text encoder .* than the model was trained with"):
        loaded.context(CAPTIONS)


def test_a_missing_encoder_file_is_named(pretrained, tmp_path):
    pretrained.save(tmp_path / "model")
    (tmp_path / "model" / "encoder.json").unlink()
    with pytest.raises(ValueError, match="holds no trained model \\(encoder.json is missing\\)"):
        VideoModel.load(tmp_path / "model")
