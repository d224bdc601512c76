"""Optimizers and the learning rate."""

import torch
from torch import nn
from torch.optim import AdamW, Optimizer

from .config import StageConfig
from .muon import Muon
from .parts import whole

BLOCK_LISTS = ("blocks", "layers")
"""What networks call their lists of blocks."""


def build_optimizers(modules: nn.ModuleDict, config: StageConfig) -> list[Optimizer]:
    """Muon (Jordan et al. 2024) on matrices and kernels inside blocks and AdamW on the rest, or AdamW on everything.

    Muon's updates are scaled to AdamW's root mean square (Liu et al. 2025, arXiv:2502.16982, eq. 4), so one learning
    rate serves both.
    """
    inner, rest = [], []
    for name, parameter in modules.named_parameters():
        inside = parameter.ndim >= 2 and any(f".{part}." in name for part in BLOCK_LISTS)
        muon = config.optimizer == "muon" and inside and "modulation" not in name
        (inner if muon else rest).append(parameter)
    decayed = [p for p in rest if p.ndim >= 2]
    plain = [p for p in rest if p.ndim < 2]
    groups = [{"params": decayed, "weight_decay": config.weight_decay}, {"params": plain, "weight_decay": 0.0}]
    adamw = AdamW([g for g in groups if g["params"]], lr=config.lr, betas=(0.9, 0.95), eps=1e-10, fused=True)
    return [Muon(inner, config.lr, config.weight_decay), adamw] if inner else [adamw]


def learning_rate(step: int, config: StageConfig) -> float:
    """Rate of optimizer step `step` (from 0): linear warm-up, constant, linear to zero over the last decay_share."""
    warm = min(1.0, (step + 1) / max(1, config.warmup_steps))
    decay_steps = config.decay_share * config.steps
    left = (config.steps - step) / decay_steps if decay_steps else 1.0
    return config.lr * warm * min(1.0, left)


def set_learning_rate(optimizers: list[Optimizer], rate: float) -> None:
    """Give all parameter groups this rate."""
    for optimizer in optimizers:
        for group in optimizer.param_groups:
            group["lr"] = rate


@torch.no_grad()
def finite_gradients(modules: nn.ModuleDict, max_norm: float) -> torch.Tensor:
    """Clip the gradients to max_norm and return their norm before that, a scalar tensor; may be non-finite."""
    return whole(nn.utils.clip_grad_norm_(modules.parameters(), max_norm, foreach=True))
