"""Captions to token ids: a word tokenizer trained on the captions themselves."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import torch
from jaxtyping import Bool, Int
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers
from torch import Tensor

PAD, START, UNKNOWN = "[pad]", "[start]", "[unknown]"


class CaptionTokenizer:
    """Lower-cased words and punctuation marks; words never seen become one unknown token, so no prompt crashes."""

    def __init__(self, tokenizer: Tokenizer, max_tokens: int):
        self._tokenizer = tokenizer
        self.max_tokens = max_tokens

    @classmethod
    def train(cls, captions: Iterable[str], vocabulary_size: int, max_tokens: int) -> "CaptionTokenizer":
        """Collect the most frequent words of the captions, `vocabulary_size` tokens at most."""
        tokenizer = Tokenizer(models.WordLevel(vocab={}, unk_token=UNKNOWN))  # pyright: ignore[reportCallIssue]
        tokenizer.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Lowercase()])  # pyright: ignore
        tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()  # pyright: ignore[reportAttributeAccessIssue]
        trainer = trainers.WordLevelTrainer(  # pyright: ignore[reportCallIssue]
            vocab_size=vocabulary_size, special_tokens=[PAD, START, UNKNOWN], show_progress=False
        )
        # Sorted, because ties in frequency would otherwise be broken by hash order: same captions, same ids.
        tokenizer.train_from_iterator(sorted(captions), trainer)
        return cls(tokenizer, max_tokens)

    @property
    def vocabulary_size(self) -> int:
        """Number of tokens, special ones included."""
        return self._tokenizer.get_vocab_size()

    def unknown_words(self, caption: str) -> list[str]:
        """Words of a caption that were never in training."""
        encoding = self._tokenizer.encode(caption)
        unknown = self._tokenizer.token_to_id(UNKNOWN)
        return [caption[a:b] for i, (a, b) in zip(encoding.ids, encoding.offsets, strict=True) if i == unknown]

    def words(self, caption: str) -> list[tuple[str, list[int]]]:
        """Words as they are written, each with the numbers of its tokens; "" has those that stand for no word."""
        spans = self._tokenizer.encode(caption).offsets
        return [("", [0]), *((caption[a:b], [index]) for index, (a, b) in enumerate(spans, start=1))]

    def encode(self, captions: Sequence[str]) -> tuple[Int[Tensor, "b l"], Bool[Tensor, "b l"]]:
        """Token ids and mask (True = real), padded to max_tokens; the empty caption is the start token alone.

        Raises ValueError for a caption of too many words.
        """
        ids = torch.zeros(len(captions), self.max_tokens, dtype=torch.long)
        mask = torch.zeros(len(captions), self.max_tokens, dtype=torch.bool)
        start = self._tokenizer.token_to_id(START)
        for row, encoding in enumerate(self._tokenizer.encode_batch(list(captions))):
            tokens = [start, *encoding.ids]
            if len(tokens) > self.max_tokens:
                raise ValueError(
                    f"the prompt has {len(tokens) - 1} words, this model reads {self.max_tokens - 1} at most: "
                    f"{captions[row][:40]!r}… Shorten it."
                )
            ids[row, : len(tokens)] = torch.tensor(tokens)
            mask[row, : len(tokens)] = True
        return ids, mask

    def check(self, captions: Sequence[str]) -> None:
        """ValueError where a caption has too many words."""
        self.encode(captions)

    def save(self, path: Path) -> None:
        """Write tokenizer.json."""
        self._tokenizer.save(str(path))

    @classmethod
    def load(cls, path: Path, max_tokens: int) -> "CaptionTokenizer":
        """Read tokenizer.json; ValueError where it is missing or broken."""
        try:
            return cls(Tokenizer.from_file(str(path)), max_tokens)
        except Exception as error:  # the library raises bare Exception
            raise ValueError(
                f"{path} is not a tokenizer ({str(error)[:80]}). Train the model again or restore it."
            ) from error
