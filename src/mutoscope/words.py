"""Numbers as people say them, one way everywhere."""


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
    value, unit = float(num_bytes), "B"
    for larger in ("kB", "MB", "GB", "TB"):
        if value < 999.95:
            break
        value, unit = value / 1000, larger
    return f"{value:.0f} B" if unit == "B" else f"{value:.1f} {unit}"
