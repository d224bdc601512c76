import pytest
import torch

from mutoscope.data.config import SpriteConfig, digits, disc
from mutoscope.data.sprites import SpriteClips
from mutoscope.evaluation import controls
from mutoscope.evaluation import evaluate as module
from mutoscope.evaluation.evaluate import evaluate
from mutoscope.evaluation.features import VideoFeatures, train_features
from mutoscope.evaluation.memorisation import TrainedOn
from mutoscope.evaluation.prompts import prompts, real_clips
from mutoscope.evaluation.report import write_report
from mutoscope.evaluation.result import Evaluation

CONFIG = SpriteConfig(sprites="shapes", num_frames=9, height=24, width=24, sprite_size=12)
NUM = 72


def oracle(config, num=NUM, spoil=lambda x: x):
    """A generator that looks its answers up among real clips; seeds are 0, 1, 2, … for evaluation seed 0."""
    answers = real_clips(config, prompts(config, num, 0), seed=77)
    return lambda texts, seeds: spoil(answers[seeds])


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module", autouse=True)
def short_training():
    from mutoscope.evaluation import judge

    with pytest.MonkeyPatch.context() as patch:
        train_features, train_judge = module.train_features, judge.train_judge
        patch.setattr(module, "FEATURE_CLIPS", 160)
        patch.setattr(module, "train_features", lambda *a, seed: train_features(*a, seed=seed, steps=30))
        patch.setattr(judge, "train_judge", lambda config, seed: train_judge(config, seed=seed, steps=40))
        yield


def test_a_perfect_generator_reaches_the_ceiling(cache):
    said = []
    result = evaluate(
        CONFIG,
        oracle(CONFIG),
        lambda x: x,
        num_prompts=NUM,
        trained_on=TrainedOn(seed=5, clips=100),
        cache=cache,
        on_progress=lambda *a: said.append(a),
    )
    found = result.evaluation
    assert result.frames.shape == (NUM, 3, 9, 24, 24) and len(found.clips) == NUM
    assert found.adherence["all"].all_correct.value > 0.85
    assert found.adherence["all"].all_correct.floor < 0.1 and found.adherence["all"].all_correct.ceiling > 0.85
    assert found.adherence["seen"].identity.count + found.adherence["held_out"].identity.count == NUM
    assert (
        found.reconstruction is not None
        and found.reconstruction.psnr.value == 100 > 30 > found.reconstruction.psnr.floor
    )
    assert all(control.all_correct.value < 0.2 for control in found.controls.values())
    assert set(found.controls) == {"shuffled_prompts", "shuffled_frames", "static", "spliced", "noise"}
    distance = found.distance["frechet"]
    assert set(found.distance) == {"frechet", "kernel"} and found.distance["kernel"].reconstructed is not None
    assert distance.generated < min(distance.static, distance.shuffled)
    assert found.distance["frechet"].reconstructed == pytest.approx(0, abs=1e-3)
    assert Evaluation.model_validate_json(found.model_dump_json()) == found
    assert found.flicker is not None and found.flicker.value < 0.1 < 1 < (found.flicker.floor or 0)
    assert set(found.drift) == {"generated", "real", "fading"} and found.drift["fading"].contrast[-1] < 0.4
    assert found.memorisation is not None and found.memorisation.copied.floor == 1
    assert found.memorisation.copied.value < 0.1 and found.memorisation.training_clips == 100
    assert found.over_seeds is None and found.fvd is None and found.adherence["all"].area is None
    assert said[-1] == ("measure", 1.0) and ("generate", 24 / NUM) in said


