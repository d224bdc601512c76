"""Which settings belong together; everything else is refused in one line, before any data are made."""

from typing import get_args

import pytest
import torch
from pydantic import ValidationError

from mutoscope.diffusion.config import DiffusionConfig, PathName, Prediction, predictions_of
from mutoscope.diffusion.paths import path_of


@pytest.mark.parametrize("path", get_args(PathName))
@pytest.mark.parametrize("zero_terminal_snr", [False, True])
@pytest.mark.parametrize("prediction", get_args(Prediction))
def test_epsilon_is_legal_exactly_where_pure_noise_keeps_some_signal(path, zero_terminal_snr, prediction):
    if zero_terminal_snr and path != "ddpm":
        return
    fields = {"path": path, "prediction": prediction, "zero_terminal_snr": zero_terminal_snr}
    if prediction in predictions_of(path, zero_terminal_snr):
        alpha = path_of(DiffusionConfig(**fields)).alpha(torch.ones(()))
        assert prediction != "epsilon" or alpha > 0
        return
    assert prediction == "epsilon"
    assert path_of(DiffusionConfig(**fields | {"prediction": "x0"})).alpha(torch.ones(())) == 0
    with pytest.raises(
        ValidationError, match="prediction=epsilon does not fit path .* Use prediction velocity or x0, or"
    ):
        DiffusionConfig(**fields)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        (
            {"num_betas": 100},
            "num_betas=100 needs path=ddpm, got path=linear. Leave it at 500, or set --diffusion.path",
        ),
        ({"path": "cosine", "betas": (0.1, 0.2)}, r"betas=\(0.1, 0.2\) needs path=ddpm, got path=cosine"),
        ({"zero_terminal_snr": True}, "zero_terminal_snr=True needs path=ddpm, got path=linear"),
        ({"timesteps": "uniform", "timestep_mean": 1.0}, "timestep_mean=1.0 needs timesteps=logit_normal"),
        ({"timesteps": "uniform", "timestep_std": 2.0}, "timestep_std=2.0 needs timesteps=logit_normal"),
        ({"path": "ddpm", "betas": (0.2, 0.1)}, "must satisfy 0 < first <= last < 1. Try 0.0001 0.02."),
        ({"path": "ddpm", "betas": (0.0, 0.1)}, "must satisfy 0 < first"),
        ({"path": "ddpm", "betas": (0.1, 1.0)}, "must satisfy 0 < first"),
        ({"path": "ddpm", "num_betas": 1}, "greater than or equal to 2"),
        ({"min_snr_gamma": -1.0}, "greater than or equal to 0"),
        ({"path": "sigmoid"}, "'linear', 'cosine' or 'ddpm'"),
    ],
)
def test_what_does_not_belong_together_is_refused(fields, message):
    with pytest.raises(ValidationError, match=message):
        DiffusionConfig(**fields)
