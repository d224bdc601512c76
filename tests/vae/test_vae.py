"""The video VAE: causality, streaming, normalisation, sizes."""

import pytest
import torch
from torch import nn

from mutoscope.training.config import RunConfig
from mutoscope.vae import blocks
from mutoscope.vae.build import build_autoencoder
from mutoscope.vae.config import PixelConfig, VAEConfig
from mutoscope.vae.losses import Hardships, draw_hardships, halve, reconstruction_loss, vae_loss
from mutoscope.vae.memory import Memory
from mutoscope.vae.model import VideoVAE, compression_ratio, latent_frames, latent_shape, longest_clip
from mutoscope.vae.posterior import Posterior

CONFIGS = [
    pytest.param(
        VAEConfig(
            width=8,
            depth=1,
            latent_channels=3,
            temporal_stride=s,
            spatial_stride=p,
            memory=m,
            first_frame_alone=a,
            shortcuts=c,
        ),
        id=i,
    )
    for i, s, p, m, a, c in [
        ("stride1", 1, 4, True, True, False),
        ("stride2", 2, 4, True, True, False),
        ("stride4", 4, 4, True, True, False),
        ("space8", 2, 8, True, True, False),
        ("per-frame", 1, 4, False, True, False),
        ("stride4 without memory", 4, 4, False, True, False),
        ("stride2 in pairs", 2, 4, True, False, False),
        ("stride4 in fours", 4, 4, True, False, False),
        ("space8 with shortcuts", 4, 8, True, True, True),
    ]
]


def build(config, seed=0):
    """A VAE with weights of any sign everywhere, so that nothing is silent by its initial values."""
    torch.manual_seed(seed)
    vae = VideoVAE(config).eval()
    g = torch.Generator().manual_seed(seed)
    vae.set_statistics(
        torch.randn(config.latent_channels, generator=g), 0.5 + torch.rand(config.latent_channels, generator=g)
    )
    return vae


def clip(config, k=4, b=2, seed=0):
    """Random frames, 16 x 24, as many as 1 + k latent frames stand for."""
    g = torch.Generator().manual_seed(seed)
    num_frames = config.temporal_stride * (k + 1) - companions(config)
    return 2 * torch.rand(b, config.channels, num_frames, 16, 24, generator=g) - 1


def companions(config):
    """Frames that the first latent frame stands for less than the others."""
    return config.temporal_stride - 1 if config.first_frame_alone else 0


# ------------------------------------------------------------------------------------------------- sizes


@pytest.mark.parametrize("config", CONFIGS)
@torch.no_grad()
def test_shapes_there_and_back(config):
    vae, frames = build(config), clip(config)
    latents = vae.encode(frames)
    assert latents.shape == (2, *latent_shape(config, *frames.shape[2:]))
    assert vae.decode(latents).shape == frames.shape


@pytest.mark.parametrize("stride", [1, 2, 4])
def test_latent_frames_count_the_first_frame_apart(stride):
    for k in range(6):
        assert latent_frames(1 + stride * k, stride) == 1 + k


def test_other_frame_counts_name_the_nearest():
    with pytest.raises(ValueError, match=r"18 frames do not fit the VAE: .* needs 1 \+ 4\*k frames. Nearest: 17 or 21"):
        latent_frames(18, 4)
    with pytest.raises(ValueError, match="Nearest: 1 or 5"):
        latent_frames(0, 4)
    with pytest.raises(ValueError, match="Nearest: 17 or 21"):
        build(VAEConfig(width=8, depth=1)).encode(torch.zeros(1, 3, 18, 16, 16))


def test_other_frame_sizes_name_the_nearest():
    with pytest.raises(ValueError, match="frames of 30x33 do not fit the VAE: .* multiples of 8. Nearest: 32x32"):
        latent_shape(VAEConfig(spatial_stride=8), 17, 30, 33)


def test_compression_of_the_tutorial_is_48():
    """16 RGB frames of 256 x 256 become 16 x 32 x 32 x 4."""
    config = VAEConfig(temporal_stride=1, spatial_stride=8, latent_channels=4)
    assert latent_shape(config, 16, 256, 256) == (4, 16, 32, 32)
    assert compression_ratio(config, 16, 256, 256) == 48


# ------------------------------------------------------------------------------------------------- causality


