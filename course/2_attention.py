# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Chapter 2: Attention in space and time
#
# 35 minutes of reading and doing, of which the machine works about one and a half. You need PyTorch and chapter 1, or
# just this sentence of it: a network looks at a noisy clip and says what the clip was.
#
# Why attention? What makes a video more than pictures is that frames agree with each other. Attention is how networks
# let distant places agree, and what they pay most for.
#
# At the end you will be able to say what attention costs and why video makes that a problem, cut a video into sequences
# in two ways, show who can see whom, and judge for yourself whether the shortcut of factorised attention pays.
#
# Everything runs on two processor cores and downloads nothing. What you train goes into a folder `work/` beside you. A
# cell that has trained once goes on from there: run it again and it is done at once.

# %%
# %load_ext mutoscope.learn.magic
from pathlib import Path

import torch

import mutoscope
from mutoscope.learn.quoted import quote
from mutoscope.learn.show import show_frames, show_lines, show_numbers, show_source, show_table, show_video, telling

WORK = Path("work/chapter2")

# %% [markdown]
# ## How far does a convolution see?
#
# A window of 3 frames sees one frame back and one ahead. Two such layers see two, and so on: $n$ layers see $2n + 1$
# frames. For a disc that drifts through 8 frames that is soon enough. For "the ball that was hidden comes out again",
# 100 frames later, it is not.
#
# We need not trust the formula. If an input frame has no influence on an output, its gradient is exactly zero. So take
# stacks of the package's own 3-D convolutions, ask for the gradient of frame 4 of the output (frames are counted from
# 0, so of 9 it is the middle one), and mark the input frames where it is not zero.

# %%
from mutoscope.denoisers.unet import Convolution

torch.manual_seed(0)
layers = [Convolution("conv3d", 8) for _ in range(4)]
seen = torch.zeros(4, 9, dtype=torch.long)
for count in range(1, 5):
    x = torch.randn(1, 9, 16, 8, requires_grad=True)  # one clip of 9 frames, 4 by 4 places, 8 channels
    y = x
    for layer in layers[:count]:
        y = layer(y, (9, 4, 4))
    y[:, 4].sum().backward()
    seen[count - 1] = (x.grad.abs().amax((0, 2, 3)) > 0).long()
label = "1 to 4 layers (rows): the frames (columns) that the middle one sees"
show_numbers(seen[None], seen[None], [label], "a triangle of ones that grows by one frame on either side")
quote(two_layers=seen[1].sum().item(), four_layers=seen[3].sum().item())

# %% [markdown]
# Two layers see **5**<!-- two_layers --> frames, four see **9**<!-- four_layers -->. And what a far frame has to say
# passes through every layer on the way, a little blurred each time. **Attention** has no such distance. Every place may
# look at every other, at once (Vaswani et al. 2017, arXiv:1706.03762).

# %% [markdown]
# ## Attention, by hand
#
# Every place asks a question, its **query** $q$. Every place has a label, its **key** $k$, and something to say, its
# **value** $v$. How well does a question fit a label? Multiply them, number by number, and add up. Divide by the square
# root of how many numbers there are, $\sqrt d$; turn the results into shares by a softmax; and take that mix of the
# values:
#
# $$\text{out} = \text{softmax}\!\left(\frac{q\,k^\top}{\sqrt d}\right) v.$$
#
# Two places, $d = 4$. The question is $(1, 1, 1, 1)$, the labels are $(1, 1, 0, 0)$ and $(0, 0, 0, 0)$. The products
# are 2 and 0; divided by $\sqrt 4 = 2$ they are 1 and 0; the shares are $e / (e + 1) = 0.731$ and $0.269$. If the
# values are 10 and 0, the answer is 7.31.
#
# Why the square root? A sum of $d$ products of random numbers has a deviation of $\sqrt d$. Undivided, long vectors
# would make the softmax choose one place and ignore the rest before anything is learned.

# %%
from mutoscope.nn.attention import attention

show_source(attention)
query = torch.ones(1, 1, 1, 4)
key = torch.tensor([[1.0, 1.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0]]).reshape(1, 1, 2, 4)
value = torch.tensor([[10.0] * 4, [0.0] * 4]).reshape(1, 1, 2, 4)
answer = attention(query, key, value)[0, 0, 0, 0].item()
print(f"{answer:.3f}")
quote(answer=answer)

# %% [markdown]
# **7.31**<!-- answer -->, as by hand. The rest of the source is about speed, and about masks, which say who may not be
# looked at.
#
# **Move it.** `mutoscope studio`, page *Learn*: *Where a word is read* shows attention at work in a trained model, there
# between places of a video and the words of its caption.

