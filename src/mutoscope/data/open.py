"""From a configuration to its clips."""

from typing import Literal

from .clips import FolderClips
from .config import ClipsConfig, DataConfig, SpriteConfig
from .shard_clips import ShardClips
from .shard_store import holds_shards
from .sprites import SpriteClips

Clips = SpriteClips | FolderClips | ShardClips
"""Numbered clips without an end, with captions."""


def open_clips(config: DataConfig, split: Literal["train", "test"], seed: int) -> Clips:
    """The clips of a split. ValueError, in one line, where there are none that can be used."""
    if isinstance(config, SpriteConfig):
        return SpriteClips(config, split, seed)
    assert isinstance(config, ClipsConfig)
    return ShardClips(config, split, seed) if holds_shards(config.folder) else FolderClips(config, split, seed)
