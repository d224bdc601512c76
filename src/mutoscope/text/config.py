"""The shape of the small text encoder that is trained along."""

from typing import Annotated

from pydantic import Field, model_validator

from ..config import Config


class TextConfig(Config):
    """A word tokenizer trained on the captions and a small transformer over it."""

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
        if self.model_dim % self.num_heads:
            raise ValueError(
                f"text.model_dim={self.model_dim} does not fit text.num_heads={self.num_heads}: "
                f"the heads share the width evenly. Try --text.model-dim {self.num_heads * 32}."
            )
        return self
