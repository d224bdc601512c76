"""`mutoscope data ACTION DIR`: what happens to a folder of clips before a model is trained on it."""

from importlib import import_module

from ..errors import suggestion
from .parse import wants_help

ACTIONS = {
    "scan": "look at every file; writes manifest.jsonl and a page that shows clips, captions and problems",
    "split": "cut long clips at scene changes and into windows, and keep some for measuring",
    "pack": "put the clips into tar shards that training reads from a disk or a web server",
}
HELP = """usage: mutoscope data ACTION DIR [options]

From a folder of files to clips that a model can be trained on.

{actions}

  mutoscope data ACTION --help    all options of an action"""


def run(args: list[str]) -> int:
    """The verb: hands the rest of the line to an action."""
    if not args or wants_help(args):
        width = max(map(len, ACTIONS))
        print(HELP.format(actions="\n".join(f"  {action:<{width}}  {line}" for action, line in ACTIONS.items())))
        return 0
    if args[0] not in ACTIONS:
        hint = suggestion(args[0], ACTIONS)
        raise ValueError(f"unknown action {args[0]!r}.{hint} mutoscope data knows: {', '.join(ACTIONS)}.")
    return import_module(f".data_{args[0]}", __package__).run(args[1:])
