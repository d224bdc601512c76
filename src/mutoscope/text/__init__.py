"""CAPTION -> Context: a tokenizer and small encoder trained along, or a frozen pretrained encoder with a projection."""
