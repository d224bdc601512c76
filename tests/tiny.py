"""The smallest run with every part in it, and its model with weights of any sign everywhere."""

from functools import cache

import torch
from torch import nn

from mutoscope.data.config import SpriteConfig
from mutoscope.data.sprites import SpriteClips
from mutoscope.denoisers.config import DiTConfig
from mutoscope.model import VideoModel
from mutoscope.samplers.config import SamplingConfig
from mutoscope.text.build import CaptionReader, new_reader
from mutoscope.text.config import TextConfig, TextEncoderConfig
from mutoscope.training.config import RunConfig, StageConfig
from mutoscope.vae.config import VAEConfig


def tiny_run(**changes) -> RunConfig:
    """5 frames of 16 x 16; steps of milliseconds. changes: fields of RunConfig."""
    stage = StageConfig(
        steps=6, batch_size=4, warmup_steps=2, log_every=1, checkpoint_every=2, precision="float32", ema_decay=0.9
    )
    fields = {
        "data": SpriteConfig(num_frames=5, height=16, width=16, sprite_size=10),
        "vae": VAEConfig(width=8, depth=1, latent_channels=3, temporal_stride=2),
        "text": TextConfig(model_dim=16, num_heads=2, depth=1, max_tokens=16, vocabulary_size=128),
        "denoiser": DiTConfig(model_dim=32, num_heads=2, depth=2, mlp_ratio=2.0),
        "sampling": SamplingConfig(steps=3),
        "vae_training": stage,
        "training": stage,
        "cached_clips": 10,
    }
    return RunConfig.model_validate(fields | changes)


@cache
def reader_of(data: SpriteConfig, text: TextEncoderConfig) -> CaptionReader:
    """A tokenizer trained on some captions, or the frozen encoder; once per configuration."""
    return new_reader(text, lambda: SpriteClips(data, "train", 0).captions(range(2000)))


def awake_model(config: RunConfig | None = None, seed: int = 0) -> VideoModel:
    """A model whose zero-initialised parts speak, so that faults cannot hide behind zeros."""
    config = config or tiny_run()
    torch.manual_seed(seed)
    model = VideoModel(config.model, reader_of(config.data, config.text))
    g = torch.Generator().manual_seed(seed)
    for parameter in model.denoiser.parameters():
        nn.init.normal_(parameter, std=0.1, generator=g)
    k = config.vae.latent_channels
    model.vae.set_statistics(torch.randn(k, generator=g), 0.5 + torch.rand(k, generator=g))
    return model.eval()
