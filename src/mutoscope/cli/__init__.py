"""`mutoscope <verb>`: read the command line, call one function, print. Nothing is computed here."""
