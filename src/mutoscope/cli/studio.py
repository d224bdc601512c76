"""`mutoscope studio [DIR]`: the local web app."""

from pathlib import Path
from typing import Annotated

import tyro
from pydantic import Field

from ..config import Config
from .folders import check_writable
from .parse import parse

DESCRIPTION = """Open the studio: start runs, watch them learn, make videos with what they learned, in the browser. It
shows the runs in DIR/runs, those of a terminal, too, and starts the same commands."""


class StudioOptions(Config):
    """Where it works, and where it listens."""

    dir: Annotated[tyro.conf.Positional[Path], tyro.conf.arg(metavar="[DIR]")] = Path()
    """Workspace: runs are in DIR/runs, what the studio itself keeps in DIR/.mutoscope."""
    port: Annotated[int, Field(ge=0, le=65535)] = 8765
    """Port; 0 = any that is free."""
    host: str = "127.0.0.1"
    """Address to listen on. Any but this machine's own asks browsers for the token in the address it prints."""
    no_browser: tyro.conf.FlagCreatePairsOff[bool] = False
    """Do not open the browser."""


def run(args: list[str]) -> int:
    """The verb."""
    options = parse(StudioOptions, args, "mutoscope studio", DESCRIPTION)
    check_writable(options.dir)
    from ..studio.server import serve
    from ..studio.workspace import Workspace

    serve(Workspace(options.dir), options.host, options.port, not options.no_browser, print)
    return 0
