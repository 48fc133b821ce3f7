"""Identifiers of things of back-ends: ``<back-end>~<identifier there>``, with nothing but what the contract allows."""

from __future__ import annotations

import re

_SAFE = re.compile(r"[A-Za-z0-9_.-]")
_ESCAPED = re.compile(r"~([0-9a-f]{2})")
_CODED = re.compile(r"(?:[A-Za-z0-9_.-]|~[0-9a-f]{2})+")

ELSEWHERE = frozenset({".", ".."})
"""What leads to something else as a part of an address."""

LONGEST = 2000
"""Characters of a federated identifier."""


def federated(upstream: str, identifier: str) -> str:
    """What a thing of a back-end is called here.

    Characters that the API does not allow become ``~`` and two hexadecimal digits for each byte of UTF-8, so that
    whatever a back-end calls its things comes back to it unchanged.
    """
    coded = "".join(
        each
        if _SAFE.match(each)
        else "".join(f"~{byte:02x}" for byte in each.encode("utf-8", "surrogatepass"))
        for each in identifier
    )
    return f"{upstream}~{coded}"


def parsed(identifier: str) -> tuple[str, str] | None:
    """Back-end, and what it calls the thing itself; None for what no thing can be called."""
    upstream, separator, coded = identifier.partition("~")
    if not separator or not upstream or len(identifier) > LONGEST or not _CODED.fullmatch(coded):
        return None
    data = b"".join(
        bytes.fromhex(part) if number % 2 else part.encode()
        for number, part in enumerate(_ESCAPED.split(coded))
    )
    try:
        original = data.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return None
    # One thing has one identifier only.
    return (upstream, original) if federated(upstream, original) == identifier else None
