"""Numbers as people say them, one way everywhere."""

from collections.abc import Sequence


def duration(seconds: float, *, tenths: bool = False) -> str:
    """43 s, 8 min 20 s, 2 h 05 min. tenths: 4.2 s below a minute, for what is short by nature."""
    whole = round(seconds)
    if whole < 60:
        return f"{seconds:.1f} s" if tenths else f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def about(seconds: float) -> str:
    """43 s, 8 min, 2.1 h: for what was estimated."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def size(num_bytes: int) -> str:
    """512 B, 3.2 kB, 41.0 MB, 1.2 GB: powers of 1000, as disks are sold."""
    value, unit = _scaled(float(num_bytes), ("B", "kB", "MB", "GB", "TB"))
    return f"{value:.0f} B" if unit == "B" else f"{value:.1f} {unit}"


def rate(flops_per_s: float) -> str:
    """950 MFLOP/s, 182 GFLOP/s, 1.3 TFLOP/s."""
    value, unit = _scaled(flops_per_s, ("FLOP/s", "kFLOP/s", "MFLOP/s", "GFLOP/s", "TFLOP/s", "PFLOP/s"))
    return f"{value:.3g} {unit}"


def _scaled(value: float, units: Sequence[str]) -> tuple[float, str]:
    """The largest unit in which the value is at least 1, as shown."""
    unit = units[0]
    for larger in units[1:]:
        if value < 999.95:
            break
        value, unit = value / 1000, larger
    return value, unit
