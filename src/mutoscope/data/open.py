"""From a configuration to its clips."""

from typing import Literal

from .clips import FolderClips
from .config import ClipsConfig, DataConfig, SpriteConfig
from .pairs import PairClips
from .shard_clips import ShardClips
from .shard_store import holds_shards
from .sprites import SpriteClips

OwnClips = FolderClips | ShardClips
"""Numbered clips without an end, with captions; as many different ones as their length says."""

DrawnClips = SpriteClips | PairClips
"""Numbered clips without an end, drawn as they are asked for."""

Clips = DrawnClips | OwnClips
"""Numbered clips without an end, with captions."""


def open_clips(config: DataConfig, split: Literal["train", "test"], seed: int) -> Clips:
    """The clips of a split. ValueError, in one line, where there are none that can be used."""
    if not isinstance(config, SpriteConfig):
        return open_own(config, split, seed)
    return PairClips(config, split, seed) if config.num_sprites == 2 else SpriteClips(config, split, seed)


def open_own(config: ClipsConfig, split: Literal["train", "test"], seed: int) -> OwnClips:
    """The same of one's own clips: of a folder with a manifest, or of shards."""
    return ShardClips(config, split, seed) if holds_shards(config.folder) else FolderClips(config, split, seed)
