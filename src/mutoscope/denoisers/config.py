"""The shape of the denoising networks."""

from collections.abc import Iterable
from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag, model_validator

from ..config import Config

Count = Annotated[int, Field(ge=1)]
LONGEST_AXIS = 64  # entries of each table of learned positions


def fitting(size: int, factor: int = 1, longest: int | None = None) -> list[int]:
    """Patches that cut an axis of `size` into a multiple of `factor` tokens, at most `longest`; smallest first."""
    return [p for p in range(1, size + 1) if size % (p * factor) == 0 and size // p <= (longest or size)]


def nearest(patches: list[int], wanted: int) -> int:
    """The largest up to `wanted`, else the smallest."""
    return max((p for p in patches if p <= wanted), default=patches[0])


def typed(numbers: Iterable[int]) -> str:
    """Numbers as the values of an option."""
    return " ".join(map(str, numbers))


class DiTConfig(Config):
    """Diffusion Transformer over spacetime patches of the latents."""

    patch: tuple[Count, Count, Count] = (1, 2, 2)
    """Latent frames, rows and columns covered by one token."""
    model_dim: Annotated[int, Field(ge=8)] = 192
    """Width of the tokens."""
    num_heads: Count = 6
    """Attention heads."""
    depth: Count = 6
    """Transformer blocks."""
    mlp_ratio: Annotated[float, Field(gt=0)] = 4.0
    """Width of the feed-forward layers over model_dim."""
    text: bool = True
    """Conditioned on text; off = unconditional."""
    cross_attention: bool = True
    """Tokens read the words; off = text enters only pooled, through the modulation. Without text it does nothing."""
    positions: Literal["rotary", "learned"] = "rotary"
    """How tokens know their place: rotary reaches any size; learned adds one table per axis, 64 tokens at most."""
    attention: Literal["full", "factorised", "block_causal"] = "full"
    """Which tokens look at which: all; a frame, then a place over time, in turn; own and earlier frames only."""
    modulation: Literal["per_block", "shared"] = "per_block"
    """Projection of the condition to scales and shifts: one per block, or one for all with an offset per block."""

    @model_validator(mode="after")
    def _heads_divide(self) -> "DiTConfig":
        if self.model_dim % self.num_heads or (self.model_dim // self.num_heads) % 8:
            raise ValueError(
                f"denoiser.model_dim={self.model_dim} does not fit denoiser.num_heads={self.num_heads}: "
                f"each head needs a multiple of 8 channels. Try --denoiser.model-dim {self.num_heads * 32}."
            )
        return self

    @model_validator(mode="after")
    def _frames_meet(self) -> "DiTConfig":
        if self.attention == "factorised" and self.depth < 2:
            raise ValueError(
                f"denoiser.depth={self.depth} does not fit denoiser.attention=factorised: "
                "only every second block looks across frames. Try --denoiser.depth 2."
            )
        return self

    def check_latents(self, shape: tuple[int, int, int]) -> None:
        """Refuse latents of (frames, rows, columns) that the patches do not divide or the positions do not reach."""
        f, h, w = shape
        longest = LONGEST_AXIS if self.positions == "learned" else None
        axes = list(zip(shape, self.patch, strict=True))
        fits = typed(nearest(fitting(size, longest=longest), patch) for size, patch in axes)
        if any(size % patch for size, patch in axes):
            raise ValueError(
                f"latents of {f} x {h} x {w} frames, rows, columns do not divide into patches of {self.patch}. "
                f"Use a --denoiser.patch that divides them, e.g. {fits}."
            )
        grid = [size // patch for size, patch in axes]
        if longest and max(grid) > longest:
            raise ValueError(
                f"{' x '.join(map(str, grid))} tokens do not fit denoiser.positions=learned: {longest} along each "
                f"axis at most. Use --denoiser.positions rotary or --denoiser.patch {fits}."
            )


class UNetConfig(Config):
    """Convolutional U-Net over the latents (or frames), each level at half the rows and columns of the one before."""

    mixing: Literal["conv3d", "attention", "conv2d_1d"]
    """How blocks mix space and time: 3-D convolution; 2-D with attention in frames, then over time; 2-D, then 1-D."""
    patch: tuple[Count, Count, Count] = (1, 1, 1)
    """Latent frames, rows and columns gathered into one place of the first level."""
    widths: Annotated[tuple[Annotated[int, Field(ge=4)], ...], Field(min_length=1)] = (64, 128)
    """Channels of each level; a level more halves rows and columns once more, never frames."""
    depth: Count = 1
    """Blocks per level, on the way down and again on the way up."""
    num_heads: Count = 4
    """Attention heads, at every level."""
    text: bool = True
    """Conditioned on text; off = unconditional."""
    cross_attention: bool = True
    """Places read the words; off = text enters only pooled, through the modulation. Without text it does nothing."""

    @model_validator(mode="after")
    def _heads_divide(self) -> "UNetConfig":
        unit = 4 * self.num_heads  # rotary positions turn pairs of channels, of more than one axis
        if any(width % unit for width in self.widths):
            fits = typed(-(-width // unit) * unit for width in self.widths)
            raise ValueError(
                f"denoiser.widths={self.widths} do not fit denoiser.num_heads={self.num_heads}: "
                f"each head needs a multiple of 4 channels. Try --denoiser.widths {fits}."
            )
        return self

    def check_latents(self, shape: tuple[int, int, int]) -> None:
        """Refuse latents of (frames, rows, columns) that do not divide into patches and then halve at each level."""
        f, h, w = shape
        halvings = len(self.widths) - 1
        axes = list(zip(shape, self.patch, (1, 2**halvings, 2**halvings), strict=True))
        if not any(size % (patch * factor) for size, patch, factor in axes):
            return
        patches = [fitting(size, factor) for size, _, factor in axes]
        if all(patches):
            advice = f"--denoiser.patch {typed(map(nearest, patches, self.patch))}"
        else:  # no patch helps: the rows or columns do not halve so often
            levels = next(n for n in range(halvings, 0, -1) if h % 2 ** (n - 1) == 0 == w % 2 ** (n - 1))
            frames = nearest(patches[0], self.patch[0])
            advice = f"--denoiser.patch {frames} 1 1 --denoiser.widths {typed(self.widths[:levels])}"
        raise ValueError(
            f"latents of {f} x {h} x {w} frames, rows, columns do not divide into patches of {self.patch} whose rows "
            f"and columns halve {halvings} times. Use {advice}."
        )


def _kind(value: Any) -> str:
    """Which network a configuration is of: only a U-Net has `mixing`."""
    return "(unet)" if isinstance(value, UNetConfig) or (isinstance(value, dict) and "mixing" in value) else "(dit)"


DenoiserConfig = Annotated[
    Annotated[UNetConfig, Tag("(unet)")] | Annotated[DiTConfig, Tag("(dit)")], Discriminator(_kind)
]
"""Either network. Told apart before validation, so that a mistake is reported for the one that was meant."""
