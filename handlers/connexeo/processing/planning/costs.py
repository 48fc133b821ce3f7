"""Seconds that a computation takes, from the number of its values.

A model of three speeds, measured by `python -m bench.planner --calibrate` over the demo collection (deflated GeoTIFFs
on a local disk) on one core of a small server, and rounded up: `seconds` is what to expect at most on such a machine
with nothing else to do, usually two to four times what it takes. Work on parts that turn out not to be needed is
counted, other cores are not. `least` counts the unavoidable only, at the best speed that was seen: what even that
makes too long is too long.
"""

from __future__ import annotations

START = 0.2
"""Seconds of any computation."""

READ = 0.05
"""Seconds per million values read from local files: opened, decoded, placed."""

REMOTE = 0.5
"""The same from another machine, by about 5 MB a second."""

STEP = 0.03
"""Seconds per million values and process; the median of twelve dates takes as much for each of them."""

WRITE = 0.5
"""Seconds per million values of the result, compressed as GeoTIFF or PNG."""

LEAST_READ = 0.002
"""Seconds per million values read, at the best."""


def seconds(*, local: float, remote: float, steps: float, written: float) -> float:
    """An upper estimate.

    Args:
        local: Values read from local files.
        remote: Values read from other machines.
        steps: Sum over processes of the values that each computes, or is given if these are more.
        written: Values of the result.
    """
    return START + 1e-6 * (READ * local + REMOTE * remote + STEP * steps + WRITE * written)


def least(*, read: float, cores: int) -> float:
    """A lower estimate, from values read and cores that read them."""
    return 1e-6 * LEAST_READ * read / cores
