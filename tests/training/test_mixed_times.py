"""The diffusion task with timesteps per frame and latents of several shapes: still one loss per example's number."""

import pytest
import torch
from tiny import awake_model, tiny_run

from mutoscope.data.cache import encode_latents
from mutoscope.data.sprites import SpriteClips
from mutoscope.training.captions import prepare_captions
from mutoscope.training.diffusion_task import DiffusionTask
from mutoscope.training.seeds import uniform_rows
from mutoscope.types import VideoBatch

MIX = {"sorted_share": 0.3, "prefix_share": 0.3, "between_share": 0.2, "given_noise": 0.05}


def task_of(diffusion=MIX, latents=None, seed=0, **changes):
    config = tiny_run(diffusion=diffusion, **changes)
    model = awake_model(config)
    if latents is None:
        latents = torch.randn(10, 3, 3, 4, 4, generator=torch.Generator().manual_seed(3))
    captions = SpriteClips(config.data, "train", 0).captions(range(len(latents)))
    return DiffusionTask(model, latents, prepare_captions(model, captions), config.diffusion, seed)


class Asked(torch.nn.Module):
    """Stands for the denoiser and notes the times that it was given."""

    def __init__(self):
        super().__init__()
        self.times = []

    def forward(self, xt, t, context):
        self.times.append(t)
        return torch.zeros_like(xt)


def times_of(task, indices):
    network = Asked()
    loss = task.loss(torch.nn.ModuleDict({"denoiser": network, "text": task.modules["text"]}), indices)
    return network.times[0], loss


@torch.no_grad()
def test_an_example_has_its_mixture_by_its_number():
    task = task_of()
    times, loss = times_of(task, range(40))
    part, part_loss = times_of(task_of(), range(7, 19))
    assert times.shape == (40, 3) and torch.equal(times[7:19], part)
    torch.testing.assert_close(loss[7:19], part_loss)
    kinds = {(row[0] == row[1]).item() and (row[1] == row[2]).item() for row in times}
    assert kinds == {True, False} and (times == 0.05).any()  # within one batch
    assert not torch.equal(times_of(task_of(seed=1), range(40))[0], times)


@torch.no_grad()
def test_the_plain_part_of_a_mixture_is_as_ever():
    """Noise, captions and shared times are those of a run without a mixture."""
    plain, plain_loss = times_of(task_of({}), range(40))
    mixed, mixed_loss = times_of(task_of(), range(40))
    assert plain.shape == (40,)
    same = (mixed == plain[:, None]).all(1)
    assert 2 < same.sum() < 20
    torch.testing.assert_close(mixed_loss[same], plain_loss[same])
    off = {name: 0.0 for name in ("sorted_share", "prefix_share", "between_share")}
    assert torch.equal(times_of(task_of(off), range(40))[1], plain_loss)


def test_given_frames_get_no_gradient():
    task = task_of({"prefix_share": 1.0})
    watched = Asked()
    outputs = []

    def network(xt, t, context):
        watched.times.append(t)
        outputs.append(torch.zeros_like(xt).requires_grad_())
        return outputs[-1]

    network_module = torch.nn.Module()
    network_module.forward = network
    modules = torch.nn.ModuleDict({"denoiser": network_module, "text": task.modules["text"]})
    task.loss(modules, range(20)).sum().backward()
    silent = outputs[0].grad.abs().amax(dim=(1, 3, 4)) == 0
    assert torch.equal(silent, watched.times[0] == 0.03) and silent[:, 0].all() and not silent[:, 2].any()


def test_uniform_rows_depend_on_their_number_only():
    rows = uniform_rows(3, "frame-times", range(10), 5)
    assert rows.shape == (10, 5) and rows.min() >= 0 and rows.max() < 1
    assert torch.equal(uniform_rows(3, "frame-times", [7, 2], 5), rows[[7, 2]])
    assert not torch.equal(uniform_rows(4, "frame-times", range(10), 5), rows)


def test_tokens_of_several_frames_are_refused_at_the_start():
    with pytest.raises(ValueError, match="need tokens of one latent frame, got 3"):
        task_of(denoiser={"patch": (3, 1, 1), "model_dim": 32, "num_heads": 2, "depth": 1})


class TwoShapes:
    """Clips of 3 and of 5 frames in turn: 2 and 3 latent frames."""

    def __init__(self):
        data = tiny_run().data
        self._long = SpriteClips(data, "train", 0)

    def shapes(self, indices):
        return [(3 + 2 * (i % 2), 16, 16) for i in indices]

    def batch(self, indices):
        (frames,) = {shape[0] for shape in self.shapes(indices)}
        batch = self._long.batch(indices)
        return VideoBatch(batch.frames[:, :, :frames], batch.captions)


@torch.no_grad()
@pytest.mark.parametrize("diffusion", [{}, MIX], ids=["shared", "mixed"])
def test_latents_of_several_shapes_in_one_batch(tmp_path, diffusion):
    """Each example's loss is what it is alone, in its place."""
    latents = encode_latents(awake_model().encode, TwoShapes(), 10, tmp_path, "key")
    task = task_of(diffusion, latents)
    whole = task.loss(task.modules, range(12))
    assert whole.shape == (12,)
    alone = torch.cat([task.loss(task.modules, range(i, i + 1)) for i in range(12)])
    torch.testing.assert_close(whole, alone, rtol=1e-4, atol=1e-5)
    first, second = (task.order(range(start, start + 10)).tolist() for start in (0, 10))
    for order in (first, second):
        assert sorted(order) == list(range(10))
        frames = torch.tensor([shape[1] for shape in latents.shapes(order)])
        assert (frames.diff() != 0).sum() == 1  # neighbours are alike
    assert first != second
