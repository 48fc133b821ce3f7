"""The local driver: a complete back-end on one machine."""
