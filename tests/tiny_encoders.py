"""Random CLIP and T5 text encoders of some thousand weights, saved the way transformers saves them."""

import tempfile
from functools import cache
from pathlib import Path
from typing import Literal

import torch
from tokenizers import Tokenizer, models, pre_tokenizers, processors

WORDS = "a the red blue crimson 7 3 seven three moving drifting going slowly to left right up down".split()
MAX_POSITIONS = 24


@cache
def tiny_encoder(kind: Literal["clip", "t5"], seed: int = 0) -> Path:
    """A folder with config.json, tokenizer.json and model.safetensors; gone when the tests end."""
    from transformers import CLIPTextConfig, CLIPTextModel, T5Config, T5EncoderModel

    tokenizer = tiny_tokenizer()
    torch.manual_seed(seed)
    if kind == "clip":
        network = CLIPTextModel(
            CLIPTextConfig(
                vocab_size=len(tokenizer), hidden_size=32, intermediate_size=48, num_hidden_layers=2,
                num_attention_heads=4, max_position_embeddings=MAX_POSITIONS, eos_token_id=2, bos_token_id=1,
            )
        )  # fmt: skip
    else:
        network = T5EncoderModel(
            T5Config(vocab_size=len(tokenizer), d_model=32, d_kv=8, d_ff=48, num_layers=2, num_heads=4)
        )
    folder = Path(_temporary().name) / f"{kind}-{seed}"
    network.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def tiny_tokenizer(words: list[str] = WORDS):
    """Whole words between a start and an end token."""
    from transformers import PreTrainedTokenizerFast

    names = ["[pad]", "[start]", "[end]", "[unknown]", *words]
    inner = Tokenizer(models.WordLevel({name: i for i, name in enumerate(names)}, unk_token="[unknown]"))  # pyright: ignore
    inner.pre_tokenizer = pre_tokenizers.Whitespace()  # pyright: ignore[reportAttributeAccessIssue]
    ends = [("[start]", 1), ("[end]", 2)]
    inner.post_processor = processors.TemplateProcessing("[start] $A [end]", None, ends)  # pyright: ignore
    return PreTrainedTokenizerFast(
        tokenizer_object=inner, pad_token="[pad]", bos_token="[start]", eos_token="[end]", unk_token="[unknown]"
    )


@cache
def _temporary() -> tempfile.TemporaryDirectory:
    return tempfile.TemporaryDirectory()
