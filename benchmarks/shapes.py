"""The two sizes of Diffusion Transformer that speed is measured with, and diffusers' transformer of equal shape."""

import tempfile
from pathlib import Path

import torch
from torch import nn

from mutoscope.data.sprites import SpriteClips
from mutoscope.denoisers.config import DiTConfig
from mutoscope.model import VideoModel
from mutoscope.recipes.demo import demo
from mutoscope.recipes.smoke import smoke
from mutoscope.training.captions import prepare_captions
from mutoscope.training.config import RunConfig
from mutoscope.training.diffusion_task import DiffusionTask
from mutoscope.training.distributed import PLAIN, Engine
from mutoscope.training.run import build_model
from mutoscope.training.state import State, start

CLIPS = 512  # rows that stand for the latent cache


def sizes(quick: bool) -> dict[str, RunConfig]:
    """Of the demo and of about 30 M parameters, at the demo's latents and batch."""
    if quick:
        return {"smoke": smoke()}
    larger = {"denoiser": DiTConfig(model_dim=448, num_heads=7, depth=7, mlp_ratio=4.0)}
    return {"demo": demo(), "30 M": demo().model_copy(update=larger)}


def prepared(config: RunConfig, engine: Engine = PLAIN) -> tuple[VideoModel, DiffusionTask, State]:
    """The diffusion stage at its first step, on noise for latents."""
    clips = SpriteClips(config.data, "train", config.seed)
    model = build_model(config, clips).to(engine.device)
    shape = (CLIPS, *model.latent_shape(config.data.num_frames))
    latents = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    captions = prepare_captions(model, clips.captions(range(CLIPS)))
    task = DiffusionTask(model, latents, captions, config.diffusion, config.seed)
    with tempfile.TemporaryDirectory() as folder:
        state = start(task, config.training, Path(folder), engine=engine)
    return model, task, state


def wan_transformer(config: RunConfig) -> nn.Module:
    """diffusers' WanTransformer3DModel, of its video transformers the one built as ours is: self-attention over all
    spacetime patches, cross-attention to the text, feed-forward. Equal width, depth, heads, patches, channels and text.
    """
    from diffusers import WanTransformer3DModel

    ours = config.denoiser
    assert isinstance(ours, DiTConfig)
    return WanTransformer3DModel(
        patch_size=ours.patch,
        num_attention_heads=ours.num_heads,
        attention_head_dim=ours.model_dim // ours.num_heads,
        in_channels=config.vae.latent_channels,
        out_channels=config.vae.latent_channels,
        text_dim=config.text.model_dim,
        ffn_dim=round(ours.mlp_ratio * ours.model_dim),
        num_layers=ours.depth,
    )


def millions(module: nn.Module) -> str:
    """Parameters."""
    return f"{sum(p.numel() for p in module.parameters()) / 1e6:.2f} M parameters"
