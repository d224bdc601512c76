"""No dead knobs: every field of every configuration changes what is built or what a run does.

For each configuration a table of other values, which must name every field, and a fingerprint of all that the
configuration is for. Setting one field to its other value must change the fingerprint.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from tiny import awake_model, reader_of, tiny_run
from tiny_encoders import tiny_encoder

from mutoscope.config import Config
from mutoscope.data.config import SpriteConfig
from mutoscope.data.open import open_clips
from mutoscope.data.sprites import SpriteClips
from mutoscope.denoisers.config import DiTConfig, UNetConfig
from mutoscope.diffusion.config import DiffusionConfig
from mutoscope.model import VideoModel
from mutoscope.pipeline import GenerateRequest, generate
from mutoscope.samplers.config import SamplingConfig
from mutoscope.text.config import PretrainedTextConfig, TextConfig
from mutoscope.training.adversarial_task import AdversarialTask
from mutoscope.training.callbacks import Callbacks
from mutoscope.training.captions import prepare_captions
from mutoscope.training.config import RunConfig, StageConfig
from mutoscope.training.diffusion_task import DiffusionTask
from mutoscope.training.run import train
from mutoscope.types import VideoBatch
from mutoscope.vae.config import VAEConfig
from mutoscope.vae.losses import draw_hardships, vae_loss
from mutoscope.vae.model import latent_shape, longest_clip

OTHER: dict[type[Config], dict[str, object]] = {
    VAEConfig: {
        "channels": 1, "latent_channels": 4, "spatial_stride": 8, "temporal_stride": 1, "memory": False, "width": 16,
        "depth": 2, "kl_weight": 1.0, "difference_weight": 0.0, "first_frame_alone": False, "scale_share": 0.5,
        "mask_share": 0.5, "shortcuts": True, "square_weight": 0.0, "multiscale_weight": 1.0, "adversarial_weight": 1.0,
    },
    TextConfig: {"vocabulary_size": 16, "max_tokens": 12, "model_dim": 32, "num_heads": 4, "depth": 2},
    PretrainedTextConfig: {
        "source": "t5", "folder": "1", "max_tokens": 12, "model_dim": 32, "num_heads": 4, "depth": 2,
    },
    DiTConfig: {
        "patch": (1, 1, 1), "model_dim": 48, "num_heads": 4, "depth": 1, "mlp_ratio": 3.0, "text": False,
        "cross_attention": False, "positions": "learned", "attention": "factorised", "modulation": "shared",
    },
    UNetConfig: {
        "mixing": "conv2d_1d", "patch": (1, 2, 2), "widths": (16,), "depth": 2, "num_heads": 4, "text": False,
        "cross_attention": False,
    },
    DiffusionConfig: {
        "path": "cosine", "prediction": "x0", "timesteps": "uniform", "timestep_mean": 1.0, "timestep_std": 0.5,
        "min_snr_gamma": 1.0, "shift": 3.0, "caption_dropout": 1.0, "num_betas": 100, "betas": (1e-3, 0.02),
        "zero_terminal_snr": True, "sorted_share": 0.5, "prefix_share": 0.5, "between_share": 0.5, "given_noise": 0.2,
    },
    SamplingConfig: {
        "sampler": "euler", "steps": 5, "guidance_scale": 0.0, "guidance_interval": (0.0, 0.5),
        "eta": 0.5, "guidance": "cfg_zero_star", "guidance_rescale": 0.5, "history": 2, "history_guidance": 2.0,
    },
    StageConfig: {
        "steps": 5, "batch_size": 3, "grad_accum": 2, "optimizer": "adamw", "lr": 0.01, "weight_decay": 0.5,
        "warmup_steps": 4, "decay_share": 0.0, "max_grad_norm": 1e-4, "ema_decay": 0.0, "precision": "bfloat16",
        "log_every": 2, "checkpoint_every": 3,
    },
    SpriteConfig: {
        "sprites": "shapes", "num_sprites": 2, "digits": Path("no such folder"), "colours": ("red", "blue"),
        "directions": ("up",),
        "slow_speed": 0.1, "fast_speed": 0.8, "bounce_share": 1.0, "num_clips": 4, "num_frames": 3, "height": 20,
        "width": 20, "sprite_size": 9, "fps": 3.0,
    },
}  # fmt: skip
NEEDS = {  # fields that mean something only beside another one
    (SpriteConfig, "num_sprites"): {"colours": ("red", "green", "blue")},
    (DiffusionConfig, "num_betas"): {"path": "ddpm"},
    (DiffusionConfig, "betas"): {"path": "ddpm"},
    (DiffusionConfig, "zero_terminal_snr"): {"path": "ddpm"},
    (DiffusionConfig, "given_noise"): {"prefix_share": 0.5},
    (PretrainedTextConfig, "num_heads"): {"depth": 1},
    (SamplingConfig, "eta"): {"sampler": "ddim"},
}


def digest(*parts) -> str:
    text = hashlib.blake2b()
    for part in parts:
        text.update(repr(part.tolist() if isinstance(part, torch.Tensor) else part).encode())
    return text.hexdigest()


def with_section(section: str, values: Config) -> RunConfig:
    return tiny_run(**{section: values})


def of_vae(config: VAEConfig) -> str:
    vae = awake_model(with_section("vae", config)).vae
    num_frames = longest_clip(config, 6)
    g = torch.Generator().manual_seed(0)
    frames = torch.rand(2, config.channels, num_frames, 16, 16, generator=g) * 2 - 1
    shape = latent_shape(config, num_frames, 16, 16)
    places = torch.rand(2, 1, *shape[1:], generator=g)
    hardships = draw_hardships(torch.tensor([0.1, 0.9]), places, config)
    loss = vae_loss(vae, frames, torch.ones(2, *shape), config, hardships)
    adversarial = AdversarialTask(vae, Alternating(frames), 0, tiny_run().vae_training)
    with torch.enable_grad():  # its terms are balanced by their gradients
        sharp = adversarial.loss(adversarial.modules, range(30, 32))
    return digest(vae.encode(frames), loss, sharp)


@dataclass
class Alternating:
    """A set of two clips."""

    frames: torch.Tensor
    identity = "two clips"

    def batch(self, indices):
        return VideoBatch(self.frames[[i % 2 for i in indices]], self.captions(indices))

    def captions(self, indices):
        return [""] * len(indices)

    def shapes(self, indices):
        return [tuple(self.frames.shape[2:])] * len(indices)


def diffusion_loss(config: RunConfig) -> torch.Tensor:
    model = awake_model(config)
    shape = model.latent_shape(5)
    latents = torch.randn(6, *shape, generator=torch.Generator().manual_seed(3))
    captions = SpriteClips(config.data, "train", 0).captions(range(6))
    task = DiffusionTask(model, latents, prepare_captions(model, captions), config.diffusion, 0)
    return task.loss(task.modules, range(12))


def generated(config: RunConfig, num_frames: int | None = None) -> torch.Tensor:
    prompts = ("a red 7 moving left", "a blue 3 moving up")
    request = GenerateRequest(prompts=prompts, seeds=(0, 1), num_frames=num_frames)
    return generate(awake_model(config), request)


def of_text(config: TextConfig | PretrainedTextConfig) -> str:
    run = with_section("text", config)
    values, mask = reader_of(run.data, config).encode(["a crimson seven drifting slowly to the left"])
    return digest(awake_model(run).text(values, mask).tokens)


def of_pretrained_text(config: PretrainedTextConfig) -> str:
    """Here a folder is the seed of a tiny encoder."""
    assert config.source != "minilm" and config.folder
    return of_text(config.model_copy(update={"folder": str(tiny_encoder(config.source, int(config.folder)))}))


def of_denoiser(config: DiTConfig | UNetConfig) -> str:
    return digest(diffusion_loss(with_section("denoiser", config)))


def of_diffusion(config: DiffusionConfig) -> str:
    run = with_section("diffusion", config)
    return digest(diffusion_loss(run), generated(run))


def of_sampling(config: SamplingConfig) -> str:
    long = tiny_run(sampling=config, diffusion={"prefix_share": 0.5})  # two windows: the second has a history
    return digest(generated(long, num_frames=9))


def of_sprites(config: SpriteConfig) -> str:
    try:
        clips = open_clips(config, "train", 0)
    except ValueError as error:  # the folder of digits that is not there
        return digest(str(error))
    batch = clips.batch(range(16))
    return digest(batch.frames, batch.captions, RunConfig(data=config).model.fps)


def of_stage(config: StageConfig, folder: Path) -> str:
    """Everything that the diffusion stage of a run leaves behind, but for the time it took."""
    seen: list[int] = []
    run = tiny_run(vae_training=tiny_run().vae_training.model_copy(update={"steps": 1}), training=config)
    train(run, folder, Callbacks(on_samples=lambda model, step: seen.append(step)))
    weights = VideoModel.load(folder / "model").state_dict()
    lines = [line.split(', "seconds"')[0] for line in (folder / "metrics.jsonl").read_text().splitlines()]
    checkpoints = sorted(p.name for p in (folder / "checkpoints").iterdir())
    return digest(*weights.values(), lines, checkpoints, seen)


FINGERPRINTS = {
    VAEConfig: of_vae, TextConfig: of_text, PretrainedTextConfig: of_pretrained_text, DiTConfig: of_denoiser,
    UNetConfig: of_denoiser, DiffusionConfig: of_diffusion, SamplingConfig: of_sampling, SpriteConfig: of_sprites,
}  # fmt: skip
DEFAULTS: dict[type[Config], Config] = {
    VAEConfig: tiny_run().vae,
    TextConfig: tiny_run().text,
    PretrainedTextConfig: PretrainedTextConfig(source="clip", folder="0", max_tokens=16, model_dim=16, num_heads=2),
    DiTConfig: tiny_run().denoiser,
    UNetConfig: UNetConfig(mixing="conv3d", widths=(16, 32), num_heads=2),
    DiffusionConfig: tiny_run().diffusion,
    SamplingConfig: tiny_run().sampling,
    SpriteConfig: tiny_run().data,
    StageConfig: tiny_run().training,
}


@pytest.mark.parametrize("kind", OTHER, ids=lambda kind: kind.__name__)
def test_every_field_has_another_value_here(kind):
    assert set(OTHER[kind]) == set(kind.model_fields)
    assert all(getattr(DEFAULTS[kind], name) != value for name, value in OTHER[kind].items())


@pytest.fixture(scope="module")
def fingerprints(tmp_path_factory):
    """Of the defaults, made once, and made twice to know that they repeat."""
    known: dict[type[Config], str] = {}

    def of(kind):
        if kind not in known:
            if kind is StageConfig:
                known[kind], again = (of_stage(DEFAULTS[kind], tmp_path_factory.mktemp("stage") / "r") for _ in "ab")
            else:
                known[kind], again = FINGERPRINTS[kind](DEFAULTS[kind]), FINGERPRINTS[kind](DEFAULTS[kind])
            assert known[kind] == again, f"the fingerprint of {kind.__name__} does not repeat"
        return known[kind]

    return of


KNOBS = [
    pytest.param(k, n, id=f"{k.__name__}.{n}") for k, names in OTHER.items() for n in names if k is not StageConfig
]


@torch.no_grad()
@pytest.mark.parametrize(("kind", "name"), KNOBS)
def test_every_knob_turns_something(kind, name, fingerprints):
    beside = DEFAULTS[kind].model_dump() | NEEDS.get((kind, name), {})
    changed = type(DEFAULTS[kind]).model_validate(beside | {name: OTHER[kind][name]})
    if (kind, name) == (VAEConfig, "channels"):  # grey clips have another number of channels
        with pytest.raises(RuntimeError, match="channels"):
            awake_model(with_section("vae", changed)).vae.encode(torch.zeros(1, 3, 5, 16, 16))
        return
    same = (kind, name) not in NEEDS
    before = fingerprints(kind) if same else FINGERPRINTS[kind](type(DEFAULTS[kind]).model_validate(beside))
    assert FINGERPRINTS[kind](changed) != before


@pytest.mark.parametrize("name", OTHER[StageConfig])
def test_every_knob_of_a_stage_turns_something(name, fingerprints, tmp_path):
    changed = StageConfig.model_validate(DEFAULTS[StageConfig].model_dump() | {name: OTHER[StageConfig][name]})
    assert of_stage(changed, tmp_path / "run") != fingerprints(StageConfig)
