"""``python -m streams.cli``: the command ``tairyu``."""

from streams.cli import main

main()
