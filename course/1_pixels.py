# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Chapter 1: Videos from noise
#
# 35 minutes of reading and doing, of which the machine works about 3. You need PyTorch and the mean and variance of a
# normal distribution. Nothing else.
#
# At the end you will have trained a network that makes videos out of noise, directly on pixels. You will be able to
# noise a clip to any degree, take one step of DDPM by hand, say what a network may be asked to predict and why it
# matters, and measure whether videos show what they should.
#
# Everything runs on two processor cores and downloads nothing. What you train goes into a folder `work/` beside you. A
# cell that has trained once goes on from there: run it again and it is done at once.

# %%
# %load_ext mutoscope.learn.magic
from pathlib import Path

import torch

import mutoscope
from mutoscope.learn.quoted import quote
from mutoscope.learn.show import show_frames, show_lines, show_source, show_table, show_video, telling

WORK = Path("work/chapter1")

# %% [markdown]
# ## A clip is a tensor
#
# Before we make videos, we need some. Ours are the smallest that still move: 512 clips of a disc on 32 by 32 pixels, 8
# frames, which goes left, right, up or down. Each has a caption.
#
# A batch of clips is a tensor of the shape (clips, channels, frames, rows, columns). Black is $-1$, white is $+1$. Zero
# in the middle is no accident: noise has mean zero, too.

# %%
from mutoscope.data.open import open_clips
from mutoscope.recipes.disc import disc_conv3d

recipe = disc_conv3d()
clips = open_clips(recipe.data, "train", seed=0)
batch = clips.batch([0, 1, 3, 5])
print(tuple(batch.frames.shape), "from", batch.frames.min().item(), "to", batch.frames.max().item())
show_video(list(batch.frames), batch.captions)
white = (clips.batch(range(64)).frames > 0).float().mean().item()
print(f"white: {100 * white:.1f} % of all pixels")
quote(white=100 * white)

# %% [markdown]
# Only **10.6 %**<!-- white ±0.3 --> of the pixels are white. We shall need that number.

# %% [markdown]
# ## Destroying is easy
#
# Making a video from nothing is hard. Ruining one is easy: add noise. The idea of diffusion is to ruin clips in many
# small steps that we know exactly, and to learn to undo one step. A small step back is a question that a network can
# answer.
#
# In step $k$, DDPM (Ho et al. 2020, arXiv:2006.11239) makes the clip a little fainter and adds a little noise:
#
# $$x_k = \sqrt{1 - \beta_k}\;x_{k-1} + \sqrt{\beta_k}\;\text{noise}.$$
#
# Why these square roots? If $x_{k-1}$ has variance 1, then $x_k$ has variance $(1 - \beta_k) + \beta_k = 1$ again.
# Nothing blows up, nothing dies away.
#
# Must we go through all the steps to get to step $k$? No. Fainter and fainter just multiplies, and sums of independent
# normal noises are one normal noise. Call the product $\bar\alpha_k = (1 - \beta_1) \cdots (1 - \beta_k)$. Then
#
# $$x_k = \sqrt{\bar\alpha_k}\;x_0 + \sqrt{1 - \bar\alpha_k}\;\text{noise},$$
#
# in one jump. Two steps with $\beta = 0.1$ and $0.2$ give $\bar\alpha = 0.9 \cdot 0.8 = 0.72$. With
# $\bar\alpha = 0.36$, a white pixel $x_0 = 1$ and noise $-0.5$: $x = 0.6 \cdot 1 + 0.8 \cdot (-0.5) = 0.2$.
#
# The package writes $\alpha = \sqrt{\bar\alpha}$ and $\sigma = \sqrt{1 - \bar\alpha}$, and instead of counting steps it
# has a time $t$ from 0 (data) to 1 (noise). Then all sorts of schedules look alike.

# %%
from mutoscope.diffusion.paths import CosinePath, DiscretePath, LinearPath, add_noise

