"""Every planted mistake gets the hint that names it; right answers written in another way pass."""

from importlib import import_module
from pathlib import Path

import pytest
import torch
from planted import RIGHT, WRONG

from mutoscope.diffusion.paths import DiscretePath, add_noise
from mutoscope.learn.exercises import exercises
from mutoscope.learn.judge import judge
from mutoscope.learn.mixture import mistaken_amounts


def judged(name: str, source: str):
    values = {"torch": torch}
    exec(source, values)
    return judge(import_module(f"mutoscope.learn.exercises.{name}"), values[name])


@pytest.mark.parametrize("name, words, source", WRONG, ids=[f"{name}: {words}" for name, words, _ in WRONG])
def test_a_mistake_is_named(name, words, source):
    found = judged(name, source)
    assert not found.right and words in found.hint


@pytest.mark.parametrize("name, source", RIGHT, ids=[name for name, _ in RIGHT])
def test_a_right_answer_written_differently_passes(name, source):
    found = judged(name, source)
    assert found.right, found.hint


def test_there_are_enough_of_both():
    assert len(WRONG) >= 25 and {name for name, _ in RIGHT} == set(exercises()) == {name for name, *_ in WRONG}


def test_the_page_counts_what_there_is():
    page = (Path(__file__).parents[2] / "docs" / "learn.md").read_text()
    assert f"holds {len(WRONG)} wrong answers" in page and f"all {len(WRONG)} get" in page


def test_a_suspect_has_to_explain_a_wrong_number():
    """Right for a picture, an error for everything else: what suspects do to pictures says nothing."""
    found = judged("downsample_time", "def downsample_time(x, stride):\n    assert x.shape[2] == 1\n    return x")
    assert not found.right and "It is right for 1 frames" in found.hint


@pytest.mark.parametrize("name", exercises())
def test_what_is_right_is_a_mix_of_the_terms(name):
    """Else the amounts in a hint would be told by a fit that does not fit."""
    exercise = import_module(f"mutoscope.learn.exercises.{name}")
    if not hasattr(exercise, "terms"):
        pytest.skip("no mix")
    case = next(iter(exercise.cases()))
    right = exercise.answer(*case.args)
    right = right[0] if isinstance(right, tuple) else right
    terms, scales = exercise.terms(*case.args)
    axis, part = getattr(exercise, "PART", (0, "clip"))
    assert mistaken_amounts(terms, scales, right, right, axis, part) == ""
    first, *_ = terms
    wrong = right + 0.5 * terms[first].select(axis, 0).unsqueeze(axis)
    assert first in mistaken_amounts(terms, scales, wrong, right, axis, part)


@pytest.mark.parametrize("name", exercises())
def test_no_suspect_is_right_and_no_two_hints_fit_one_answer(name):
    exercise = import_module(f"mutoscope.learn.exercises.{name}")
    for suspect in exercise.SUSPECTS:
        found = judge(exercise, suspect.solution)
        assert not found.right
        assert found.hint == suspect.hint, "another suspect answers the same and stands before it"


@pytest.mark.parametrize("name", exercises())
def test_the_package_itself_is_right(name):
    exercise = import_module(f"mutoscope.learn.exercises.{name}")
    assert judge(exercise, exercise.answer).right


def test_the_worked_numbers_of_the_statements():
    def of(name, *args):
        given = [torch.tensor(arg) if isinstance(arg, float) else arg for arg in args]
        return import_module(f"mutoscope.learn.exercises.{name}").answer(*given)

    def one(value):
        return torch.full((1, 1, 1, 1, 1), value)

    assert of("forward_noising", one(1.0), one(-0.5), torch.tensor([0.36])).item() == pytest.approx(0.2)
    assert of("ancestral_step", one(1.0), one(1.0), one(0.0), 0.4, 0.8).item() == pytest.approx(0.9811, abs=1e-4)
    z, kl = of("reparameterise", one(1.0), one(0.0), one(0.5))
    assert (z.item(), kl.item()) == (1.5, 0.5)
    assert of("ddim_step", one(0.2), one(1.0), 0.6, 0.8, 0.8, 0.6).item() == pytest.approx(0.5)
    exercise = import_module("mutoscope.learn.exercises.guide")
    assert exercise.answer(one(0.5), one(0.2), 4.0).item() == pytest.approx(1.4)
    frames = torch.tensor([5.0, 1, 3, 2, 6]).reshape(1, 1, 5, 1, 1)
    pooled = import_module("mutoscope.learn.exercises.downsample_time").answer(frames, 2)
    assert pooled.flatten().tolist() == [5, 2, 4]


def test_noising_is_what_the_package_trains_with():
    draw, t = torch.Generator().manual_seed(0), torch.tensor([0.1, 0.7])
    x0, noise = (torch.randn(2, 1, 2, 3, 3, generator=draw) for _ in range(2))
    path = DiscretePath()
    exercise = import_module("mutoscope.learn.exercises.forward_noising")
    torch.testing.assert_close(exercise.answer(x0, noise, path.alpha(t) ** 2), add_noise(x0, noise, t, path))
