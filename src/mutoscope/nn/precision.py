"""Where networks compute, and in which arithmetic they do so faster."""

import torch


def fast_device() -> torch.device:
    """The GPU of this process where there is one (CUDA_VISIBLE_DEVICES= hides it), else the processor."""
    return torch.device("cuda", torch.cuda.current_device()) if torch.cuda.is_available() else torch.device("cpu")


def synchronize(device: torch.device) -> None:
    """Wait until the device has done what it was asked to do; processors do it at once."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def fast_dtype(device: str = "cpu") -> torch.dtype:
    """bfloat16 where the device multiplies it in hardware (CPUs: AMX or AVX-512 BF16), else float32.

    Asked of the processor rather than timed: on one machine a seed then means one video, however busy it is.
    """
    if device != "cpu":
        return torch.bfloat16
    return (
        torch.bfloat16 if torch.cpu._is_amx_tile_supported() or torch.cpu._is_avx512_bf16_supported() else torch.float32
    )
