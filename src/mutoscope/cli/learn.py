"""`mutoscope learn ACTION`: the course that comes with the package."""

from importlib import import_module

from ..errors import suggestion
from .parse import wants_help

ACTIONS = {
    "check": "check your answer to an exercise, and hear what is wrong with it",
    "build": "run the chapters and write them as pages that open offline",
    "ask": "ask what the course says about something",
    "narrate": "read the chapters aloud into audio files",
}
HELP = """usage: mutoscope learn ACTION [options]

The course: video diffusion, learned by running the real thing.

{actions}

  mutoscope learn ACTION --help    all options of an action"""


def run(args: list[str]) -> int:
    """The verb: hands the rest of the line to an action."""
    if not args or wants_help(args):
        width = max(map(len, ACTIONS))
        print(HELP.format(actions="\n".join(f"  {action:<{width}}  {line}" for action, line in ACTIONS.items())))
        return 0
    if args[0] not in ACTIONS:
        hint = suggestion(args[0], ACTIONS)
        raise ValueError(f"unknown action {args[0]!r}.{hint} mutoscope learn knows: {', '.join(ACTIONS)}.")
    return import_module(f".learn_{args[0]}", __package__).run(args[1:])
