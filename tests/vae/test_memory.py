"""What is remembered between chunks."""

import torch

from mutoscope.vae.memory import Memory


def test_the_frame_before_each_frame():
    x = torch.arange(1.0, 7.0).reshape(1, 6, 1, 1, 1)
    memory = Memory()
    memory.rewind()
    assert memory.previous(x).flatten().tolist() == [0, 1, 2, 3, 4, 5]


def test_chunks_continue_each_other_block_by_block():
    x, y = torch.arange(1.0, 7.0).reshape(1, 6, 1, 1, 1), -torch.arange(1.0, 7.0).reshape(1, 6, 1, 1, 1)
    memory = Memory()
    assert memory.at_start
    seen: list[list[float]] = [[], []]
    for part in (slice(0, 1), slice(1, 4), slice(4, 6)):
        memory.rewind()
        for block, values in enumerate((x, y)):
            seen[block] += memory.previous(values[:, part]).flatten().tolist()
    assert not memory.at_start
    assert seen == [[0, 1, 2, 3, 4, 5], [0, -1, -2, -3, -4, -5]]
