"""What a federation costs those who ask it: see ``__main__``."""
