"""Forms from configurations: JSON Schema out, typed settings or an answer per field back."""

import json
from functools import cache
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError, create_model

from ..errors import complaints
from ..recipes import RECIPES
from ..training.config import RunConfig
from .requests import TrainRequest

SETTLED = ("data", "vae", "text", "denoiser")
"""Sections of which a recipe settles the kind: whose clips, which space, which encoder, which network."""


C = TypeVar("C", bound=BaseModel)


class Refused(ValueError):
    """Answers by field; "" = about all of it."""

    def __init__(self, fields: dict[str, str]):
        super().__init__("; ".join(f"{name}: {words}" if name else words for name, words in fields.items()))
        self.fields = fields


def recipes() -> list[dict[str, str]]:
    """Names and what their docstrings say."""
    found = []
    for name, recipe in RECIPES.items():
        lines = [line.strip() for line in (recipe.__doc__ or "").strip().splitlines()]
        found.append({"name": name, "summary": lines[0], "about": "\n".join(lines[1:]).strip()})
    return found


def recipe_form(name: str) -> dict[str, Any]:
    """The schema of a recipe's settings, and its values. Refused where there is no such recipe."""
    recipe = _recipe(name)
    return {"schema": _settled(recipe).model_json_schema(), "values": recipe.model_dump(mode="json")}


def settings(request: TrainRequest) -> tuple[RunConfig, RunConfig]:
    """The recipe, and what was made of it. Refused, field by field, where values do not fit."""
    recipe = _recipe(request.recipe)
    values = _merged(recipe.model_dump(mode="json"), request.values)
    changed = checked(_settled(recipe), values)
    return recipe, RunConfig(**{name: getattr(changed, name) for name in RunConfig.model_fields})


def checked(kind: type[C], values: Any) -> C:
    """Typed data of what a browser sent; Refused, field by field, where it does not fit."""
    try:
        return kind.model_validate_json(json.dumps(values))  # as JSON: lists are tuples then, and words no numbers
    except ValidationError as error:
        raise Refused(complaints(error)) from error


def _recipe(name: str) -> RunConfig:
    if name not in RECIPES:
        raise Refused({"recipe": f"there is no recipe {name[:60]!r}. There are {', '.join(RECIPES)}."})
    return RECIPES[name]()


def _settled(recipe: RunConfig) -> type[RunConfig]:
    return _with_kinds(*(type(getattr(recipe, name)) for name in SETTLED))


@cache  # a class takes a tenth of a second to make
def _with_kinds(*kinds: type) -> type[RunConfig]:
    fields: dict[str, Any] = dict(zip(SETTLED, kinds, strict=True))
    return create_model("Settings", __base__=RunConfig, **fields)


def _merged(before: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """Sections are merged, values replaced."""
    found = dict(before)
    for name, value in changes.items():
        old = before.get(name)
        found[name] = _merged(old, value) if isinstance(old, dict) and isinstance(value, dict) else value
    return found
