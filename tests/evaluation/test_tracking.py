import numpy as np
import pytest
import torch

from mutoscope.data.config import COLOURS, DIRECTIONS, digits, disc, shapes
from mutoscope.data.sprites import SpriteClips
from mutoscope.evaluation.controls import pure_noise, shuffled, static
from mutoscope.evaluation.tracking import colour_of, direction_of, fit_lines, track


def real(config, n=160, split="test"):
    batch = SpriteClips(config, split, seed=5).batch(range(n))
    keep = batch.truth.direction >= 0
    return batch.frames[torch.from_numpy(keep)], batch.truth, keep


@pytest.mark.parametrize("config", [digits(), shapes(), disc()], ids=["digits", "shapes", "disc"])
def test_tracking_recovers_the_truth_of_real_clips(config):
    frames, truth, keep = real(config)
    found = track(frames)
    assert (direction_of(found, config.directions).numpy() == truth.direction[keep]).all()
    assert (colour_of(frames, found, config.colours).numpy() == truth.colour[keep]).all()
    assert np.abs(found.speed.numpy() / truth.speed[keep] - 1).max() < 0.02
    assert not found.blank.any() and found.straightness.min() > 0.99 and found.residual.max() < 0.2


def test_the_centre_of_a_symmetric_sprite_is_its_position():
    frames, truth, keep = real(disc(), 20)
    np.testing.assert_allclose(track(frames).centres.numpy(), truth.positions[keep], atol=0.05)


def test_all_eight_directions_are_told_apart():
    frames, truth, keep = real(digits(), 400)
    assert set(direction_of(track(frames)).tolist()) == set(range(len(DIRECTIONS))) == set(truth.direction[keep])
    assert set(colour_of(frames, track(frames)).tolist()) == set(range(len(COLOURS)))


def test_spoiled_clips_have_no_direction():
    frames, _, _ = real(digits(), 60)
    generator = torch.Generator().manual_seed(0)
    for spoiled in (static(frames), shuffled(frames, generator), pure_noise(frames, generator)):
        assert (direction_of(track(spoiled)) == -1).float().mean() > 0.97


def test_blank_clips_are_blank_and_have_no_colour_or_direction():
    frames = torch.full((2, 3, 8, 16, 16), -0.8)
    found = track(frames)
    assert found.blank.all() and (found.velocity == 0).all()
    assert (direction_of(found) == -1).all() and (colour_of(frames, found) == -1).all()


def test_a_few_blank_frames_do_not_bend_the_line():
    frames, truth, keep = real(digits(), 40)
    frames[:, :, 3:6] = -1
    assert (direction_of(track(frames)).numpy() == truth.direction[keep]).all()
    assert np.abs(track(frames).speed.numpy() / truth.speed[keep] - 1).max() < 0.03


def test_fit_lines_is_exact_on_a_line_and_knows_its_residual():
    frame = torch.arange(9.0)
    line = torch.stack([2 + 0.5 * frame, 7 - 1.25 * frame], dim=1)[None]
    velocity, straightness, residual = fit_lines(line, torch.ones(1, 9, dtype=torch.bool))
    torch.testing.assert_close(velocity, torch.tensor([[0.5, -1.25]]))
    assert straightness.item() == pytest.approx(1) and residual.item() == pytest.approx(0, abs=1e-6)
    bent = line.clone()
    bent[0, :, 0] += torch.tensor([1.0, -2, 1, 0, 0, 0, 1, -2, 1])  # orthogonal to a constant and to a slope
    velocity, _, residual = fit_lines(bent, torch.ones(1, 9, dtype=torch.bool))
    torch.testing.assert_close(velocity, torch.tensor([[0.5, -1.25]]))
    assert residual.item() == pytest.approx((12 / 9) ** 0.5, rel=1e-5)
