"""A training step of ours and of diffusers' other two video transformers, Latte's and CogVideoX's, in turns.

Command: python benchmarks/peers_transformers.py [--rounds 7]

As peers_training.py, at equal width, heads, number of attention blocks, patches, latents and text. Latte attends
within frames and over time in turn, so ours does, too (attention factorised; Latte reads the text in every second block
only); CogVideoX attends over all patches and text tokens together, ours over all patches, and to the text. The faster
of their float32 and bfloat16 autocast counts.
"""

from collections.abc import Callable

import torch
from peers_training import TARGET, flops_of, theirs
from shapes import millions, prepared, sizes
from timing import arguments, figure, in_turns, ratios, write
from torch import Tensor, nn

from mutoscope.denoisers.config import DiTConfig
from mutoscope.training.config import RunConfig
from mutoscope.training.trainer import train_step


class CogVideoX(nn.Module):
    """Asked as the others are: channels before frames."""

    def __init__(self, config: RunConfig, shape: tuple[int, ...], text: int):
        from diffusers import CogVideoXTransformer3DModel

        super().__init__()
        ours = config.denoiser
        assert isinstance(ours, DiTConfig)
        self.inner = CogVideoXTransformer3DModel(
            num_attention_heads=ours.num_heads,
            attention_head_dim=ours.model_dim // ours.num_heads,
            in_channels=shape[0],
            out_channels=shape[0],
            time_embed_dim=ours.model_dim,
            text_embed_dim=config.text.model_dim,
            num_layers=ours.depth,
            sample_width=shape[3],
            sample_height=shape[2],
            sample_frames=shape[1],
            temporal_compression_ratio=1,
            patch_size=ours.patch[1],
            max_text_seq_length=text,
            spatial_interpolation_scale=1.0,
        )

    def forward(self, mixed: Tensor, t: Tensor, states: Tensor, return_dict: bool) -> tuple[Tensor]:
        return (self.inner(mixed.transpose(1, 2), states, t, return_dict=return_dict)[0].transpose(1, 2),)


class Latte(nn.Module):
    """Asked as the others are."""

    def __init__(self, config: RunConfig, shape: tuple[int, ...], text: int):
        from diffusers import LatteTransformer3DModel

        super().__init__()
        ours = config.denoiser
        assert isinstance(ours, DiTConfig)
        self.inner = LatteTransformer3DModel(
            num_attention_heads=ours.num_heads,
            attention_head_dim=ours.model_dim // ours.num_heads,
            in_channels=shape[0],
            out_channels=shape[0],
            num_layers=ours.depth // 2,  # of a block within frames and one over time each
            cross_attention_dim=ours.model_dim,
            sample_size=shape[2],
            patch_size=ours.patch[1],
            activation_fn="gelu-approximate",
            norm_type="ada_norm_single",
            norm_elementwise_affine=False,
            caption_channels=config.text.model_dim,
            video_length=shape[1],
        )

    def forward(self, mixed: Tensor, t: Tensor, states: Tensor, return_dict: bool) -> tuple[Tensor]:
        return (self.inner(mixed, t, states, return_dict=return_dict)[0],)


def measure(name: str, config: RunConfig, peer: type[CogVideoX | Latte], rounds: int) -> tuple[str, list[dict]]:
    model, task, state = prepared(config)
    shape, text = model.latent_shape(config.data.num_frames), task._captions.values.shape[1]
    made, who = peer(config, shape, text), f"{name}, {peer.__name__}"
    works: dict[str, Callable[[], object]] = {
        "ours": lambda: train_step(task, state, config.training),
        "float32": theirs(made, config, shape, text, autocast=False),
        "autocast": theirs(peer(config, shape, text), config, shape, text, autocast=True),
    }
    counted = flops_of(lambda: task.loss(state.compute.modules, range(config.training.batch_size)).mean().backward())
    note = (
        f"{who}: {millions(made)}, {flops_of(works['float32']):.1f} GFLOP a step; ours {millions(model.denoiser)}, "
        f"{counted:.1f} GFLOP in loss and gradients; batch {config.training.batch_size}"
    )
    seconds, batch = in_turns(works, rounds), config.training.batch_size
    best = min(("float32", "autocast"), key=lambda kind: sorted(seconds[kind])[rounds // 2])
    kinds = {"ours": "ours", "float32": "theirs, float32", "autocast": "theirs, bfloat16 autocast"}
    figures = [figure(f"{who}: {words}, clips/s", [batch / s for s in seconds[k]]) for k, words in kinds.items()]
    times = ratios(seconds[best], seconds["ours"])
    return note, [*figures, figure(f"{who}: ours / theirs, examples per second", times, TARGET)]


def main() -> None:
    given = arguments(__doc__, rounds=7)
    torch.manual_seed(0)
    notes, figures = [], []
    for name, config in sizes(given.quick).items():
        ours = config.denoiser
        assert isinstance(ours, DiTConfig)
        turns = ours.model_copy(update={"attention": "factorised", "depth": ours.depth // 2 * 2})
        for denoiser, peer in ((turns, Latte), (ours, CogVideoX)):
            told, found = measure(name, config.model_copy(update={"denoiser": denoiser}), peer, given.rounds)
            notes.append(told)
            figures += found
    title = "Training step against Latte's and CogVideoX's transformers"
    write(given.out, title, "python benchmarks/peers_transformers.py", notes, figures)


if __name__ == "__main__":
    main()
