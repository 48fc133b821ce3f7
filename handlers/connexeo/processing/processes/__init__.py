"""The functions that implement processes, one module per group of them; found by `processing.registry`."""
