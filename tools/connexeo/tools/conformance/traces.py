"""What stack traces look like."""

from __future__ import annotations

import re

STACK_TRACE = re.compile(
    r"Traceback \(most recent call last\)|File \"[^\"\n]+\", line \d+|\bgoroutine \d+ \["
    r"|thread '[^'\n]*' panicked at|^\s+at [\w.$<>/]+ ?\([^)\n]*:\d+\)",
    re.MULTILINE,
)
"""Traces of Python, Go and Rust, and of Java and its kin."""
