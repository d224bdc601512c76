# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Chapter 1: Noise, and back, on pixels
#
# About 35 minutes. You need PyTorch, not diffusion. At the end you will have trained a network that makes videos out of noise, on plain pixels,
# and you will know what every line of its sampler is for, because you wrote the two that matter.
#
# The clips are as simple as video gets: a grey disc on 32×32 pixels, 8 frames, moving left, right, up or down. That is on purpose: with a disc
# you can *measure* whether a video is right.

# %%
# %load_ext mutoscope.learn.magic
import torch

import mutoscope
from mutoscope.data.config import disc
from mutoscope.data.sprites import SpriteClips
from mutoscope.learn.quoted import quote
from mutoscope.learn.show import show_clips, show_source
from mutoscope.video.pixels import to_uint8

clips = SpriteClips(disc(), "train", seed=0).batch(range(8))
print("frames", tuple(clips.frames.shape), "from", clips.frames.min().item(), "to", round(clips.frames.max().item(), 2))
show_clips([to_uint8(frames) for frames in clips.frames], clips.captions, side=96)

# %% [markdown]
# ## Why noise
#
# To make a video is to draw one from the set of all videos that could exist. Nobody can write that set down. Diffusion goes a long way round: it
# destroys videos step by step until nothing but noise is left, and trains a network to undo one step. Undoing a *small* step is an easy, well-posed question,
# "what in this picture is noise?", and it can be asked at every amount of noise. Noise itself, at the far end, is easy to draw.
#
# The destruction needs no network. It is one line of arithmetic, and it is where the mathematics lives.
#
# ## Forwards: a table of small steps
#
# DDPM (Ho et al. 2020, `arXiv:2006.11239`) destroys in 500 to 1000 steps. Step $k$ shrinks what is there a little and adds a little noise of variance $\beta_k$,
# so that the total variance stays one:
#
# $$x_k = \sqrt{1 - \beta_k}\; x_{k-1} + \sqrt{\beta_k}\; \text{noise}.$$
#
# Two such steps make one longer step of the same form, because sums of Gaussians are Gaussian. So any number of them can be jumped at once, with
# $\bar\alpha_k = (1 - \beta_1) \cdots (1 - \beta_k)$:
#
# $$x_k = \sqrt{\bar\alpha_k}\; x_0 + \sqrt{1 - \bar\alpha_k}\; \text{noise}.$$
#
# With $\bar\alpha = 0.36$, a pixel $x_0 = 1$ and a noise of $-0.5$: $x = 0.6 \cdot 1 + 0.8 \cdot (-0.5) = 0.2$. The scales 0.6 and 0.8 do not add up to one; their squares do.

# %%
from mutoscope.diffusion.paths import DiscretePath, add_noise

path = DiscretePath()  # 500 betas from 0.0001 to 0.02
entries = torch.tensor([1, 50, 125, 250, 375, 500])
alpha_bar = path.alpha(entries.double() / 500) ** 2
for entry, value in zip(entries.tolist(), alpha_bar.tolist(), strict=True):
    print(f"after step {entry:>3}: alpha_bar {value:.4f}, signal {value**0.5:.3f}, noise {(1 - value) ** 0.5:.3f}")
quote(half=alpha_bar[3], last_signal=alpha_bar[-1] ** 0.5)

# %% [markdown]
# Half way through the table only **0.28**<!-- half --> of the variance is still signal. And at its end, look closely: the signal is not gone. A scale of
# **0.08**<!-- last_signal --> is left, enough to tell the mean brightness of a clip. Sampling begins with *pure* noise, which the network
# has then never seen. It is a small lie, and it shows in pictures that cannot get really dark or bright (Lin et al. 2023, `arXiv:2305.08891`). `DiscretePath(zero_terminal_snr=True)`
# mends the table; a straight line from data to noise never has the problem.

# %%
stops = [0.0, 0.1, 0.25, 0.5, 1.0]
noise = torch.randn(1, 1, 8, 32, 32, generator=torch.Generator().manual_seed(0))
ladder = [add_noise(clips.frames[:1], noise, torch.tensor([t]), path)[0].clamp(-1, 1) for t in stops]
show_clips([to_uint8(frames) for frames in ladder], [f"step {int(500 * t)}" for t in stops])

# %% [markdown]
# A disc is more than a hundred pixels that agree, so it survives a lot: at step 250 you still see it, though no single pixel can be trusted. Remember that; it will explain
# where this network has to be trained hardest.
#
# **Your turn.** Write the jump. Clips are (b, c, F, H, W) and $\bar\alpha$ is one number per clip: mind which axis it meets.

# %%
# %%check forward_noising
import torch


