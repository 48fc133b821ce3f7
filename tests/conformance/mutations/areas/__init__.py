"""The faults, by area: each module has its faults in ``FAULTS``."""