def test_broken_generators_are_told_from_good_ones(cache):
    good = evaluate(CONFIG, oracle(CONFIG), num_prompts=NUM, cache=cache).evaluation
    still = evaluate(CONFIG, oracle(CONFIG, spoil=controls.static), num_prompts=NUM, cache=cache).evaluation
    assert (
        good.reconstruction is None
        and good.memorisation is None
        and good.judge == still.judge
        and good.features == still.features
    )
    assert still.adherence["all"].direction.value == 0 < good.adherence["all"].direction.value
    assert still.adherence["all"].identity.value > 0.8
    assert still.distance["frechet"].generated > good.distance["frechet"].generated
    diverged = evaluate(
        CONFIG, lambda texts, seeds: torch.full((len(texts), 3, 9, 24, 24), torch.nan), num_prompts=8, cache=cache
    )
    assert diverged.evaluation.adherence["all"].blank.value == 1


def test_grey_clips_of_one_identity(cache, tmp_path):
    found = evaluate(disc(), oracle(disc(), 24), lambda x: x, num_prompts=24, cache=cache).evaluation
    assert found.adherence["all"].colour is None and found.adherence["all"].all_correct.value == 1
    assert "held_out" not in found.adherence
    one = found.adherence["all"]
    assert one.identity is None and one.persistence is None and found.drift["generated"].identity is None
    assert one.area is not None and (one.area.value, one.area.ceiling, one.area.floor) == (1, 1, 0)
    rows = write_report(tmp_path, found, [], {}, None, [], tmp_path / "report.html").read_text()
    assert "Area error" in rows and "Persistence" not in rows


def test_copies_of_training_clips_are_told(cache):
    copies = SpriteClips(CONFIG, "train", 5).batch(range(24)).frames
    found = evaluate(
        CONFIG,
        lambda texts, seeds: copies[seeds],
        num_prompts=24,
        trained_on=TrainedOn(seed=5, clips=100),
        cache=cache,
    ).evaluation.memorisation
    assert found is not None and found.copied.value == 1 and found.nearest[0].distance == 0


def test_a_seed_that_fails_shows_in_the_spread(cache):
    answers = real_clips(disc(), prompts(disc(), 24, 0), seed=77)
    said = []

    def generate(texts, seeds):
        return answers if seeds[0] == 0 else controls.static(answers)

    found = evaluate(
        disc(), generate, num_prompts=24, num_seeds=2, cache=cache, on_progress=lambda *a: said.append(a)
    ).evaluation
    assert found.over_seeds is not None and set(found.over_seeds) == {"all_correct", "direction"}
    assert found.over_seeds["direction"].values == (1, 0) and found.adherence["all"].direction.value == 1
    assert [share for word, share in said if word == "generate"] == [0, 0.5]


def test_features_blind_to_time_make_a_void_distance():
    class FirstFrame(VideoFeatures):
        def features(self, frames, batch_size=64):
            return torch.nn.functional.avg_pool2d(frames[:, :, 0], 12).flatten(1)

    asked = prompts(CONFIG, NUM)
    real, other = (real_clips(CONFIG, asked, seed) for seed in (1, 2))
    for distance in module._distances(FirstFrame(3, {}), real, real, other, None, 0).values():
        assert distance.void and "static clips are as near as real ones" in distance.void_because


def test_what_does_not_fit_is_said_in_one_line(cache):
    with pytest.raises(ValueError, match=r"returned \(24, 3, 9, 16, 16\) for 24 prompts; clips of this data are"):
        evaluate(CONFIG, lambda texts, seeds: torch.zeros(len(texts), 3, 9, 16, 16), num_prompts=NUM, cache=cache)
    with pytest.raises(ValueError, match="num_frames=3 has no motion to measure"):
        evaluate(SpriteConfig(num_frames=3), oracle, cache=cache)


@pytest.mark.slow
def test_distances_of_the_default_data_punish_both_controls():
    batch = SpriteClips(digits(), "train", 1).batch(range(512))
    labels = {"colour": torch.from_numpy(batch.truth.colour), "identity": torch.from_numpy(batch.truth.identity)}
    network = train_features(batch.frames, labels)
    asked = prompts(digits(), 240)
    real, other = (real_clips(digits(), asked, seed) for seed in (1, 2))
    for name, distance in module._distances(network, controls.blurred(other), real, other, None, 0).items():
        print(name, distance)
        assert not distance.void and distance.generated > distance.real
