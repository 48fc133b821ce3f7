"""Pieces of Python source: names, string literals, docstrings."""

from __future__ import annotations

import json
import keyword
import re
import textwrap

BANNER = "Written by `connexeo generate` from spec/; changes by hand are lost."

WIDTH = 100


def snake_case(name: str) -> str:
    """``list-collections``, ``listCollections`` → ``list_collections``."""
    name = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name)
    name = re.sub(r"\W+", "_", name).strip("_").lower()
    return f"{name}_" if keyword.iskeyword(name) else name


def class_name(name: str) -> str:
    """``list-collections``, ``batch_job`` → ``ListCollections``, ``BatchJob``."""
    parts = re.split(r"[^0-9A-Za-z]+", name)
    return "".join(part[:1].upper() + part[1:] for part in parts)


def literal(text: str) -> str:
    """A string in double quotes."""
    return json.dumps(text, ensure_ascii=False)


def docstring(text: str, indent: str = "    ") -> str:
    """A docstring, wrapped, with its indentation and a final newline."""
    paragraphs = [" ".join(part.split()) for part in re.split(r"\n\s*\n", text.strip())]
    lines: list[str] = []
    for number, paragraph in enumerate(paragraphs):
        width = WIDTH - len(indent) - (3 if number == 0 else 0)
        lines += [*([""] if number else []), *textwrap.wrap(paragraph, width, break_long_words=False)]
    escaped = [line.replace("\\", "\\\\").replace('"""', '\\"\\"\\"') for line in lines]
    if len(escaped) == 1 and len(indent) + len(escaped[0]) + 6 <= WIDTH and not escaped[0].endswith('"'):
        return f'{indent}"""{escaped[0]}"""\n'
    body = f"\n{indent}".join(escaped)
    return re.sub(r"[ \t]+\n", "\n", f'{indent}"""{body}\n{indent}"""\n')
