"""`%%check NAME` for notebooks: `%load_ext mutoscope.learn.magic`, then a cell that begins with it.

The cell is checked in a process of its own first. Only where it is right it is run in the notebook, too, so that what
was written can be used in later cells.
"""

from typing import TYPE_CHECKING

from .check import check

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell


def load_ipython_extension(shell: "InteractiveShell") -> None:
    """What `%load_ext` calls."""
    from IPython.display import display

    def checked(line: str, cell: str) -> None:
        """Check the function in this cell: %%check unpatchify."""
        verdict = check(line.strip(), cell)
        display({"text/plain": str(verdict)}, raw=True)
        if verdict.right:
            shell.run_cell(cell, silent=True)

    shell.register_magic_function(checked, "cell", "check")  # pyright: ignore[reportArgumentType] # a traitlets method
