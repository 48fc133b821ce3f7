"""Stored processes live here, and back-ends do not know them: calls of them are replaced by what they do."""
