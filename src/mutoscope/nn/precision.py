"""Which arithmetic matrix products run faster in."""

import torch


def fast_dtype(device: str = "cpu") -> torch.dtype:
    """bfloat16 where the device multiplies it in hardware (CPUs: AMX or AVX-512 BF16), else float32.

    Asked of the processor rather than timed: on one machine a seed then means one video, however busy it is.
    """
    if device != "cpu":
        return torch.bfloat16
    return (
        torch.bfloat16 if torch.cpu._is_amx_tile_supported() or torch.cpu._is_avx512_bf16_supported() else torch.float32
    )
