"""From a configuration to what reads captions and what turns that into context."""

from collections.abc import Callable, Sequence
from pathlib import Path

from torch import nn

from .config import PretrainedTextConfig, TextConfig, TextEncoderConfig
from .encoder import TextEncoder, TextProjection
from .pretrained import PretrainedEncoder
from .tokenizer import CaptionTokenizer

CaptionReader = CaptionTokenizer | PretrainedEncoder
"""What is not trained by gradients: captions in, values and mask out."""


def new_reader(config: TextEncoderConfig, captions: Callable[[], Sequence[str]]) -> CaptionReader:
    """For a new model: a tokenizer of the captions, or the frozen encoder, which asks for none."""
    if isinstance(config, PretrainedTextConfig):
        return PretrainedEncoder(config)
    return CaptionTokenizer.train(captions(), config.vocabulary_size, config.max_tokens)


def load_reader(config: TextEncoderConfig, file: Path) -> CaptionReader:
    """For a saved model; `file` is the one of `reader_file` in its folder."""
    if isinstance(config, PretrainedTextConfig):
        return PretrainedEncoder.load(file, config)
    return CaptionTokenizer.load(file, config.max_tokens)


def reader_file(config: TextEncoderConfig) -> str:
    """Name of the file of a saved model that its reader writes and reads."""
    return "tokenizer.json" if isinstance(config, TextConfig) else "encoder.json"


def build_text_encoder(config: TextEncoderConfig, reader: CaptionReader) -> nn.Module:
    """The trained part with random weights: what `reader` gives in, `Context` out."""
    if isinstance(config, PretrainedTextConfig):
        assert isinstance(reader, PretrainedEncoder)
        return TextProjection(config, reader.width)
    assert isinstance(reader, CaptionTokenizer)
    return TextEncoder(config, reader.vocabulary_size)