show_source(add_noise)
table = DiscretePath()  # 500 betas from 0.0001 to 0.02
ends = table.alpha(torch.tensor([0.0, 1.0])).square()
print("alpha-bar at data and at noise:", ends.tolist())
frames = batch.frames[:1]
noise = torch.randn(frames.shape, generator=torch.Generator().manual_seed(0))
times = (0.0, 0.1, 0.3, 0.6, 1.0)
noised = [add_noise(frames, noise, torch.tensor([t]), table)[0] for t in times]
labels = [f"t = {t}: alpha-bar {table.alpha(torch.tensor(t)).square().item():.3f}" for t in times]
show_frames(noised, labels, scale=2)
quote(last_alpha_bar=ends[1].item())

# %% [markdown]
# At the end $\bar\alpha$ is **0.006**<!-- last_alpha_bar -->: six thousandths of the variance are still the clip. You
# cannot see them, but a network could, and then it is asked to begin from pure noise, which it never saw in training.
# That is a known flaw of the table. Other paths end in noise exactly. Here are three, by how loud the clip is at each
# time.

# %%
grid = torch.linspace(0, 1, 51)
paths = {"DDPM's table": table, "straight line": LinearPath(), "quarter circle": CosinePath()}
curves = {name: list(zip(grid.tolist(), path.alpha(grid).tolist(), strict=True)) for name, path in paths.items()}
show_lines(curves, "How loud the clip is", "time t", "alpha")

# %% [markdown]
# **Exercise: forward_noising.** Write the jump. `x0` and `noise` are clips (b, c, F, H, W), `alpha_bar` is one number
# per clip, shape (b,). The point of the exercise is the shape: each clip has to be multiplied by its own number. With
# $\bar\alpha = 0.36$, $x_0 = 1$ and noise $-0.5$ the answer is 0.2.
#
# Replace the dots and run the cell, or press *Check* in the studio. The answer is checked against the package, and a
# mistake is named.

# %%
# %%check forward_noising
import torch


def forward_noising(x0, noise, alpha_bar):
    """x0, noise: (b, c, F, H, W); alpha_bar: (b,). Returns x_t (b, c, F, H, W)."""
    ...


# %% [markdown]
# ## What to ask the network
#
# The network sees the ruined clip $x_t$, the time $t$ and the caption. What should it say? There are three customs.
#
# * *epsilon*: the noise that is in $x_t$;
# * *x0*: the clip that is in it;
# * *velocity*: how $x_t$ moves as time goes on.
#
# Each tells the others, because we know $x_t$ and the scales. Take the pixel from above: $x_t = 0.2$, $\alpha = 0.6$,
# $\sigma = 0.8$. If the network says epsilon $= -0.5$, then
#
# $$x_0 = \frac{x_t - \sigma\,\varepsilon}{\alpha} = \frac{0.2 + 0.8 \cdot 0.5}{0.6} = 1.$$
#
# Mind the division. At the noisy end of the table $\alpha = 0.08$, and an error of 0.1 in epsilon becomes an error of
# more than 1 in the clip. Asked for $x_0$ itself, the network has no such trouble there. All conversions of the package
# are in one place:

# %%
from mutoscope.diffusion.predictions import to_x0

show_source(to_x0)
pixel, t_pixel = torch.full((1, 1, 1, 1, 1), 0.2), 2 / torch.pi * torch.tensor([0.8]).asin()  # where sigma is 0.8
x0_pixel = to_x0(torch.full_like(pixel, -0.5), pixel, t_pixel, CosinePath(), "epsilon").item()
last_alpha = table.alpha(torch.tensor(1.0)).item()
print(f"x0 = {x0_pixel:.3f}; an error of 0.1 at the end of the table becomes {0.1 / last_alpha:.2f}")
quote(x0_pixel=x0_pixel, enlarged=0.1 / last_alpha)

# %% [markdown]
# The pixel was **1.00**<!-- x0_pixel -->, as by hand, and an error of 0.1 becomes one of
# **1.25**<!-- enlarged ±0.01 -->.
#
# **To think about.** Three ways to say the same thing. Can it matter which one is learned?
#
# <details><summary>Answer</summary>
#
# It can. A network is never exact, and each question forgives other errors. With about a minute of training each, on
# the transformer of chapter 3, the disc went the right way in 51 % of the videos when the network said $x_0$, in 28 %
# when it said the velocity on a straight line, and in 13 % with epsilon on DDPM's table
# (`mutoscope compare disc_dit "disc_dit --diffusion.prediction x0" "disc_dit --diffusion.path ddpm --diffusion.prediction epsilon" --seconds 60 --snapshots 0`;
# all five are in `docs/experiments.md`). The path alone made no clear difference. So below we ask for $x_0$, on the
# straight line.
#
# </details>

