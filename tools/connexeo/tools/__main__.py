"""``python -m connexeo.tools``: the command line without its script."""

from connexeo.tools.cli import main

main()
