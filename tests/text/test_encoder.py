"""The text encoder: padding and neighbours do not matter, words and their order do."""

import pytest
import torch

from mutoscope.text.config import TextConfig
from mutoscope.text.encoder import TextEncoder
from mutoscope.text.tokenizer import CaptionTokenizer

CAPTIONS = ["a red 7 moving left", "a blue 3 moving up and right", ""]
CONFIG = TextConfig(max_tokens=12, model_dim=32, num_heads=2, depth=2)


@pytest.fixture(scope="module")
def tokenizer():
    return CaptionTokenizer.train(CAPTIONS, 64, 12)


@pytest.fixture(scope="module")
def encoder(tokenizer):
    torch.manual_seed(0)
    return TextEncoder(CONFIG, tokenizer.vocabulary_size).eval()


def test_shapes_and_scale(encoder, tokenizer):
    ids, mask = tokenizer.encode(CAPTIONS)
    context = encoder(ids, mask)
    assert context.tokens.shape == (3, 12, 32) and torch.equal(context.mask, mask)
    torch.testing.assert_close(context.tokens.square().mean(-1), torch.ones(3, 12), rtol=1e-3, atol=0)


def test_padding_does_not_matter(encoder, tokenizer):
    ids, mask = tokenizer.encode(CAPTIONS)
    changed = torch.where(mask, ids, 5)
    assert torch.equal(encoder(changed, mask).tokens[mask], encoder(ids, mask).tokens[mask])


def test_a_row_alone_is_the_row_in_a_batch(encoder, tokenizer):
    ids, mask = tokenizer.encode(CAPTIONS)
    whole = encoder(ids, mask).tokens
    for row in range(3):
        torch.testing.assert_close(encoder(ids[row : row + 1], mask[row : row + 1]).tokens[0], whole[row])


def test_word_order_matters(encoder, tokenizer):
    ids, mask = tokenizer.encode(["red left 7", "7 left red"])
    tokens = encoder(ids, mask).tokens
    assert (tokens[0, :4].mean(0) - tokens[1, :4].mean(0)).abs().max() > 1e-3


def test_every_parameter_gets_a_gradient(tokenizer):
    torch.manual_seed(0)
    encoder = TextEncoder(CONFIG, tokenizer.vocabulary_size)
    ids, mask = tokenizer.encode(CAPTIONS)
    weights = torch.randn(3, 12, 32, generator=torch.Generator().manual_seed(0))
    (encoder(ids, mask).tokens * weights * mask[..., None]).sum().backward()
    for name, parameter in encoder.named_parameters():
        assert parameter.grad is not None and parameter.grad.abs().max() > 0, name


def test_heads_must_divide_the_width():
    with pytest.raises(ValueError, match="text.model_dim=32 does not fit text.num_heads=3"):
        TextConfig(model_dim=32, num_heads=3)