@pytest.mark.parametrize("config", CONFIGS)
@torch.no_grad()
def test_a_frame_changes_no_latent_before_its_own(config):
    vae, frames = build(config), clip(config)
    before = vae.encode(frames)
    for k in range(frames.shape[2]):
        changed = frames.clone()
        changed[:, :, k] = -changed[:, :, k]
        own = (k + companions(config)) // config.temporal_stride
        difference = (vae.encode(changed) - before).abs().amax((0, 1, 3, 4))
        assert (difference[:own] == 0).all(), (k, difference)
        assert difference[own] > 0, (k, difference)


@pytest.mark.parametrize("config", CONFIGS)
@torch.no_grad()
def test_a_latent_changes_no_frame_before_its_own(config):
    vae = build(config)
    latents = torch.randn(2, 3, 5, 4, 6, generator=torch.Generator().manual_seed(0))
    before = vae.decode(latents)
    for k in range(5):
        changed = latents.clone()
        changed[:, :, k] += 1
        first = max(0, config.temporal_stride * k - companions(config))
        difference = (vae.decode(changed) - before).abs().amax((0, 1, 3, 4))
        assert (difference[:first] == 0).all(), (k, difference)
        assert (difference[first : first + config.temporal_stride] > 0).all() or k == 0, (k, difference)
        assert difference[first] > 0


@torch.no_grad()
def test_memory_carries_the_past():
    config = VAEConfig(width=8, depth=1, latent_channels=3, temporal_stride=1)
    vae, frames = build(config), clip(config)
    changed = frames.clone()
    changed[:, :, 0] = -changed[:, :, 0]
    assert (vae.encode(changed) - vae.encode(frames)).abs().amax((0, 1, 3, 4))[1] > 0


@torch.no_grad()
def test_per_frame_config_treats_frames_as_a_set():
    config = VAEConfig(width=8, depth=1, latent_channels=3, temporal_stride=1, memory=False)
    vae, frames = build(config), clip(config)
    order = torch.tensor([3, 0, 4, 1, 2])
    latents = vae.encode(frames)
    torch.testing.assert_close(vae.encode(frames[:, :, order]), latents[:, :, order])
    torch.testing.assert_close(vae.decode(latents[:, :, order]), vae.decode(latents)[:, :, order])


@pytest.mark.parametrize("config", CONFIGS)
@torch.no_grad()
def test_a_clip_alone_is_the_clip_in_a_batch(config):
    vae, frames = build(config), clip(config, b=3)
    latents = vae.encode(frames)
    torch.testing.assert_close(vae.encode(frames[1:2]), latents[1:2], rtol=0, atol=1e-5)
    torch.testing.assert_close(vae.decode(latents[1:2]), vae.decode(latents)[1:2], rtol=0, atol=1e-5)


# ------------------------------------------------------------------------------------------------- streaming


@pytest.mark.parametrize("chunk", [1, 2, 3, 5, 7])
@pytest.mark.parametrize("config", CONFIGS)
@torch.no_grad()
def test_streaming_equals_doing_it_whole(config, chunk):
    vae, frames = build(config), clip(config)
    latents = vae.encode(frames)
    torch.testing.assert_close(vae.encode(frames, chunk), latents, rtol=0, atol=1e-5)
    torch.testing.assert_close(vae.decode(latents, chunk), vae.decode(latents), rtol=0, atol=1e-5)


@pytest.mark.parametrize("config", CONFIGS)
@torch.no_grad()
def test_streaming_a_single_frame(config):
    vae, frames = build(config), clip(config, k=0)
    latents = vae.encode(frames)
    assert torch.equal(vae.encode(frames, 1), latents)
    assert vae.decode(latents, 1).shape == frames.shape


@pytest.mark.parametrize("k", [6, 24])
@torch.no_grad()
def test_streaming_never_holds_more_than_a_chunk(k):
    config = VAEConfig(width=8, depth=1, latent_channels=3, temporal_stride=4)
    vae, frames, seen = build(config), clip(config, k=k, b=1), []
    for module in vae.modules():
        if isinstance(module, nn.Conv2d):
            module.register_forward_hook(lambda module, inputs, output: seen.append(inputs[0].shape[0]))
    latents = vae.encode(frames)
    assert max(seen) == 4 * (k + 1)
    seen.clear()
    vae.encode(frames, chunk=2)
    vae.decode(latents, chunk=2)
    assert max(seen) == 2 * config.temporal_stride  # however long the clip is


