import pytest
import torch

from mutoscope.evaluation.distance import frechet_distance, gaussian_frechet, polynomial_mmd


def draw(*shape, seed):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_frechet_of_diagonal_gaussians_is_its_closed_form():
    mean_a, mean_b, std_a, std_b = draw(4, 6, seed=0)
    expected = (mean_a - mean_b).square().sum() + (std_a.abs() - std_b.abs()).square().sum()
    found = gaussian_frechet(mean_a, torch.diag(std_a**2), mean_b, torch.diag(std_b**2))
    assert found == pytest.approx(expected.item(), rel=1e-10)


def test_frechet_does_not_depend_on_the_basis_or_the_order():
    a, b = draw(50, 5, seed=1), draw(60, 5, seed=2) @ draw(5, 5, seed=3) + 1
    turn = torch.linalg.qr(draw(5, 5, seed=4)).Q
    assert frechet_distance(a @ turn, b @ turn) == pytest.approx(frechet_distance(a, b), rel=1e-9)
    assert frechet_distance(b, a) == pytest.approx(frechet_distance(a, b), rel=1e-9)
    assert frechet_distance(a, a) == pytest.approx(0, abs=1e-9)
    assert frechet_distance(a, a + 2) == pytest.approx(4 * 5, rel=1e-9)


def test_frechet_is_the_one_of_torchmetrics():
    from torchmetrics.image.fid import _compute_fid

    a, b = draw(80, 7, seed=5), draw(90, 7, seed=6) @ draw(7, 7, seed=7)
    theirs = _compute_fid(a.mean(0), torch.cov(a.T), b.mean(0), torch.cov(b.T))
    assert frechet_distance(a, b) == pytest.approx(theirs.item(), rel=1e-8)


def test_frechet_survives_fewer_clips_than_features():
    assert 0 < frechet_distance(draw(10, 40, seed=8), draw(10, 40, seed=9)) < 200


def test_mmd_is_the_double_sum_it_says():
    a, b = draw(4, 3, seed=10), draw(5, 3, seed=11)

    def kernel(x, y):
        return (float(x @ y) / 3 + 1) ** 3

    within_a = sum(kernel(a[i], a[j]) for i in range(4) for j in range(4) if i != j) / 12
    within_b = sum(kernel(b[i], b[j]) for i in range(5) for j in range(5) if i != j) / 20
    across = sum(kernel(x, y) for x in a for y in b) / 20
    assert polynomial_mmd(a, b) == pytest.approx(within_a + within_b - 2 * across, rel=1e-10)


def test_mmd_is_unbiased_and_sees_a_shift():
    values = torch.tensor([polynomial_mmd(draw(24, 4, seed=2 * k), draw(24, 4, seed=2 * k + 1)) for k in range(400)])
    standard_error = values.std() / len(values) ** 0.5
    assert abs(values.mean()) < 3 * standard_error and (values < 0).any()
    shifted = torch.tensor([polynomial_mmd(draw(24, 4, seed=k), draw(24, 4, seed=k + 900) + 1) for k in range(20)])
    assert shifted.min() > 10 * standard_error


def test_one_clip_is_no_distribution():
    with pytest.raises(ValueError, match="1 and 5 feature vectors: each set needs at least 2"):
        frechet_distance(draw(1, 3, seed=0), draw(5, 3, seed=1))
