"""Small networks with random weights everywhere (zero initialisation would hide most faults), and what goes in."""

import torch
from torch import nn

from mutoscope.denoisers.build import build_denoiser
from mutoscope.denoisers.config import DiTConfig, UNetConfig
from mutoscope.types import Context

CHANNELS, CONTEXT_DIM = 3, 24
DIT = DiTConfig(model_dim=32, num_heads=2, depth=2, mlp_ratio=2.0)
UNET = UNetConfig(mixing="conv3d", widths=(8, 16), num_heads=2)
CONFIGS = {
    "dit": DIT,
    "learned": DIT.model_copy(update={"positions": "learned"}),
    "factorised": DIT.model_copy(update={"attention": "factorised"}),
    "block_causal": DIT.model_copy(update={"attention": "block_causal"}),
    "shared": DIT.model_copy(update={"modulation": "shared"}),
    "dit_pooled": DIT.model_copy(update={"cross_attention": False}),
    "dit_alone": DIT.model_copy(update={"text": False}),
    "conv3d": UNET,
    "conv2d_1d": UNET.model_copy(update={"mixing": "conv2d_1d"}),
    "attention": UNET.model_copy(update={"mixing": "attention"}),
    "unet_deep": UNET.model_copy(update={"depth": 2, "patch": (1, 2, 1), "mixing": "conv2d_1d"}),
    "unet_pooled": UNET.model_copy(update={"cross_attention": False}),
    "unet_alone": UNET.model_copy(update={"text": False}),
}


def awake(config=DIT, seed=0):
    """The network of a configuration, with normal weights of standard deviation 0.15 throughout."""
    model = build_denoiser(config, CHANNELS, CONTEXT_DIM)
    g = torch.Generator().manual_seed(seed)
    for parameter in model.parameters():
        nn.init.normal_(parameter, std=0.15, generator=g)
    return model.eval()


def inputs(b=3, f=4, seed=1, text=True):
    """Latents of f x 4 x 6, times, and context with padding (None without text)."""
    g = torch.Generator().manual_seed(seed)
    mask = torch.arange(6)[None] < torch.tensor([2, 6, 4])[:b, None]
    context = Context(torch.randn(b, 6, CONTEXT_DIM, generator=g), mask)
    return torch.randn(b, CHANNELS, f, 4, 6, generator=g), torch.rand(b, generator=g), context if text else None


def frames_changed(model, k, f=4):
    """Which frames of the output change when frame k of the latents does."""
    xt, t, context = inputs(f=f, text=model.config.text)
    before = model(xt, t, context)
    xt[:, :, k] = xt[:, :, k].flip(0)
    return ((model(xt, t, context) - before).abs().amax((0, 1, 3, 4)) > 1e-6).tolist()
