"""Which seeded faults does ``connexeo conformance`` notice, and which does the official test suite?

``python -m conformance.detection`` in the folder ``tests`` tries them; see ``docs/mutations.md``.
"""
