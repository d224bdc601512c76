"""The base of every configuration: frozen, validated, JSON and back. No torch, so the command line stays fast."""

from pydantic import BaseModel, ConfigDict


class Config(BaseModel):
    """Typed data with defaults written once; unknown keys are errors. Field docstrings are the help text everywhere."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)
