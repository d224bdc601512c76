"""Noise a clip.

At t = 0 the clip is whole, at t = 1 only noise is left; between, it is (1 − t) times the one plus t times the other.
The network sees the noisy latents and guesses the clip, in one look. Watch where the two guesses part: what the noise
has swallowed, only the caption can tell. Near t = 1 a guess is the average of all clips that fit, so it is blurred.
"""

import torch

from ...diffusion.paths import add_noise
from ...evaluation.reconstruction import background, psnr
from ...pipeline import Pipeline
from ..figure import Asked, Drawn, Position, Tell, as_bytes, clip_of, standard_normal

SLIDER = "diffusion time t"
ASKS = "clip"
READ = ("3_latents_and_text", "The straight path from data to noise")
POSITIONS = 41


@torch.no_grad()
def draw(pipeline: Pipeline, asked: Asked, tell: Tell) -> Drawn:
    """The clip at evenly spaced times, noised in pixels and in latents, and two guesses of the packaged model."""
    model, (frames, caption) = pipeline.model, clip_of(asked.number)
    times = torch.linspace(0, 1, POSITIONS)
    x0 = model.encode(frames).expand(POSITIONS, -1, -1, -1, -1)
    noise = standard_normal(x0[:1].shape, asked.number).to(x0).expand_as(x0)
    xt = add_noise(x0, noise, times, model.path)
    pixels = frames.expand(POSITIONS, -1, -1, -1, -1)
    in_pixels = add_noise(pixels, standard_normal(frames.shape, asked.number).expand_as(pixels), times, model.path)
    tell(1, 3)
    shown = [in_pixels, model.decode(xt).cpu()]
    for number, text in enumerate((caption, "")):
        guess = model.x0_denoiser(model.context([text] * POSITIONS))(xt, times)
        shown.append(model.decode(guess).cpu())
        tell(2 + number, 3)
    right, without = (psnr(clips, pixels).mean(1).tolist() for clips in shown[2:])
    black = float(psnr(background(frames), frames).mean())
    clips = [as_bytes(one) for one in shown]
    positions = tuple(
        Position(
            f"{t:.3f}",
            f"xₜ = {1 - t:.3f} · x₀ + {t:.3f} · noise. PSNR of the guess against the clip: {right[k]:.1f} dB "
            f"with the caption, {without[k]:.1f} dB without; a black clip has {black:.1f} dB.",
            tuple(one[k] for one in clips),
        )
        for k, t in enumerate(times.tolist())
    )
    captions = (
        "the clip, noised in its pixels", "its latents noised, then decoded", f"guess of the network, told “{caption}”",
        "its guess, told nothing",
    )  # fmt: skip
    return Drawn(captions, model.config.fps, positions, begin=34)
