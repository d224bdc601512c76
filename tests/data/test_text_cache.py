"""Cached embeddings are the embeddings, each caption is embedded once, and those of another encoder are never used."""

import pytest
import torch

from mutoscope.data.text_cache import cached_embeddings

CAPTIONS = ["a red 7", "up", "a red 7", "a blue 3 moving to the left", ""]


class Embedder:
    """A word is a vector that depends on its letters; padded to the longest, as encoders do. Remembers its captions."""

    def __init__(self, scale=1.0):
        self.scale, self.seen = scale, []

    def __call__(self, captions):
        self.seen += captions
        words = [["<s>", *caption.split()] for caption in captions]
        longest = max(map(len, words))
        tokens = torch.full((len(captions), longest, 4), torch.nan)  # padding must not be kept
        for row, line in enumerate(words):
            for place, word in enumerate(line):
                g = torch.Generator().manual_seed(sum(word.encode()))
                tokens[row, place] = self.scale * torch.randn(4, generator=g)
        lengths = torch.tensor([len(line) for line in words])
        return tokens, torch.arange(longest) < lengths[:, None]


def test_every_caption_is_embedded_once_and_read_back_exactly(tmp_path):
    path, embed = tmp_path / "cache" / "text.safetensors", Embedder()
    tokens, mask = cached_embeddings(embed, CAPTIONS, path, "key")
    assert sorted(embed.seen) == sorted(set(CAPTIONS))
    assert tokens.shape == (5, 8, 4) and mask.sum(1).tolist() == [4, 2, 4, 8, 1]
    for row, caption in enumerate(CAPTIONS):
        alone, real = Embedder()([caption])
        assert torch.equal(tokens[row][mask[row]], alone[real])
    assert not tokens[~mask].any()
    again = cached_embeddings(embed, CAPTIONS, path, "key")
    assert torch.equal(again[0], tokens) and torch.equal(again[1], mask)
    assert len(embed.seen) == 4


def test_new_captions_are_added(tmp_path):
    path, embed = tmp_path / "text.safetensors", Embedder()
    cached_embeddings(embed, ["one", "two"], path, "key")
    cached_embeddings(embed, ["two", "three"], path, "key")
    cached_embeddings(embed, ["one", "two", "three"], path, "key")
    assert sorted(embed.seen) == ["one", "three", "two"]


@pytest.mark.parametrize("content", [None, b"", b"not a cache"], ids=["another encoder", "empty", "damaged"])
def test_what_cannot_be_used_is_made_anew(tmp_path, content):
    path, embed = tmp_path / "text.safetensors", Embedder(scale=2.0)
    cached_embeddings(Embedder(), ["one", "two"], path, "before")
    if content is not None:
        path.write_bytes(content)
    tokens, _ = cached_embeddings(embed, ["one"], path, "now")
    assert embed.seen == ["one"] and torch.equal(tokens, Embedder(scale=2.0)(["one"])[0])
    assert [p.name for p in tmp_path.iterdir()] == ["text.safetensors"]
