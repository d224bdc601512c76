"""The arrows between the parts, and the habits a script can hold."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import mutoscope

LAYERS = [  # a unit imports from itself and from lower layers only
    {"types", "config", "files", "memory", "processes", "words"},
    {"errors"},
    {"nn", "video", "diffusion"},
    {"vae", "text", "denoisers", "samplers", "data"},
    {"model", "model_config"},
    {"pipeline", "training", "evaluation"},
    {"recipes"},
    {"learn"},
    {"studio"},  # starts commands of cli as other processes, never as functions
    {"cli"},
    {"__main__"},
]
RANK = {name: rank for rank, layer in enumerate(LAYERS) for name in layer}
PEERS = {("model", "model_config")}  # one idea in two files, so that its config imports no torch
ROOT = Path(mutoscope.__file__).parent
FILES = sorted(ROOT.rglob("*.py"))
FORBIDDEN_NAMES = {"utils", "util", "misc", "common", "helpers", "base"}
LONGEST_FILE = 400


def module_of(file: Path) -> tuple[str, ...]:
    """("vae", "model") for vae/model.py, ("vae",) for vae/__init__.py."""
    parts = file.relative_to(ROOT).with_suffix("").parts
    return parts[:-1] if parts[-1] == "__init__" and len(parts) > 1 else parts


MODULES = {module_of(file) for file in FILES}


def typing_only(tree: ast.Module) -> set[ast.AST]:
    """Everything inside `if TYPE_CHECKING:`."""
    blocks = [n for n in ast.walk(tree) if isinstance(n, ast.If) and ast.unparse(n.test).endswith("TYPE_CHECKING")]
    return {inner for block in blocks for inner in ast.walk(block)}


def imported(file: Path, top_level_only: bool = False) -> set[tuple[str, ...]]:
    """Modules of the package that a file imports, relative or absolute; () is the package itself."""
    tree = ast.parse(file.read_text())
    folder = file.relative_to(ROOT).parts[:-1]
    found, skipped = set(), typing_only(tree)
    for node in tree.body if top_level_only else ast.walk(tree):
        if node in skipped:
            continue
        if isinstance(node, ast.ImportFrom):
            parts = tuple((node.module or "").split(".")) if node.module else ()
            if node.level:
                parts = folder[: len(folder) - node.level + 1] + parts
            elif parts[:1] == ("mutoscope",):
                parts = parts[1:]
            else:
                continue
            for alias in node.names:
                inner = (*parts, alias.name)
                found.add(inner if inner in MODULES else parts)
        elif isinstance(node, ast.Import):
            names = [tuple(a.name.split(".")) for a in node.names]
            found |= {name[1:] for name in names if name[0] == "mutoscope"}
    return found


def test_the_reader_of_imports_reads():
    assert ("diffusion", "paths") in imported(ROOT / "samplers" / "euler.py")
    assert ("config",) in imported(ROOT / "vae" / "config.py")
    assert ("vae", "config") in imported(ROOT / "vae" / "model.py")


def test_imports_point_downwards():
    wrong = []
    for file in FILES:
        unit = module_of(file)[0]
        if unit == "__init__":
            continue
        for target in imported(file):
            other = target[0] if target else "__init__"
            if other in (unit, "__init__") or (unit, other) in PEERS:
                continue
            if RANK[other] >= RANK[unit]:
                wrong.append(f"{file.relative_to(ROOT)}: '{unit}' must not import '{other}'")
    assert not wrong, "\n".join(wrong)


def test_no_import_cycles():
    graph = {module_of(file): imported(file, top_level_only=True) & MODULES for file in FILES}
    done: set[tuple[str, ...]] = set()

    def visit(module, trail):
        assert module not in trail, "import cycle: " + " -> ".join(".".join(m) for m in (*trail, module))
        if module not in done:
            for target in graph.get(module, ()):
                if target != module:
                    visit(target, (*trail, module))
            done.add(module)

    for module in graph:
        visit(module, ())


def test_no_forbidden_file_names():
    assert not [file for file in FILES if file.stem in FORBIDDEN_NAMES]


def test_files_hold_one_idea_each():
    long = {str(f.relative_to(ROOT)): n for f in FILES if (n := len(f.read_text().splitlines())) > LONGEST_FILE}
    assert not long


def calls(file: Path):
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Call):
            yield node.func


def test_only_the_command_line_prints():
    wrong = [
        str(file.relative_to(ROOT))
        for file in FILES
        if module_of(file)[0] != "cli" and any(isinstance(f, ast.Name) and f.id == "print" for f in calls(file))
    ]
    assert not wrong


def test_devices_are_never_named_by_method():
    wrong = [f"{file.relative_to(ROOT)}: .{f.attr}()" for file in FILES for f in calls(file)
             if isinstance(f, ast.Attribute) and f.attr == "cuda"]  # fmt: skip
    assert not wrong


def test_random_tensors_have_a_generator_or_are_initial_weights():
    """torch.randn and its like take a generator; learned positions are initial weights."""
    wrong = []
    for file in FILES:
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in {
                "torch.randn", "torch.rand", "torch.randint", "torch.randperm", "torch.normal", "torch.bernoulli",
            } and "generator" not in {k.arg for k in node.keywords}:  # fmt: skip
                wrong.append(f"{file.relative_to(ROOT)}:{node.lineno}")
    assert [w for w in wrong if not w.startswith(("text/encoder.py", "denoisers/dit.py"))] == []


def external(file: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            found |= {a.name.split(".")[0] for a in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            found.add((node.module or "").split(".")[0])
    return found


def test_av_is_imported_in_video_only():
    homes = {module_of(file)[0] for file in FILES if "av" in external(file)}
    assert homes == {"video"}


def test_configs_import_no_torch():
    configs = [file for file in FILES if file.stem in {"config", "model_config"}]
    assert len(configs) >= 8
    assert not [file for file in configs if external(file) & {"torch", "numpy", "jaxtyping", "einops"}]


def run_python(code: str, folder: Path) -> str:
    environment = os.environ | {"PYTHONPATH": str(ROOT.parent), "PYTHONDONTWRITEBYTECODE": "1"}
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=folder, env=environment, timeout=60
    )
    assert result.returncode == 0, result.stderr
    return result.stdout.strip()


def test_recipes_and_the_package_load_without_torch(tmp_path):
    code = "import sys, mutoscope, mutoscope.recipes; print('torch' in sys.modules, 'numpy' in sys.modules)"
    assert run_python(code, tmp_path) == "False False"


def test_importing_makes_no_file(tmp_path):
    before = {p for p in ROOT.rglob("*") if "__pycache__" not in p.parts}
    run_python("import mutoscope; mutoscope.train, mutoscope.load, mutoscope.read_video", tmp_path)
    assert list(tmp_path.iterdir()) == []
    assert {p for p in ROOT.rglob("*") if "__pycache__" not in p.parts} == before


def test_public_names_exist():
    assert set(mutoscope.__all__) <= {*dir(mutoscope), *mutoscope._HOMES, "load"}
    for name in mutoscope.__all__:
        assert callable(getattr(mutoscope, name)), name
    try:
        mutoscope.nothing  # noqa: B018
    except AttributeError as error:
        assert "module 'mutoscope' has no attribute 'nothing'" in str(error)
    else:
        raise AssertionError("an unknown name must be an AttributeError")
