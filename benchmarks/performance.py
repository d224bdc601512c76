"""All benchmarks of speed and memory, one after the other, and docs/performance.md from what they find.

Command: python benchmarks/performance.py [--out docs/performance.md] [--quick]

Takes 25 minutes; the machine should have nothing else to do. The peers come with `make install`. --quick: tiny shapes,
one round each, for a test; it never writes into docs/.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
SPEED = ("train_step", "peers_training", "peers_transformers", "peers_sampling", "peers_vae", "peers_pixels")
OTHERS = ("streaming", "decoding", "latent_cache", "together", "startup")
PAGE = HERE.parent / "docs" / "performance.md"
HEAD = """# How fast it is

Made by `python benchmarks/performance.py`, which runs the commands below one after the other. Every comparison is made
in turns within one run, on an idle machine: min, median and max of the rounds, and ratios of the values of one round. A
peer gets the faster of its usual precisions.

{machine}, Python {python}, torch {torch}, {date}.
"""


def found(script: str, quick: bool, folder: Path) -> dict[str, Any]:
    """Run a benchmark; its JSON."""
    out = folder / f"{script}.json"
    command = [sys.executable, str(HERE / f"{script}.py"), "--out", str(out), *(["--quick"] if quick else [])]
    print("$ " + " ".join(command[1:]), flush=True)
    subprocess.run(command, check=True)
    return json.loads(out.read_text())


def number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def section(told: dict[str, Any]) -> str:
    """A table and the notes under it."""
    lines = [f"## {told['title']}", "", f"`{told['command']}`", ""]
    lines += ["| | min | median | max | rounds | target |", "|---|---|---|---|---|---|"]
    for row in told["figures"]:
        target = ""
        if row["target"] is not None:
            kept = "met" if row["met"] else "**not met**"
            target = f"{'≤' if row['at_most'] else '≥'} {row['target']:g}, {kept}"
        values = " | ".join(number(row[name]) for name in ("min", "median", "max"))
        lines.append(f"| {row['name']} | {values} | {row['rounds']} | {target} |")
    return "\n".join([*lines, "", *(f"* {note}" for note in told["notes"])])


def page(sections: list[dict[str, Any]], remarks: str) -> str:
    """The whole document; remarks: what a person wrote about an earlier one, kept."""
    return "\n\n".join([HEAD.format(**sections[0]).strip(), *map(section, sections), remarks.strip()]) + "\n"


def remarks_of(page: Path) -> str:
    """What a person wrote: everything from `## Remarks` on."""
    text = page.read_text() if page.is_file() else ""
    return text[text.index("## Remarks") :] if "## Remarks" in text else ""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=PAGE)
    parser.add_argument("--quick", action="store_true")
    given = parser.parse_args()
    if given.quick and given.out == PAGE:
        parser.error("--quick figures are none for the documentation. Give --out FILE.")
    with tempfile.TemporaryDirectory() as folder:
        sections = [found(script, given.quick, Path(folder)) for script in SPEED + OTHERS]
    given.out.write_text(page(sections, remarks_of(given.out)))
    print(f"{given.out}")


if __name__ == "__main__":
    main()
