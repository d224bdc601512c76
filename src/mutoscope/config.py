"""The base of every configuration: frozen, validated, JSON and back. No torch, so the command line stays fast."""

from typing import Any

from pydantic import BaseModel, ConfigDict, field_validator

LARGEST = 2**63 - 1
"""Integer that arrays count with."""


class Config(BaseModel):
    """Typed data with defaults written once; unknown keys are errors. Field docstrings are the help text everywhere."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True, allow_inf_nan=False)

    @field_validator("*", mode="after")
    @classmethod
    def _countable(cls, value: Any) -> Any:
        if isinstance(value, int) and abs(value) > LARGEST:
            raise ValueError(
                f"a number of {len(str(abs(value)))} digits is more than a machine counts; give a smaller one."
            )
        return value
