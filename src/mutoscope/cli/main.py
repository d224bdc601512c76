"""The command `mutoscope`: finds the verb, and turns what users got wrong into one line and exit code 2."""

import os
import sys
from collections.abc import Sequence
from importlib import import_module

from .. import __version__

VERBS = {
    "data": "from a folder of your own clips to a set to train on: look through it, cut it",
    "train": "train a model from a recipe: VAE, then text encoder and diffusion model; goes on where it stopped",
    "generate": "make videos of prompts, with the model inside the package or your own",
    "evaluate": "measure a trained model; writes evaluation.json and report.html into its folder",
    "compare": "train several models on one budget and write a page that says which to choose",
    "reconstruct": "send a video file through a model's VAE and show both side by side",
    "studio": "all of it in the browser: start runs, watch them learn, make videos",
    "learn": "the course: chapters that run, exercises, and a checker that names the mistake",
    "runs": "list the runs here: how far each is, how large; `runs clean` frees space",
    "profile": "where the time of a training step goes: the largest costs, and a trace to look at",
    "doctor": "what this machine can do, what runs fast here, what is missing",
}
HELP = """mutoscope: train and run your own text-to-video model, from random weights, on your own captioned clips.

usage: mutoscope VERB [options]

{verbs}

  mutoscope VERB --help    all options of a verb
  mutoscope --version      the version

examples:
  mutoscope generate "a red 7 moving left" "a blue 3 moving up" --out videos/
  mutoscope train demo --out runs/demo

MUTOSCOPE_DEBUG=1 shows the traceback behind an error."""

USER_ERROR = 2


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command line (default: the process's own) and return its exit code: 0 done, 2 the user's error."""
    args = list(sys.argv[1:] if argv is None else argv)
    try:
        return _dispatch(args)
    except KeyboardInterrupt:
        from ..errors import INTERRUPTED

        print("mutoscope: stopped.", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:  # the reader of our output, such as `head`, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:
        from ..errors import is_users, one_line

        if os.environ.get("MUTOSCOPE_DEBUG") or not is_users(error):
            raise
        print(f"mutoscope: {one_line(error)}", file=sys.stderr)
        return USER_ERROR


def _dispatch(args: list[str]) -> int:
    if not args or args[0] in ("-h", "--help", "help"):
        width = max(map(len, VERBS))
        print(HELP.format(verbs="\n".join(f"  {verb:<{width}}  {line}" for verb, line in VERBS.items())))
        return 0
    if args[0] in ("-V", "--version"):
        print(f"mutoscope {__version__}")
        return 0
    if args[0] not in VERBS:
        from ..errors import suggestion

        raise ValueError(f"unknown verb {args[0]!r}.{suggestion(args[0], VERBS)} Verbs: {', '.join(VERBS)}.")
    return import_module(f".{args[0]}", __package__).run(args[1:])


if __name__ == "__main__":
    raise SystemExit(main())
