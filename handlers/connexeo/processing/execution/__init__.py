"""Computing lazy arrays: part by part, each as large as the memory allows, by a strategy that can be exchanged.

- `execution`: what is decided for a whole evaluation, and `compute_blocks`, through which all pixels go;
- `layout`: how large the blocks of cubes are;
- `parts`: the blocks of results, and summaries that they need, divided so that parts have nothing in common;
- `whole`: all blocks together as one array, where that is needed;
- `threads`: the strategy that computes in threads of this process.
"""

from connexeo.processing.execution.execution import Execution, compute_blocks, current, using
from connexeo.processing.execution.layout import Layout
from connexeo.processing.execution.parts import SUMMARY, Deliver, Key, Part, Strategy, is_summary
from connexeo.processing.execution.whole import Region, compute, regions, values_of

__all__ = [
    "SUMMARY",
    "Deliver",
    "Execution",
    "Key",
    "Layout",
    "Part",
    "Region",
    "Strategy",
    "compute",
    "compute_blocks",
    "current",
    "is_summary",
    "regions",
    "using",
    "values_of",
]