@torch.no_grad()
def test_a_stream_gives_every_piece_when_it_is_there():
    config = VAEConfig(width=8, depth=1, latent_channels=3, temporal_stride=4)
    vae, frames, taken = build(config), clip(config), []

    def pieces():
        for piece in vae.split(frames, 2):
            taken.append(piece.shape[2])
            yield piece

    latents, frames_out = vae.encode(frames), []
    for number, decoded in enumerate(vae.decode_stream(vae.encode_stream(pieces()))):
        frames_out.append(decoded)
        assert len(taken) == number + 1
    assert taken == [5, 8, 4] == [piece.shape[2] for piece in frames_out]
    torch.testing.assert_close(torch.cat(frames_out, 2), vae.decode(latents), rtol=0, atol=1e-5)


def test_pieces_that_do_not_fit_are_refused():
    vae = build(VAEConfig(width=8, depth=1, latent_channels=3, temporal_stride=4))
    frames = torch.zeros(1, 3, 9, 16, 16)
    with pytest.raises(ValueError, match="3 frames do not fit the VAE"):
        list(vae.encode_stream([frames[:, :, :3]]))
    with pytest.raises(ValueError, match=r"cannot go on with a piece of 3 frames: after the first, the VAE takes 4\*k"):
        list(vae.encode_stream([frames[:, :, :5], frames[:, :, :3]]))


# ------------------------------------------------------------------------------------------------- shortcuts


@pytest.mark.parametrize("frame", [0.5, -0.25])
@torch.no_grad()
def test_shortcuts_carry_averages_and_copies(frame):
    """Without what is learned, four frames of flat 2 x 2 squares are halved in all three axes and come back exactly."""
    squares = torch.randn(1, 2, 3, 4, 5, generator=torch.Generator().manual_seed(0)) + frame
    x = squares.repeat_interleave(2, 1).repeat_interleave(2, 3).repeat_interleave(2, 4)
    down, up = [blocks.TimePool, blocks.SpacePool], [blocks.SpaceGrow, blocks.TimeGrow]
    y = x
    for layer in (make(3, shortcut=True) for make in down + up):
        for parameter in layer.parameters():
            nn.init.zeros_(parameter)
        y = layer(y, Memory())
    torch.testing.assert_close(y, x)


# ------------------------------------------------------------------------------------------------- normalisation


@pytest.mark.parametrize("config", CONFIGS)
@torch.no_grad()
def test_latents_are_unit_variance_once_measured(config):
    vae, frames = VideoVAE(config).eval(), clip(config, b=4)
    raw = vae.posterior(frames).mean
    torch.testing.assert_close(vae.encode(frames), raw)  # before: as the posterior gives them
    values = raw.transpose(0, 1).flatten(1)
    vae.set_statistics(values.mean(1), values.std(1))
    latents = vae.encode(frames).transpose(0, 1).flatten(1)
    torch.testing.assert_close(latents.mean(1), torch.zeros(3), rtol=0, atol=1e-4)
    torch.testing.assert_close(latents.std(1), torch.ones(3), rtol=1e-4, atol=0)
    torch.testing.assert_close(vae.decode(vae.encode(frames)), vae.decode_raw(raw), rtol=0, atol=1e-5)


def test_statistics_are_saved_with_the_weights():
    vae = build(CONFIGS[0].values[0])
    assert {"latent_mean", "latent_std"} <= vae.state_dict().keys()


def test_a_dead_channel_is_not_divided_by_zero():
    vae = build(CONFIGS[0].values[0])
    vae.set_statistics(torch.zeros(3), torch.zeros(3))
    assert vae.encode(clip(vae.config)).isfinite().all()


# ------------------------------------------------------------------------------------------------- loss


def test_loss_is_its_three_terms():
    config = VAEConfig(width=8, depth=1, latent_channels=3, kl_weight=0.3, difference_weight=0.7)
    vae, frames = build(config), clip(config)
    noise = torch.randn(2, 3, 5, 4, 6, generator=torch.Generator().manual_seed(1))
    posterior = vae.posterior(frames)
    error = vae.decode_raw(posterior.sample(noise)) - frames
    axes = (1, 2, 3, 4)
    expected = error.abs().mean(axes) + 5 * error.square().mean(axes) + 0.3 * posterior.kl()
    expected = expected + 0.7 * error.diff(dim=2).abs().mean(axes)
    loss = vae_loss(vae, frames, noise, config)
    assert loss.shape == (2,)
    torch.testing.assert_close(loss, expected)


