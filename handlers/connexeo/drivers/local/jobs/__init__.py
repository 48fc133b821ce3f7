"""Batch jobs: what users see of them, and how they are run."""
