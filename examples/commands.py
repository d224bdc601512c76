"""What both examples do: type commands."""

import shlex

from mutoscope.cli.main import main


def run(*words: object) -> None:
    """One command, shown as one would type it. SystemExit with its exit code where it fails."""
    args = [str(word) for word in words]
    print(f"\n$ {shlex.join(['mutoscope', *args])}", flush=True)
    if code := main(args):
        raise SystemExit(code)