def test_scales_and_squares_weigh_as_configured():
    config = VAEConfig(square_weight=3.0, multiscale_weight=0.6, difference_weight=0.0)
    error = torch.randn(2, 3, 4, 16, 24, generator=torch.Generator().manual_seed(0))
    axes = (1, 2, 3, 4)
    half = error.unflatten(4, (12, 2)).unflatten(3, (8, 2)).mean((4, 6))
    quarter = error.unflatten(4, (6, 4)).unflatten(3, (4, 4)).mean((4, 6))
    expected = error.abs().mean(axes) + 3 * error.square().mean(axes)
    expected = expected + 0.6 * (half.abs().mean(axes) + quarter.abs().mean(axes))
    torch.testing.assert_close(reconstruction_loss(error, config), expected)


@pytest.mark.parametrize("size", [(4, 4), (4, 24)])
def test_scales_of_the_smallest_frames(size):
    """A pixel is left at a quarter of four: the smallest frames that fit a VAE."""
    error = torch.ones(1, 3, 1, *size)
    assert reconstruction_loss(error, VAEConfig(multiscale_weight=1.0)).item() == pytest.approx(8)


def test_hardships_come_in_their_shares_and_never_together():
    config = VAEConfig(mask_share=0.3, scale_share=0.25)
    choice, places = (torch.arange(6000) + 0.5) / 6000, torch.rand(6000, 1, 2, 4, 4, generator=torch.Generator())
    found = draw_hardships(choice, places, config)
    masked = found.hidden.flatten(1).any(1)
    assert abs(masked.float().mean() - 0.3) < 1e-2 and abs(found.halved.float().mean() - 0.25) < 1e-3
    assert not (masked & found.halved).any()
    ratio = found.hidden.flatten(1).float().mean(1)
    for k, expected in enumerate((0.25, 0.5, 0.75)):
        assert abs(ratio[600 * k : 600 * (k + 1)].mean() - expected) < 0.02
    none = draw_hardships(choice, places, VAEConfig())
    assert not none.hidden.any() and not none.halved.any()


class Scaler(VideoVAE):
    """Latents are the pixels, and decoding them commutes with halving."""

    def posterior(self, frames):
        return Posterior(frames, torch.full_like(frames, -30.0))

    def decode_raw(self, raw, chunk=None):
        return raw


def test_a_decoder_that_commutes_with_halving_pays_nothing_for_it():
    config = VAEConfig(width=8, depth=1, kl_weight=0.0, mask_share=0.5, scale_share=0.5)
    vae, frames = Scaler(config), clip(config)
    hidden = torch.zeros(2, 1, *frames.shape[2:], dtype=torch.bool)
    halved = Hardships(hidden, torch.tensor([True, False]))
    assert vae_loss(vae, frames, torch.zeros_like(frames), config, halved).max() < 1e-6
    blind = Hardships(hidden.index_fill(0, torch.tensor([1]), True), torch.tensor([False, False]))
    loss = vae_loss(vae, frames, torch.zeros_like(frames), config, blind)
    change = frames.diff(dim=2).abs().mean((1, 2, 3, 4))
    expected = frames.abs().mean((1, 2, 3, 4)) + 5 * frames.square().mean((1, 2, 3, 4)) + 0.5 * change
    assert loss[0] < 1e-6
    torch.testing.assert_close(loss[1], expected[1])


def test_any_other_decoder_pays_for_the_halved_clips_only():
    config = VAEConfig(width=8, depth=1, latent_channels=3, scale_share=0.5)
    vae, frames = build(config), clip(config)
    noise = torch.zeros(2, 3, 5, 4, 6)
    hardships = Hardships(torch.zeros(2, 1, 5, 4, 6, dtype=torch.bool), torch.tensor([False, True]))
    plain, hard = vae_loss(vae, frames, noise, config), vae_loss(vae, frames, noise, config, hardships)
    assert hard[0] == plain[0]
    small = vae.decode_raw(halve(vae.posterior(frames[1:]).mean)) - halve(frames[1:])
    torch.testing.assert_close(hard[1] - plain[1], small.abs().mean() + 5 * small.square().mean())


