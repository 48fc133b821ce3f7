"""Processes that no back-end can run alone, cut into parts that several can."""
