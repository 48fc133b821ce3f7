"""Computations in child processes, which can be stopped for certain, and whose memory is their own.

Web workers and batch workers ask for tasks (`computing.Computing`, `host.Child`); children do them (`child`,
`tasks`). Nothing is imported here, since children shall start quickly.
"""