# %% [markdown]
# ## One step back, by hand
#
# Say the network has told us $x_0$. We are at time $t$ and want to be at an earlier time $s$. How?
#
# If we knew only $x_0$, we would add noise to it: a cloud around $\sqrt{\bar\alpha_s}\,x_0$. If we knew only $x_t$, we
# would step back from it. We know both, and both clouds are normal. What they agree on is normal, too, and its mean
# lies between them (eq. 7 of the paper). With $\beta = 1 - \bar\alpha_t / \bar\alpha_s$:
#
# $$\text{mean} = \frac{\sqrt{\bar\alpha_s}\,\beta}{1 - \bar\alpha_t}\,x_0 + \frac{\sqrt{\bar\alpha_t / \bar\alpha_s}\,(1 - \bar\alpha_s)}{1 - \bar\alpha_t}\,x_t.$$
#
# Then DDPM adds fresh noise of variance $\beta$. Why noise, when we want to get rid of it? Because the estimate of
# $x_0$ is a guess. Fresh noise hides its mistakes, and the next guess can be a better one. The last step adds none.
#
# By hand, for one pixel: $\bar\alpha_t = 0.4$, $\bar\alpha_s = 0.8$, so $\beta = 1 - 0.5 = 0.5$. Let $x_0 = 1$,
# $x_t = 1$ and the fresh noise 0:
#
# $$\frac{0.894 \cdot 0.5}{0.6} \cdot 1 + \frac{0.707 \cdot 0.2}{0.6} \cdot 1 = 0.745 + 0.236 = 0.981.$$

# %%
from mutoscope.samplers.ddpm import ddpm

show_source(ddpm)
alpha_bar, alpha_bar_next = 0.4, 0.8
beta = 1 - alpha_bar / alpha_bar_next
from_x0 = alpha_bar_next**0.5 * beta / (1 - alpha_bar)
from_xt = (alpha_bar / alpha_bar_next) ** 0.5 * (1 - alpha_bar_next) / (1 - alpha_bar)
print(f"{from_x0:.3f} x0 + {from_xt:.3f} xt = {from_x0 + from_xt:.4f}")
quote(step=from_x0 + from_xt)

# %% [markdown]
# **0.981**<!-- step -->. In the source, `fresh` times $\sigma^2$ is our $\beta$, and `keep` is the factor of $x_t$.
#
# **Exercise: ancestral_step.** Write this step. The `alpha_bar`s are tensors without axes, `noise` is given. Think of
# the last step, where `alpha_bar_next` is 1.

# %%
# %%check ancestral_step
import torch


def ancestral_step(xt, x0, noise, alpha_bar, alpha_bar_next):
    """xt, x0, noise: (b, c, F, H, W); alpha_bar, alpha_bar_next: (). Returns x_s (b, c, F, H, W)."""
    ...


# %% [markdown]
# ## A model of one pixel
#
# Here is a whole diffusion model without a network. Our data are clips of a single pixel, which is white ($+1$) with
# probability $p$ and black ($-1$) otherwise. What is the best guess of $x_0$, given $x_t$? Bayes knows: the odds of
# white are those we began with, times how much better white explains what we see. For two normal clouds around
# $\pm\alpha$ of width $\sigma$ it comes to
#
# $$E[x_0 \mid x_t] = \tanh\!\left(\frac{\alpha\,x_t}{\sigma^2} + \tfrac12 \log\frac{p}{1-p}\right).$$
#
# Look at both ends. With much noise, $\alpha$ is 0, and the guess is the average of the data: a grey. With little
# noise, $\sigma$ is small, and the guess is the sign of what we see. We give this to the package's sampler, which does
# not care where guesses come from, and start 4,000 pixels from noise.

# %%
from mutoscope.diffusion.timesteps import time_grid