def forward_noising(x0, noise, alpha_bar):
    """x0, noise: (b, c, F, H, W); alpha_bar: (b,). Returns x_t (b, c, F, H, W)."""
    ...


# %% [markdown]
# ## What the network is asked
#
# It gets the noisy clip $x_t$, the time $t$, and the caption. What should it answer? There are three usual choices, and each can be turned into the others:
#
# * the **noise** (epsilon), as DDPM does;
# * the **data** $x_0$;
# * the **velocity**, how $x_t$ moves along the path.
#
# Take the pixel from above, $x_t = 0.2$, with $\bar\alpha = 0.36$. If the network says epsilon $= -0.5$, the data must have been
#
# $$x_0 = \frac{x_t - \sqrt{1 - \bar\alpha}\,\epsilon}{\sqrt{\bar\alpha}} = \frac{0.2 + 0.8 \cdot 0.5}{0.6} = 1.$$
#
# See the division: near the noise end $\sqrt{\bar\alpha}$ is 0.08, so an error in epsilon of 0.1 becomes an error in $x_0$ of more than 1. That is why epsilon is a poor question to ask where there is
# much noise, and why this package converts in one place, tested against closed forms:

# %%
from mutoscope.diffusion.predictions import to_x0

show_source(to_x0)

# %% [markdown]
# **To think about.** Does it matter in practice which one is predicted?
#
# <details><summary>Answer</summary>
#
# Yes. After about a minute of training on these discs, predicting $x_0$ sent 51 % of them the right way, velocity on a straight path 28 %, and epsilon on DDPM's table, which the tutorial
# used, 13 %, worse than guessing; only 65 % of its discs even kept their size (`mutoscope compare disc_dit "disc_dit --diffusion.path ddpm --diffusion.prediction epsilon" --seconds 60`; five variants
# in `docs/experiments.md`). Given more time all of them learn; the order stays.
#
# </details>

# %% [markdown]
# ## Backwards: one step of DDPM
#
# Suppose the network has told us $x_0$. We are at $x_t$ and want to be one entry nearer to the data. Both ends are known, so the point between them is a known Gaussian; this is Bayes' rule for three Gaussians in a row
# (eq. 7 of the paper). With $\beta = 1 - \bar\alpha / \bar\alpha_\text{next}$:
#
# $$\text{mean} = \frac{\sqrt{\bar\alpha_\text{next}}\;\beta}{1 - \bar\alpha}\,x_0
# + \frac{\sqrt{\bar\alpha / \bar\alpha_\text{next}}\;(1 - \bar\alpha_\text{next})}{1 - \bar\alpha}\,x_t.$$
#
# By hand, for one pixel: $\bar\alpha = 0.4$, $\bar\alpha_\text{next} = 0.8$, $x_0 = 1$, $x_t = 1$ give $\beta = 0.5$ and
#
# $$\text{mean} = \frac{0.8944 \cdot 0.5}{0.6} + \frac{0.7071 \cdot 0.2}{0.6} = 0.7454 + 0.2357 = 0.9811.$$
#
# You need not believe Bayes' rule. Simulate it: walk a million pixels forwards from $x_0 = 1$, keep those that arrive near $x_t = 1$, and look where they had been.

# %%
g = torch.Generator().manual_seed(0)
count, bar, bar_next = 4_000_000, 0.4, 0.8
x_next = bar_next**0.5 * 1.0 + (1 - bar_next) ** 0.5 * torch.randn(count, generator=g)
x_t = (bar / bar_next) ** 0.5 * x_next + (1 - bar / bar_next) ** 0.5 * torch.randn(count, generator=g)
near = (x_t - 1.0).abs() < 0.02
print(f"{near.sum():,} of {count:,} arrive near 1; they came from {x_next[near].mean():.3f} on average")
quote(came_from=x_next[near].mean())

# %% [markdown]
# **0.98**<!-- came_from ±0.01 -->, as the formula says. DDPM then adds fresh noise of variance $\beta$, except in the last step: a sampler that only took means would arrive at an average of videos, and averages are blurred.
#
# **Your turn.** Mean, plus noise, but not at the end.

# %%
# %%check ancestral_step
import torch


def ancestral_step(xt, x0, noise, alpha_bar, alpha_bar_next):
    """xt, x0, noise: (b, c, F, H, W); alpha_bar, alpha_bar_next: (). Returns x_s (b, c, F, H, W)."""
    ...


