"""The shape of the denoising networks."""

from typing import Annotated

from pydantic import Field, model_validator

from ..config import Config


class DiTConfig(Config):
    """Diffusion Transformer over spacetime patches of the latents."""

    patch: tuple[int, int, int] = (1, 2, 2)
    """Latent frames, rows and columns covered by one token."""
    model_dim: Annotated[int, Field(ge=8)] = 192
    """Width of the tokens."""
    num_heads: Annotated[int, Field(ge=1)] = 6
    """Attention heads."""
    depth: Annotated[int, Field(ge=1)] = 6
    """Transformer blocks."""
    mlp_ratio: Annotated[float, Field(gt=0)] = 4.0
    """Width of the feed-forward layers over model_dim."""
    text: bool = True
    """Cross-attention to text; off = unconditional."""

    @model_validator(mode="after")
    def _heads_divide(self) -> "DiTConfig":
        if self.model_dim % self.num_heads or (self.model_dim // self.num_heads) % 8:
            raise ValueError(
                f"denoiser.model_dim={self.model_dim} does not fit denoiser.num_heads={self.num_heads}: "
                f"each head needs a multiple of 8 channels. Try --denoiser.model-dim {self.num_heads * 32}."
            )
        return self
