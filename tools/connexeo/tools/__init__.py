"""The command line, and what it uses."""
