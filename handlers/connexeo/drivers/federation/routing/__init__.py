"""Which back-ends can run a process, and why the others cannot."""
