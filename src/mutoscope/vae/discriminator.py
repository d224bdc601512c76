"""An adversary for the decoder: patches of clips, real or decoded?"""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn import functional as F

from .blocks import ResidualBlock, SpacePool, fold
from .memory import Memory
from .network import UNSHUFFLE

WIDTH = 32
R1_WEIGHT, R1_STEP = 1.0, 0.1


class Discriminator(nn.Module):
    """One logit for every 8 x 8 pixels of every frame, from what is around them in three frames (patches after Isola et
    al. 2017, arXiv:1611.07004, sec. 3.2.2, in the blocks of the VAE). No normalisation: a clip's logits are its own.
    """

    def __init__(self, channels: int):
        super().__init__()
        self.stem = nn.Conv2d(channels * UNSHUFFLE**2, WIDTH, 3, padding=1)
        blocks = [ResidualBlock(WIDTH, memory=True) for _ in range(2)]
        self.layers = nn.ModuleList([blocks[0], SpacePool(WIDTH, shortcut=False), blocks[1]])
        self.head = nn.Conv2d(WIDTH, 1, 3, padding=1)

    def forward(self, frames: Float[Tensor, "b c F H W"]) -> Float[Tensor, "b n"]:
        """Logits of the patches: large for real ones."""
        memory = Memory()
        memory.rewind()
        x = fold(self.stem, F.pixel_unshuffle(frames.transpose(1, 2), UNSHUFFLE))
        for layer in self.layers:
            x = layer(x, memory)
        return fold(self.head, F.silu(x)).flatten(1)


def discriminator_loss(
    discriminator: nn.Module,
    frames: Float[Tensor, "b c F H W"],
    decoded: Float[Tensor, "b c F H W"],
    noise: Float[Tensor, "b c F H W"],
) -> Float[Tensor, " b"]:
    """Hinge loss (Lim & Ye 2017, arXiv:1705.02894) with the penalty R1; no gradient reaches the decoder.

    R1 (Mescheder et al. 2018, arXiv:1801.04406, eq. 9) is the squared gradient of the logits at real clips, here by how
    much they change a small step of standard normal noise away (Lin et al. 2025, arXiv:2501.08316, eq. 3). That needs
    no second derivative, and no state that a resumed run would have to know, as spectral norms and running means do.
    """
    real = discriminator(frames)
    slope = (discriminator(frames + R1_STEP * noise) - real).float() / R1_STEP
    hinge = F.relu(1 - real.float()).mean(1) + F.relu(1 + discriminator(decoded.detach()).float()).mean(1)
    return hinge + R1_WEIGHT / 2 * slope.square().mean(1)


def generator_loss(discriminator: nn.Module, decoded: Float[Tensor, "b c F H W"]) -> Float[Tensor, " b"]:
    """Minus the logits of what was decoded; no gradient reaches the discriminator, so one backward trains both."""
    frozen = {name: value.detach() for name, value in discriminator.named_parameters()}
    return -functional_call(discriminator, frozen, (decoded,)).float().mean(1)


def balance(
    reconstruction: Float[Tensor, ""], adversarial: Float[Tensor, ""], last_layer: nn.Parameter
) -> Float[Tensor, ""]:
    """The factor that makes both losses pull equally hard at the decoder's last layer (Esser et al. 2021,
    arXiv:2012.09841, eq. 7), at most 1e4; a constant of the graph.
    """
    wanted, got = (
        torch.autograd.grad(loss, last_layer, retain_graph=True)[0].float().norm()
        for loss in (reconstruction, adversarial)
    )
    return (wanted / (got + 1e-4)).clamp(max=1e4).detach()
