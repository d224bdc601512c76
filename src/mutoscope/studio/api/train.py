"""Start a run: recipes, their forms, and the command that a form becomes."""

from typing import Annotated, Any

from fastapi import APIRouter, Body, Depends, Query

from ..commands import options_of, typed
from ..context import Studio, studio_of
from ..forms import Refused, checked, recipe_form, recipes, settings
from ..requests import TrainRequest
from ..workspace import RUNS

router = APIRouter(prefix="/api")
Here = Annotated[Studio, Depends(studio_of)]


@router.get("/recipes")
def list_recipes() -> list[dict[str, str]]:
    """Where settings come from."""
    return recipes()


@router.get("/recipe")
def one_recipe(name: Annotated[str, Query(max_length=100)]) -> dict[str, Any]:
    """The JSON Schema that its form is drawn from, and its values."""
    return recipe_form(name)


@router.post("/train")
def train(studio: Here, body: Annotated[dict[str, Any], Body()]) -> dict[str, Any]:
    """Put a run into the queue."""
    request = checked(TrainRequest, body)
    args = command(studio, request)
    job = studio.queue.submit("train", f"train {request.name}", request.name, {"args": args})
    return {"job": job.id, "run": request.name, "command": typed(args)}


@router.post("/train/command")
def preview(studio: Here, body: Annotated[dict[str, Any], Body()]) -> dict[str, str]:
    """What a form would run; nothing is started."""
    return {"command": typed(command(studio, checked(TrainRequest, body)))}


def command(studio: Studio, request: TrainRequest) -> list[str]:
    """Arguments of `mutoscope`; Refused, with all that does not fit."""
    wrong: dict[str, str] = {}
    try:
        studio.workspace.new_run(request.name)
    except ValueError as error:
        wrong["name"] = str(error)
    if studio.queue.jobs.about(request.name):
        wrong["name"] = f"a run {request.name!r} waits in the queue already. Choose another name."
    try:
        recipe, wanted = settings(request)
    except Refused as error:
        raise Refused(wrong | error.fields) from error
    if wrong:
        raise Refused(wrong)
    return ["train", request.recipe, "--out", f"{RUNS}/{request.name}", *options_of(recipe, wanted)]
