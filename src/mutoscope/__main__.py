"""`python -m mutoscope` is the command `mutoscope`."""

from .cli.main import main

if __name__ == "__main__":
    raise SystemExit(main())