# %% [markdown]
# ## A network on pixels
#
# The classic shape for pictures is a **U-Net**: convolutions, half the size, convolutions, half again, and back up, with bridges between equal sizes, so that what is seen coarsely can be drawn finely. For video the
# convolutions get a third axis, time: a $3 \times 3 \times 3$ kernel sees a pixel's neighbours in its own frame, the one before and the one after. Everything is told the time $t$ and the caption by scales and shifts.
#
# The recipe `disc_conv3d` is the first part of the tutorial this package grew from, made to work. It draws training times near $t = 1$, for the reason you saw on the noise ladder: the disc is visible through so much noise that its
# direction is decided at the noisy end. It goes to noise on a straight line, predicts the velocity, and trains for 3 minutes; half of it is enough here.

# %%
from pathlib import Path

from mutoscope.recipes.disc import disc_conv3d
from mutoscope.training.callbacks import Callbacks

recipe = disc_conv3d()
recipe = recipe.model_copy(update={"training": recipe.training.model_copy(update={"steps": 500})})
print(recipe.denoiser)
print(recipe.diffusion.path, recipe.diffusion.prediction, "times drawn around", recipe.diffusion.timestep_mean)


# %%
def tell(stage: str, step: int, steps: int, loss: float) -> None:
    if stage != "encode" and (step in (1, steps) or step % 100 == 0):
        print(f"{stage:<10} {step:>4} of {steps}  loss {loss:.4f}")


run = mutoscope.train(recipe, Path("work/conv3d"), Callbacks(on_step=tell))

# %% [markdown]
# (Run the cell again, and nothing is trained again; interrupt it, and it goes on where it stopped.)
#
# Now generate, and watch. The sampler starts with pure noise and asks the network, step by step, for its estimate of the clip:

# %%
from mutoscope.pipeline import GenerateRequest, generate

model = mutoscope.load(run)
seen = []
request = GenerateRequest(prompts=("a disc moving right",), seeds=(1,), sampling=model.sampling(8, "ddim"))
generate(model.model, request, on_step=lambda done, total, x0: seen.append(x0.clone()))
with torch.no_grad():
    beliefs = [to_uint8(model.model.decode(x0)[0]) for x0 in seen]
show_clips(beliefs, [f"step {k + 1} of 8" for k in range(8)], side=96)

# %% [markdown]
# First a grey cloud: the mean of all discs that move right. Then a place, then an edge.
#
# ## Is it right?
#
# Looking is not measuring. A judge finds the disc in every frame of 48 new videos, and compares its path with the caption and its size with the truth. We ask twice: with the recipe's sampler in 16 steps, and with DDPM's ancestral
# sampler, whose step you wrote, in 60.

# %%
from mutoscope.evaluation.quick import quick_adherence


def measured(sampling):
    def make(prompts: list[str], seeds: list[int]) -> torch.Tensor:
        return generate(model.model, GenerateRequest(prompts=tuple(prompts), seeds=tuple(seeds), sampling=sampling))

    return quick_adherence(recipe.data, make, num_prompts=48, seed=0, cache=None)


fast, ancestral = measured(None), measured(model.sampling(60, "ddpm"))
for name, found in (("16 steps, " + recipe.sampling.sampler, fast), ("60 steps, ddpm", ancestral)):
    way = found.direction
    print(
        f"{name:<20} goes the asked way {way.value:.0%} ({way.low:.0%} to {way.high:.0%}), right size in every frame {found.area.value:.0%}"
    )
quote(fast=100 * fast.direction.value, ancestral=100 * ancestral.direction.value)

# %% [markdown]
# With 16 steps **90 %**<!-- fast ±14 --> go the asked way, with 60 ancestral ones **96 %**<!-- ancestral ±10 -->. Half trained as it is, the network profits from the many small
# corrections of the ancestral sampler; trained to the end, `disc_conv3d` sends 98 % the right way in 16 steps.
#
# <details><summary>Why do fewer steps lose nothing?</summary>
#
# Each DDPM step throws fresh noise in and has to remove it again, so steps must be small. Samplers like DPM-Solver++ follow the *same* marginal distributions without fresh noise, along a smooth curve, and a smooth curve can be followed in long steps:
# on these clips 4 steps are as good as 32 (`docs/experiments.md`, "How many sampling steps each needs"; `mutoscope compare disc_conv3d disc_attention disc_unet disc_dit --seconds 195`).
#
# </details>
#
# ## What to try
#
# * `model.generate("a disc moving left", seed=0, sampler="ddpm", steps=8)`: what do too few ancestral steps look like?
# * `timestep_mean=0.0` in `recipe.diffusion`: the noise level that every picture model is trained at. Which of the two measures suffers?
# * Every frame here is 1,024 pixels. A clip of 16 frames at 256×256 in colour has 384 times as many numbers. What that costs, and what to do about it, is the subject of the next two chapters.
