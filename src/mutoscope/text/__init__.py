"""CAPTION -> Context: the tokenizer and the text encoder that is trained along."""
