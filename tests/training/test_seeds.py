"""Who draws what: every draw is a function of its purpose and number."""

import torch

from mutoscope.training.seeds import generator, normal_rows, seed_of


def test_seeds_differ_by_run_purpose_and_index():
    seeds = {seed_of(s, p, i) for s in range(10) for p in ("noise", "order") for i in range(50)}
    assert len(seeds) == 1000
    assert all(0 <= s < 2**56 for s in seeds)
    assert seed_of(1, "noise", 23) != seed_of(12, "noise", 3)


def test_seeds_are_the_same_in_every_process():
    assert seed_of(0, "weights") == int.from_bytes(
        __import__("hashlib").blake2b(b"0/weights/0", digest_size=7).digest(), "little"
    )


def test_rows_depend_on_their_number_only():
    normal, uniform = normal_rows(3, "noise", range(10), (2, 3))
    part_normal, part_uniform = normal_rows(3, "noise", range(4, 7), (2, 3))
    assert torch.equal(normal[4:7], part_normal) and torch.equal(uniform[4:7], part_uniform)
    other, _ = normal_rows(4, "noise", range(10), (2, 3))
    assert not torch.equal(normal, other)


def test_rows_are_standard_normal_and_uniform():
    normal, uniform = normal_rows(0, "noise", range(500), (40,))
    assert abs(normal.mean()) < 0.03 and abs(normal.std() - 1) < 0.03
    assert abs(uniform.mean() - 0.5) < 0.05 and uniform.min() >= 0 and uniform.max() < 1


def test_drawing_leaves_the_global_generator_alone():
    before = torch.random.get_rng_state()
    normal_rows(0, "noise", range(3), (4,))
    torch.rand(3, generator=generator(0, "order", 1))
    assert torch.equal(torch.random.get_rng_state(), before)
