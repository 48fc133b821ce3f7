"""Seeded faults in front of a server that keeps the contract: does a test of back-ends notice them?

A reverse proxy passes everything on as it is. Each fault that is switched on breaks one rule of the contract in the way
that real back-ends break it. ``faults()`` lists them, ``start_proxy(url)`` starts the proxy; by hand
``python -m conformance.mutations --upstream URL --port N`` from the folder ``tests``.
"""

from __future__ import annotations

from conformance.mutations.catalogue import DRESSES, faults
from conformance.mutations.fault import Fault
from conformance.mutations.serving import Proxy, start_proxy

__all__ = ["DRESSES", "Fault", "Proxy", "faults", "start_proxy"]