prior = 0.5 * torch.tensor(white / (1 - white)).log()
line, generator = LinearPath(), torch.Generator().manual_seed(1)
walks = []


def best_guess(xt, t):
    """The average of all pixels that could have led here."""
    walks.append(xt[:8, 0].clone())
    alpha, sigma = line.alpha(t)[:, None], line.sigma(t)[:, None]
    return torch.tanh(alpha * xt / sigma**2 + prior)


start = torch.randn(4000, 1, generator=generator)
grid = time_grid(50)
made = ddpm(best_guess, start, grid, line, draw=lambda: torch.randn(start.shape, generator=generator))
walks.append(made[:8, 0])
done = (1 - grid).tolist()
lines = {f"pixel {k}": list(zip(done, [walk[k].item() for walk in walks], strict=True)) for k in range(4)}
show_lines(lines, "Four pixels on their way", "1 - t: from noise to data", "value")
made_white = 100 * (made > 0).float().mean().item()
print(f"white: {made_white:.1f} %; farthest from -1 or 1: {(made.abs() - 1).abs().max():.3f}")
quote(made_white=made_white)

# %% [markdown]
# Every pixel began as noise and ended black or white, and **10 %**<!-- made_white ±2 --> of them are white, about as in
# the data. No pixel was told what to become. That is all there is to diffusion: a good guess of the average, asked
# again and again with less and less noise, turns noise into samples of the right shares.
#
# A video is 8,192 such pixels that depend on each other. Then nobody knows the best guess as a formula. A network has
# to learn it.

# %% [markdown]
# ## A network that sees time
#
# What kind of network? A picture network slides 3 by 3 windows over rows and columns. A video is one axis more, so we
# slide 3 by 3 by 3 windows: each output sees its neighbours in space *and* the frames before and after. That is a
# *3-D convolution*.
#
# It sits in a U-Net: at full size it sees details; at half the size, with more channels, it sees more of the picture at
# once; and on the way up it gets the details back from the way down. The time $t$ and the caption enter each block as a
# scale and a shift (chapter 3 explains both).

# %%
from mutoscope.denoisers.unet import KERNELS, Block, Convolution

print("frames, rows, columns of a window:", KERNELS["conv3d"])
show_source(Convolution)
show_source(Block.forward)

# %% [markdown]
# The loss is as short as it can be: draw a clip, a time and noise; mix; ask; square the error.

# %%
from mutoscope.diffusion.objective import diffusion_loss

show_source(diffusion_loss)

# %% [markdown]
# **To think about.** The loss is a squared error, and the best answer to that is an average. Averages of clips are
# blurred. Why are the videos not?
#
# <details><summary>Answer</summary>
#
# Look at the pixels above. The *guess* is grey at first, but the sampler does not jump to the guess. It goes a little
# towards it and asks again. With less noise fewer clips are possible, and their average is sharper. You can watch that
# below. And it shows when one takes too few steps: `disc_conv3d` goes the right way in 90 % with 2 steps, in 96 % with
# 4, in 98 % with 16
# (`mutoscope compare disc_conv3d disc_attention disc_unet disc_dit --seconds 195 --out runs/tutorial`).
#
# </details>

# %% [markdown]
# ## Train it
#
# The package's recipe `disc_conv3d` takes over three minutes. We cut it: patches of 2 by 4 by 4 pixels go into one
# place of the network, it is asked for $x_0$, and it gets 400 steps. That is about a minute. Meanwhile: what is learned
# first, that there is a disc, or where it goes?

# %%
config = recipe.model_copy(
    update={
        "denoiser": recipe.denoiser.model_copy(update={"patch": (2, 4, 4)}),
        "diffusion": recipe.diffusion.model_copy(update={"prediction": "x0"}),
        "training": recipe.training.model_copy(update={"steps": 400}),
    }
)
run = mutoscope.train(config, WORK, callbacks=telling())
pipe = mutoscope.Pipeline.load(run, dtype=torch.float32)
print(f"{sum(p.numel() for p in pipe.model.denoiser.parameters()):,} weights")

# %%
import json

