"""Two answers to one exercise."""

RIGHT_GUIDE = """import torch


def guide(x0_cond, x0_negative, guidance_scale):
    return torch.lerp(x0_negative, x0_cond, guidance_scale)
"""
SWAPPED_GUIDE = RIGHT_GUIDE.replace(
    "x0_negative, x0_cond, guidance_scale)\n", "x0_cond, x0_negative, guidance_scale)\n"
)