# %% [markdown]
# ## What it costs
#
# What sits at one place of one frame is called a **token**: a vector of numbers. Every token looks at every other: $n$
# tokens make $n^2$ pairs. For a video of $f$ frames with $s = h \cdot w$ places each, $n = f \cdot s$. Take 8 frames of 8
# by 8 places: $n = 8 \cdot 64 = 512$ and $512^2 = 262{,}144$ pairs. That is *joint* attention.
#
# **Factorised** attention looks twice, at less (Ho et al. 2022, arXiv:2204.03458, for diffusion). First among the places of each frame: $s$ per token. Then at one place,
# over time: $f$ per token. Together $(f + s) \cdot n = (8 + 64) \cdot 512 = 36{,}864$ pairs, a seventh. For 32 frames
# of 16 by 16 places the ratio is $\frac{n^2}{(f + s)\,n} = \frac{f s}{f + s} = \frac{32 \cdot 256}{288} = 28.4$.


# %%
def pairs(f, s):
    """Pairs of tokens that joint and factorised attention compare, for f frames of s places."""
    n = f * s
    return n * n, (f + s) * n


sizes = [(2, 64), (8, 64), (16, 256), (32, 256), (64, 1024)]
rows = []
for f, s in sizes:
    joint, factorised = pairs(f, s)
    rows.append((f, s, f * s, f"{joint:,}", f"{factorised:,}", f"{joint / factorised:.1f}"))
show_table(("frames", "places", "tokens", "joint", "factorised", "times fewer"), rows)
joint, factorised = pairs(8, 64)
quote(joint=joint, factorised=factorised, ratio=joint / factorised, large_ratio=pairs(32, 256)[0] / pairs(32, 256)[1])
quote(short_ratio=pairs(2, 64)[0] / pairs(2, 64)[1])

# %% [markdown]
# **262,144**<!-- joint --> against **36,864**<!-- factorised -->: **7.1**<!-- ratio --> times fewer, and
# **28.4**<!-- large_ratio --> times for the longer, larger one.
#
# But mind the first line of the table. With only 2 frames there are **1.9**<!-- short_ratio --> times fewer, no more.
# And a network does more than attention: its linear layers cost the same in both. In the recipe `disc_dit`, a
# transformer on 4 by 16 tokens, factorising saves a twentieth of all operations and no more
# (`mutoscope compare disc_dit "disc_dit --denoiser.attention factorised" --flops 7e12 --snapshots 0`).

# %% [markdown]
# ## Who sits with whom
#
# Factorised attention is not another kind of attention. It is the same function on other sequences. All that changes is
# who sits with whom, and that is a reshape. The package says it in three patterns.

# %%
from einops import rearrange

from mutoscope.denoisers.blocks import SEQUENCES

for among, pattern in SEQUENCES.items():
    print(f"{among:6} b f s d -> {pattern}")
tokens = torch.arange(6).reshape(1, 2, 3, 1)  # one clip, 2 frames, 3 places each, 1 channel
owner = torch.arange(2).reshape(1, 2, 1, 1).expand(1, 2, 3, 1)  # colour: the frame a token is of
for among, pattern in SEQUENCES.items():
    sequences = rearrange(tokens, f"b f s d -> {pattern}")[None, ..., 0]
    colours = rearrange(owner, f"b f s d -> {pattern}")[None, ..., 0]
    show_numbers(sequences, colours, [f"{among}: one sequence per row"], f"sequences among {among}")
quote(frame_sequences=2, place_sequences=rearrange(tokens, "b f s d -> (b s) f d").shape[0])

# %% [markdown]
# Colours are frames. Among the *video* there is one sequence of all six tokens. Among a *frame* there are
# **2**<!-- frame_sequences --> sequences of three, one per frame. Among a *place* there are
# **3**<!-- place_sequences --> sequences of two: each holds one place in both frames. Frames and clips that do not sit
# together simply become more entries of the batch.
#
# **Exercise: factorised_attention.** Write both reshapes. From `x` (b, c, f, h, w) make `space` (b f, h w, c) and
# `time` (b h w, f, c). Channels come last, because attention works on vectors. With 2 frames of 6 places, one clip
# becomes 2 sequences of 6 and 6 sequences of 2. Beware of `view`: it gives the right shape and the wrong neighbours.

# %%
# %%check factorised_attention
import torch
from einops import rearrange


def factorised_attention(x):
    """x: (b, c, f, h, w). Returns space (b f, h w, c) and time (b h w, f, c)."""
    ...


