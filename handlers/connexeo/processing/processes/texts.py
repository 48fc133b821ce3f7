"""Texts: joining them and looking for one in another."""

from __future__ import annotations

from bisect import bisect_right
from itertools import accumulate
from typing import TypeAlias

from connexeo.processing.process import PerPixel, process
from connexeo.processing.values import Array, is_block

Scalar: TypeAlias = str | int | float | bool | None


@process
def text_begins(data: str | None, pattern: str, case_sensitive: bool = True) -> bool | None:
    """Whether a text begins with a pattern; no-data is passed through."""
    _refuse_blocks(data, case_sensitive)
    return None if data is None else _cased(data, case_sensitive).startswith(_cased(pattern, case_sensitive))


@process
def text_ends(data: str | None, pattern: str, case_sensitive: bool = True) -> bool | None:
    """Whether a text ends with a pattern; no-data is passed through."""
    _refuse_blocks(data, case_sensitive)
    return None if data is None else _cased(data, case_sensitive).endswith(_cased(pattern, case_sensitive))


@process
def text_contains(data: str | None, pattern: str, case_sensitive: bool = True) -> bool | None:
    """Whether a text contains a pattern; no-data is passed through."""
    _refuse_blocks(data, case_sensitive)
    return None if data is None else _cased(pattern, case_sensitive) in _cased(data, case_sensitive)


@process
def text_find(data: str | None, pattern: str, case_sensitive: bool = True) -> int | None:
    """The position of the first occurrence of a pattern in a text; no-data if there is none."""
    _refuse_blocks(data, case_sensitive)
    if data is None:
        return None
    position = _cased(data, case_sensitive).find(_cased(pattern, case_sensitive))
    if position < 0 or case_sensitive:
        return position if position >= 0 else None
    # Some characters become several when their case is folded (ß: ss), so positions after them differ.
    starts = accumulate((len(character.casefold()) for character in data), initial=0)
    return bisect_right(list(starts)[:-1], position) - 1 if data else 0


@process
def text_concat(data: list[Scalar], separator: Scalar = "") -> str:
    """The elements as texts, one after the other with the separator between them."""
    _refuse_blocks(data, separator)
    return _text(separator).join(map(_text, data))


def _refuse_blocks(*values: object) -> None:
    """Texts are no blocks, and numbers as texts differ from pixel to pixel."""
    if any(isinstance(value, Array) or is_block(value) for value in values):
        raise PerPixel


def _cased(text: str, case_sensitive: bool) -> str:
    return text if case_sensitive else text.casefold()


def _text(value: Scalar) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e16:
        return str(int(value))
    return str(value)
