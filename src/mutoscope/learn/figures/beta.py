"""β, the price of a cloud.

The encoder gives a clip a cloud: a mean and a width for every latent number. Here gradient descent moves the cloud of
one clip towards the least error + β · KL, in 120 steps for each β, while the decoder stays as it was trained, with
β = 0.0001. A small β shrinks the cloud towards a point; a large one blows it up until the decoder cannot tell the clip
any more. Where the draw begins to differ from the mean, the cloud has grown into its neighbours.
"""

import torch
from jaxtyping import Float
from torch import Tensor

from ...evaluation.reconstruction import psnr
from ...pipeline import Pipeline
from ...vae.config import VAEConfig
from ...vae.losses import reconstruction_loss
from ...vae.model import VideoVAE
from ...vae.posterior import Posterior
from ..figure import Asked, Drawn, Position, Tell, as_bytes, clip_of, standard_normal

SLIDER = "β, the weight of the KL"
ASKS = "clip"
READ = ("3_latents_and_text", "What the loss adds up")
BETAS = (1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 0.1, 1.0, 10.0)
STEPS, LEARNING_RATE = 120, 0.1


def draw(pipeline: Pipeline, asked: Asked, tell: Tell) -> Drawn:
    """For every β: the decoded mean, a decoded draw, and what it costs."""
    model, (frames, caption) = pipeline.model, clip_of(asked.number)
    vae, config = model.vae, model.config.vae
    assert isinstance(vae, VideoVAE) and isinstance(config, VAEConfig)  # of the packaged model
    noise = standard_normal((STEPS, *model.latent_shape(frames.shape[2])), asked.number)
    with torch.enable_grad():
        cloud = fitted(vae, frames.to(model.device, model.dtype), torch.tensor(BETAS), noise.to(model.device), tell)
    with torch.no_grad():
        drawn = cloud.sample(standard_normal(cloud.mean[:1].shape, asked.number + 1).expand_as(cloud.mean))
        mean, draws = (
            vae.decode_raw(raw.to(model.device, model.dtype)).float().cpu().clamp(-1, 1) for raw in (cloud.mean, drawn)
        )
    error = reconstruction_loss(draws - frames, config).tolist()
    quality = [psnr(clips, frames.expand_as(clips)).mean(1).tolist() for clips in (mean, draws)]
    kl, width = cloud.kl().tolist(), (0.5 * cloud.log_variance).exp().flatten(1).mean(1).tolist()
    rows = zip(BETAS, error, kl, width, *quality, as_bytes(mean), as_bytes(draws), strict=True)
    (original,) = as_bytes(frames)
    positions = tuple(
        Position(
            f"{beta:g}",
            f"{away:.4f} + {beta:g} · {price:.2f} = {away + beta * price:.4f}. The cloud is {wide:.3f} wide on "
            f"average. Its mean decodes to {by_mean:.1f} dB, a draw to {by_draw:.1f} dB.",
            (original, clip, drawn_clip),
        )
        for beta, away, price, wide, by_mean, by_draw, clip, drawn_clip in rows
    )
    captions = (f"“{caption}”", "the mean of its cloud, decoded", "a draw from its cloud, decoded")
    return Drawn(captions, model.config.fps, positions, begin=BETAS.index(1e-4))


def fitted(
    vae: VideoVAE,
    frames: Float[Tensor, "1 c F H W"],
    betas: Float[Tensor, "b"],
    noise: Float[Tensor, "s k f h w"],
    tell: Tell,
) -> Posterior:
    """The posterior of one clip that costs least under each beta, for this decoder: gradient descent on mean and
    log-variance from the encoder's own (semi-amortised inference, Kim et al. 2018, arXiv:1802.02550, sec. 3).

    noise: one draw for each step, the same for all betas.
    """
    given = vae.posterior(frames)
    mean, log_variance = (
        part.detach().float().repeat(len(betas), 1, 1, 1, 1).requires_grad_()
        for part in (given.mean, given.log_variance)
    )
    betas = betas.to(mean)
    descent = torch.optim.Adam([mean, log_variance], lr=LEARNING_RATE)
    for step, drawn in enumerate(noise):
        cloud = Posterior(mean, log_variance)
        decoded = vae.decode_raw(cloud.sample(drawn.expand_as(mean)).to(frames.dtype))
        loss = reconstruction_loss(decoded - frames, vae.config) + betas * cloud.kl()
        mean.grad, log_variance.grad = torch.autograd.grad(loss.sum(), [mean, log_variance])  # the networks' stay none
        descent.step()
        tell(step + 1, len(noise))
    return Posterior(mean.detach().cpu(), log_variance.detach().cpu())