# %% [markdown]
# ## Two looks to see everything
#
# What can a token see? Again the gradient tells. A clip of 4 frames with 5 places in a row; the token in the middle of
# frame 1. We let it look among its frame, among its place, and both one after the other. This is the package's layer:
# the reshape, three linear maps for queries, keys and values (as one product, for speed), attention, and back.

# %%
from mutoscope.denoisers.blocks import SelfAttention

show_source(SelfAttention.forward)
torch.manual_seed(0)
looks = {
    "frame": [SelfAttention(16, 2, "frame")],
    "place": [SelfAttention(16, 2, "place")],
    "frame, then place": [SelfAttention(16, 2, "frame"), SelfAttention(16, 2, "place")],
    "video": [SelfAttention(16, 2, "video")],
}
maps = []
for attentions in looks.values():
    x = torch.randn(1, 4, 5, 16, requires_grad=True)
    y = x
    for attend in attentions:
        y = attend(y, None)
    y[0, 1, 2].sum().backward()
    maps.append((x.grad[0].abs().amax(-1) > 0).long())
maps = torch.stack(maps)
show_numbers(
    maps, maps, list(looks), "4 frames (rows) by 5 places (columns): 1 where the token of frame 1, place 2 looks"
)
quote(in_frame=maps[0].sum().item(), in_place=maps[1].sum().item(), both=maps[2].sum().item())

# %% [markdown]
# Rows are frames, columns are places. Among its frame the token sees **5**<!-- in_frame --> tokens, among its place
# **4**<!-- in_place -->, and with both **20**<!-- both -->, all there are. So nothing is out of reach. But see *how*:
# what stands at another place in another frame has to be picked up by somebody first, and be handed on. With joint
# attention a token goes and looks.
#
# **To think about.** At equal computing, which of the two will learn motion sooner?
#
# <details><summary>Answer</summary>
#
# Joint attention, here. Measured with the recipe `disc_dit`, at equal operations: joint attention had the direction
# right in 46 %, factorised in 10 %, and attention that may look at its own and earlier frames in 50 %, with fewer right
# areas, 83 % instead of 97 %
# (`mutoscope compare disc_dit "disc_dit --denoiser.attention factorised" "disc_dit --denoiser.attention block_causal" --flops 7e12 --snapshots 0`).
# That training was kept short on purpose, and with one training each the 46 and 50 are alike. The 10 are not.
#
# Beware of easy reasons. These discs move less than a pixel per frame, so "it has moved on to another place" is not one.
# In that transformer the two kinds take turns, so only two of its four blocks look over time at all; and it knows how far
# apart two frames are, but not which one comes first, which the next section is about. Factorised attention saves where
# sequences are long; it does not come for free.
#
# </details>

# %% [markdown]
# ## Attention does not know the order
#
# There is one more trap. Attention is a mix, and a mix does not depend on the order of what goes in. Shuffle the
# frames, and you get the same answers, shuffled. A network of attention alone could not tell a disc that goes left from
# one that goes right: it is the same set of frames.
#
# The remedy is to mark places. **Rotary** positions (Su et al. 2021, arXiv:2104.09864) turn query and key by an angle that
# grows with the position. The product of two vectors depends on the angle *between* them, so on how far apart the two
# places are. Say a query and a key point the same way, and a place is $10°$. At places 3 and 5 they are turned to $30°$
# and $50°$, and fit by $\cos 20° = 0.94$; at places 13 and 15 by the same $0.94$; at places 3 and 9 by $\cos 60° = 0.5$.

# %%
from mutoscope.nn.rope import rotary_table, rotate

show_source(rotate)
attend = SelfAttention(16, 2, "place")
x, order = torch.randn(1, 4, 5, 16), torch.tensor([2, 0, 3, 1])
table = rotary_table((4, 1, 5), head_dim=8)
with torch.no_grad():
    for name, positions in [("without positions", None), ("with rotary positions", table)]:
        gap = (attend(x[:, order], positions) - attend(x, positions)[:, order]).abs().max().item()
        print(f"{name}: shuffled in, shuffled out, up to {gap:.6f}")
        if positions is None:
            quote(unmarked=gap)

# %% [markdown]
# Without positions the difference is **0**<!-- unmarked ±0.0001 -->: order means nothing. With them it does.
#
# How far apart is not which comes first, though. With rotary positions alone the network below learned direction and
# speed within each group of frames, but the second group began where the first had begun, and 26 % went the right way.
# With the number of each frame, as sines and cosines, added at the input, the same recipe had 78 % after 800 steps and
# 100 % after 1,600 (`docs/log.md`). Here is how the network begins; look for `frame_in`.

