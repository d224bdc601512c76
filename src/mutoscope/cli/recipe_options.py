"""Options that begin with a recipe: `mutoscope VERB RECIPE [--section.field value ...]`."""

from pathlib import Path
from typing import Annotated, ClassVar, TypeVar

import tyro
from pydantic import create_model

from ..errors import suggestion
from ..recipes import RECIPES
from ..text.config import PretrainedTextConfig
from ..training.config import RunConfig
from .parse import parse, wants_help

USAGE = """usage: mutoscope {verb} RECIPE [--out DIR] [--section.field value ...]

{description}

recipes:
{recipes}

  mutoscope {verb} RECIPE --help    all options with the recipe's values"""


class RecipeOptions(RunConfig):
    """A recipe's settings, where the results go, and how they are computed; of one verb."""

    verb: ClassVar[str]
    description: ClassVar[str]
    folder: ClassVar[str]
    """Results of recipe NAME go to folder/NAME unless --out says otherwise."""

    out: Annotated[Path, tyro.conf.arg(metavar="DIR")]
    """Folder for the results."""
    recompute: tyro.conf.FlagCreatePairsOff[bool] = False
    """Less memory for more time: the insides of the denoiser's blocks are computed again on the way back."""
    compile: tyro.conf.FlagCreatePairsOff[bool] = False
    """The denoiser's blocks go through torch.compile."""

    @property
    def run(self) -> RunConfig:
        """The settings without what only the command line needs."""
        return RunConfig(**{field: getattr(self, field) for field in RunConfig.model_fields})


Options = TypeVar("Options", bound=RecipeOptions)


def recipe_options(kind: type[Options], args: list[str]) -> Options | None:
    """What was typed behind a verb; None where it was the recipes that were asked for, which are printed."""
    if not args or wants_help(args):
        width = max(map(len, RECIPES))
        recipes = "\n".join(f"  {name:<{width}}  {summary(name)}" for name in RECIPES)
        print(USAGE.format(verb=kind.verb, description=kind.description, recipes=recipes))
        return None
    name, rest = args[0], args[1:]
    if name.startswith("-"):
        raise ValueError(f"got {name!r} where the recipe goes. Type: mutoscope {kind.verb} RECIPE {name} …")
    if name not in RECIPES:
        raise ValueError(f"unknown recipe {name!r}.{suggestion(name, RECIPES)} Recipes: {', '.join(RECIPES)}.")
    return changed(kind, name, rest)


def changed(kind: type[Options], name: str, args: list[str]) -> Options:
    """The recipe `name` changed by options."""
    recipe = with_pretrained_text(RECIPES[name](), args)
    fields = {field: getattr(recipe, field) for field in RunConfig.model_fields}
    settled = options_of_recipe(kind, recipe)
    default = settled(out=Path(kind.folder) / name, **fields)
    return parse(settled, args, f"mutoscope {kind.verb} {name}", kind.description, default)


def options_of_recipe(kind: type[Options], recipe: RunConfig) -> type[Options]:
    """A recipe settles whose clips, which network and which space it is about; options change the settings of those."""
    kinds = {name: type(getattr(recipe, name)) for name in ("data", "vae", "text", "denoiser")}
    return create_model(kind.__name__, __base__=kind, **kinds)  # pyright: ignore


def with_pretrained_text(recipe: RunConfig, args: list[str]) -> RunConfig:
    """`--text.source`, which only a pretrained encoder has, puts one in the place of a recipe's small encoder."""
    asked = any(arg.partition("=")[0] == "--text.source" for arg in args)
    if not asked or isinstance(recipe.text, PretrainedTextConfig):
        return recipe
    return recipe.model_copy(update={"text": PretrainedTextConfig(model_dim=recipe.text.model_dim)})


def summary(name: str) -> str:
    """First line of a recipe's docstring."""
    return (RECIPES[name].__doc__ or "").strip().splitlines()[0]
