"""Memory: how much there is, how much was used, and how its end shows. Imports no torch."""

import resource
from pathlib import Path


class OutOfMemory(MemoryError):
    """There was too little memory for something; the message says what helps."""


def is_out_of_memory(error: BaseException) -> bool:
    """Torch reports a full memory as a RuntimeError of its own kind on devices, and of no kind on CPUs."""
    told = str(error)
    return isinstance(error, MemoryError) or (
        isinstance(error, RuntimeError) and ("allocate memory" in told or "out of memory" in told)
    )


def memory_bytes() -> tuple[int, int] | None:
    """Of the machine, in all and free now; a container's limit counts as all. None where nobody knows."""
    facts = {line.split(":")[0]: int(line.split()[1]) * 1024 for line in _lines(Path("/proc/meminfo")) if ":" in line}
    total, free = facts.get("MemTotal"), facts.get("MemAvailable")
    if total is None or free is None:
        return None
    limit = _lines(Path("/sys/fs/cgroup/memory.max"))
    if limit and limit[0].isdigit():
        total = min(total, int(limit[0]))
    return total, min(free, total)


def peak_memory_mb() -> float:
    """Most memory that this process has had in use, in MiB.

    On Linux ru_maxrss also counts the process that started this one, so its own status file goes first.
    """
    own = next((int(line.split()[1]) for line in _lines(Path("/proc/self/status")) if line.startswith("VmHWM:")), None)
    return (own or resource.getrusage(resource.RUSAGE_SELF).ru_maxrss) / 1024  # kibibytes


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text().splitlines()
    except OSError:
        return []