# ------------------------------------------------------------------------------------------------- pixel space


@torch.no_grad()
def test_pixel_space_is_the_frames_at_unit_variance():
    config = PixelConfig(channels=1)
    space = build_autoencoder(config)
    frames = 0.3 * torch.randn(4, 1, 3, 6, 10, generator=torch.Generator().manual_seed(0)) - 0.7
    space.set_statistics(frames.mean((0, 2, 3, 4)), frames.std((0, 2, 3, 4)))
    latents = space.encode(frames)
    assert latents.shape == (4, *latent_shape(config, 3, 6, 10))
    assert abs(latents.mean()) < 1e-5 and abs(latents.std() - 1) < 1e-5
    torch.testing.assert_close(space.decode(latents), frames)
    assert compression_ratio(config, 3, 6, 10) == 1
    assert not list(space.parameters())


def test_either_space_is_told_by_its_keys():
    for config in (VAEConfig(width=32), PixelConfig(channels=1)):
        assert RunConfig.model_validate_json(RunConfig(vae=config).model_dump_json()).vae == config


@pytest.mark.parametrize(
    ("config", "given", "expected"),
    [
        (VAEConfig(temporal_stride=4), 20, 17),
        (VAEConfig(temporal_stride=4, first_frame_alone=False), 19, 16),
        (VAEConfig(temporal_stride=1), 20, 20),
        (PixelConfig(), 20, 20),
    ],
)
def test_the_longest_clip_that_fits(config, given, expected):
    assert longest_clip(config, given) == expected
    assert latent_shape(config, expected, 32, 32)


def test_too_few_frames_for_pairs_name_the_nearest():
    with pytest.raises(ValueError, match=r"needs 4\*k frames. Nearest: 4 or 8"):
        latent_frames(5, 4, first_frame_alone=False)


# ------------------------------------------------------------------------------------------------- learning


def test_a_still_has_no_difference_term():
    config = VAEConfig(width=8, depth=1, latent_channels=3)
    loss = vae_loss(build(config), clip(config, k=0), torch.zeros(2, 3, 1, 4, 6), config)
    assert loss.isfinite().all()


@pytest.mark.parametrize("config", CONFIGS)
def test_every_parameter_gets_a_gradient(config):
    vae, frames = build(config), clip(config)
    noise = torch.randn(2, *latent_shape(config, *frames.shape[2:]), generator=torch.Generator().manual_seed(1))
    vae_loss(vae, frames, noise, config).sum().backward()
    for name, parameter in vae.named_parameters():
        assert parameter.grad is not None and parameter.grad.abs().max() > 0, name


def test_overfits_one_clip():
    """A moving square: from a blank answer's loss to a tenth of it in 150 steps."""
    config = VAEConfig(width=16, depth=1, temporal_stride=2, latent_channels=4, channels=1)
    frames = -torch.ones(1, 1, 5, 16, 16)
    for k in range(5):
        frames[:, :, k, 4:10, 2 + k : 8 + k] = 1
    torch.manual_seed(0)
    vae = VideoVAE(config)
    optimizer = torch.optim.Adam(vae.parameters(), 3e-3)
    g, losses = torch.Generator().manual_seed(0), []
    for _ in range(150):
        loss = vae_loss(vae, frames, torch.randn(1, 4, 3, 4, 4, generator=g), config).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[0] > 2 and losses[-1] < 0.2, (losses[0], losses[-1])


def test_every_loss_is_there_in_bfloat16():
    config = VAEConfig(width=8, depth=1, spatial_stride=8, shortcuts=True, multiscale_weight=1.0, scale_share=1.0)
    vae, frames = VideoVAE(config).bfloat16(), clip(config).repeat(1, 1, 1, 2, 2).bfloat16()
    latents = latent_shape(config, *frames.shape[2:])
    hidden = torch.zeros(len(frames), 1, *latents[1:], dtype=torch.bool)
    loss = vae_loss(
        vae,
        frames,
        torch.zeros(len(frames), *latents).bfloat16(),
        config,
        Hardships(hidden, hidden.flatten(1)[:, 0] == 0),
    )
    loss.mean().backward()
    assert torch.isfinite(loss).all() and all(torch.isfinite(p.grad).all() for p in vae.parameters())