# %%
from mutoscope.denoisers.unet import UNet

show_source(UNet.forward)

# %% [markdown]
# ## Train it
#
# `disc_attention` is a U-Net on pixels, as in chapter 1. But its convolutions are flat, 3 by 3 within a frame. After them
# comes attention: first within each frame, then over time, where alone the frames meet. Both begin at zero, so at first
# the network is one for single pictures.
#
# It gathers 4 frames of 4 by 4 pixels into one place, so 8 frames become 2 groups. Why? Motion inside a place need not be
# agreed on by attention, and agreeing is what takes long to learn. (It is also the case in which factorising hardly saves
# anything. Here it is the kind of network that counts, not its price.) We cut the recipe to 1,000 of its 1,600 steps. It
# takes about a minute and a half.

# %%
from mutoscope.denoisers.unet import Block
from mutoscope.recipes.disc import disc_attention

show_source(Block.forward)
recipe = disc_attention()
config = recipe.model_copy(update={"training": recipe.training.model_copy(update={"steps": 1000})})
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
# ## Measure
#
# The same judge as in chapter 1: 120 prompts, the direction of the disc, and its area, right to 15 % in every frame. We
# also ask: what does the attention over time do? Switch it off, in every block, and look again.

# %%
from mutoscope.evaluation.comparison import prepare_exam
from mutoscope.pipeline import GenerateRequest, generate

exam = prepare_exam(config.data, num_prompts=120, seed=0, cache=WORK)


def grade():
    """What the judge says about 120 videos of the network as it is now."""

    def make(prompts, seeds):
        return generate(pipe.model, GenerateRequest(prompts=tuple(prompts), seeds=tuple(seeds)))

    return exam.grade(make)[0]


whole = grade()
kept = {block: block.place_attention for block in pipe.model.denoiser.modules() if isinstance(block, Block)}
for block in kept:
    block.place_attention = None  # nobody looks over time
without = grade()
alone = pipe.generate("a disc moving left", seed=0)
for block, attend in kept.items():
    block.place_attention = attend
rows = [
    (name, f"{100 * marks.direction.value:.0f} %", f"{100 * marks.area.value:.0f} %")
    for name, marks in [("the network", whole), ("without attention over time", without)]
]
show_table(("", "direction right", "area right"), rows)
show_frames([pipe.generate("a disc moving left", seed=0), alone], ["the network", "without attention over time"])
quote(direction=100 * whole.direction.value, area=100 * whole.area.value, without=100 * without.direction.value)

# %% [markdown]
# The direction is right in **96 %**<!-- direction ±10 -->, the area in **99 %**<!-- area ±8 -->. The full recipe gets
# 100 % and 100 % (`mutoscope compare disc_conv3d disc_attention disc_unet disc_dit --seconds 195 --out runs/tutorial`).
#
# Without attention over time the direction falls to about **62 %**<!-- without ±25 --> (it differs much from training to
# training), and the picture shows why. Each half of the video is fine: four frames in one place, and the caption says
# which way they go, so most still go the right way. But the second half does not know where the first one ended, and the
# disc jumps. That is what attention over time does in this network: agreeing. (A network trained without it might have
# found another way; switching off a part shows what the rest made of it, not what it could do alone.)
#
# We paid for it in steps. Trained for 500 steps, the recipe had 22 % right, for 700 51 %, for 900 87 % and for 1,000 97 %
# (`docs/log.md`): agreeing is learned late, and then quickly.
#
# **To think about.** Joint attention was better and simpler. Who needs factorised attention, then?
#
# <details><summary>Answer</summary>
#
# Whoever cannot pay for the pairs. At 32 frames of 256 places they are 28 times as many, and at some length attention
# *is* the cost. There are other ways out: make the sequence shorter first, by a VAE and patches, which is chapter 3; or
# let each frame look only at itself and earlier ones, which lets videos be made piece by piece. In our measurement that
# cost nothing in direction (50 % against 46 %), but some of the right areas (83 % against 97 %)
# (`mutoscope compare disc_dit "disc_dit --denoiser.attention factorised" "disc_dit --denoiser.attention block_causal" --flops 7e12 --snapshots 0`).
#
# </details>

# %% [markdown]
# ## What to try next
#
# * In the picture of who sees whom, put "place" before "frame". Does the order change what is seen?
# * Switch off `frame_attention` instead of `place_attention`. What breaks now?
# * Look at `causal_mask` in `mutoscope.denoisers.blocks`, and draw it with `show_numbers`.
# * Train with `patch` (1, 4, 4) into another folder: 8 frames to agree on instead of 2. It takes longer, and learns more slowly.