log = [json.loads(row) for row in (WORK / "metrics.jsonl").read_text().splitlines()]
show_lines({"loss": [(row["step"], row["loss"]) for row in log]}, "The loss while it trained", "step", "loss")
prompts = config.sample_prompts
show_video([pipe.generate(prompt, seed=seed) for seed, prompt in enumerate(prompts)], prompts)

# %% [markdown]
# ## Watch it guess
#
# A sampler asks the network 16 times. Here is what it answered on the way: its guess of the finished video.

# %%
from mutoscope.pipeline import GenerateRequest, generate

guesses = []
request = GenerateRequest(prompts=("a disc moving right",), seeds=(3,), sampling=pipe.sampling(sampler="ddpm"))
generate(pipe.model, request, on_step=lambda done, total, x0: guesses.append(x0))
kept = (0, 3, 6, 9, 15)
shown = [pipe.model.decode(guesses[index])[0] for index in kept]
show_frames(shown, [f"answer {index + 1} of {len(guesses)}" for index in kept], scale=2)

# %% [markdown]
# First a haze, where discs may be. Then a place is settled, and the edge comes last. What is large is decided early,
# while there is much noise; what is small is left for the end.

# %% [markdown]
# ## Measure
#
# Looking at four videos proves little. The package has a judge for these sets: it follows the bright thing, fits a line
# through its path, and compares the direction with the caption; and it compares the area of the disc with the true
# one in every frame. 120 prompts, four directions.

# %%
from mutoscope.evaluation.comparison import prepare_exam

exam = prepare_exam(config.data, num_prompts=120, seed=0, cache=WORK)


def grade(**settings):
    """What the judge says about 120 videos made with these sampling settings."""
    sampling = pipe.sampling(**settings)

    def make(prompts, seeds):
        return generate(pipe.model, GenerateRequest(prompts=tuple(prompts), seeds=tuple(seeds), sampling=sampling))

    return exam.grade(make)[0]


tried = [("dpmpp_2m", 16), ("ddpm", 16), ("dpmpp_2m", 4)]
found = [grade(sampler=sampler, steps=steps) for sampler, steps in tried]
rows = [
    (sampler, steps, f"{100 * marks.direction.value:.0f} %", f"{100 * marks.area.value:.0f} %")
    for (sampler, steps), marks in zip(tried, found, strict=True)
]
show_table(("sampler", "steps", "direction right", "area right"), rows)
first = found[0].direction
print(f"the first direction, 95 % interval: {100 * first.low:.0f} to {100 * first.high:.0f} %")
print(f"the judge on real clips: {100 * first.ceiling:.0f} %")
quote(direction=100 * found[0].direction.value, area=100 * found[0].area.value)

# %% [markdown]
# The direction is right in **98 %**<!-- direction ±8 -->, the area in **96 %**<!-- area ±10 -->. The full recipe, three
# times as long, gets 98 % and 98 %
# (`mutoscope compare disc_conv3d disc_attention disc_unet disc_dit --seconds 195 --out runs/tutorial`).
#
# **To think about.** This works. Why would anyone want anything else for video?
#
# <details><summary>Answer</summary>
#
# Two reasons. A window of 3 frames sees 3 frames; for an event at the beginning to matter at the end, it has to be
# handed on from layer to layer (chapter 2). And every pixel is computed: making one video takes 91 ms here, and 45 ms
# with the transformer behind a VAE of chapter 3, which also learns faster: 90 % right after 67 s of training in all,
# against 99 s (`mutoscope compare disc_conv3d disc_attention disc_unet disc_dit --seconds 195 --out runs/tutorial`). At
# 64 times as many pixels the difference decides what is possible.
#
# </details>

# %% [markdown]
# ## What to try next
#
# * `pipe.generate("a disc moving up", seed=7, num_frames=16)`: the network saw only 8 frames. Does it go on?
# * Leave out the time: what would a network do that does not know how noisy its input is?
# * Train into another folder with `"prediction": "velocity"`, or with `patch` (1, 4, 4) and more steps. Compare by `grade`, and
#   look at the interval before you believe a difference.
# * In the model of one pixel, take 5 steps instead of 50. Are the shares still right?
