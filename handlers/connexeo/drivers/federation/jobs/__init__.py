"""Batch jobs at the back-ends of the federation."""
