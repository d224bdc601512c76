"""Which arithmetic matrix products run faster in."""

import time

import torch


def matmul_seconds(dtype: torch.dtype, size: int = 512, rounds: int = 5) -> float:
    """Shortest time of a square CPU matmul; the first call builds kernels and is not counted."""
    a = torch.ones(size, size, dtype=dtype)
    times = []
    for _ in range(rounds + 1):
        start = time.perf_counter()
        a @ a
        times.append(time.perf_counter() - start)
    return min(times[1:])


def sampling_dtype(gain: float = 1.5) -> torch.dtype:
    """bfloat16 where its matmul is clearly faster than float32's on this machine, else float32. Milliseconds."""
    faster = matmul_seconds(torch.float32) > gain * matmul_seconds(torch.bfloat16)
    return torch.bfloat16 if faster else torch.float32
