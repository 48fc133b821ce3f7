"""Federated identifiers."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connexeo.drivers.federation.identifiers import LONGEST, federated, parsed

UPSTREAMS = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_-]{0,39}", fullmatch=True)


@given(UPSTREAMS, st.text(min_size=1, max_size=150))
def test_whatever_a_back_end_calls_its_things_comes_back(upstream: str, identifier: str) -> None:
    made = federated(upstream, identifier)
    assert re.fullmatch(r"[\w\-.~]+", made, re.ASCII)
    assert parsed(made) == (upstream, identifier)


@given(st.text(max_size=60) | st.text("abc~0123456789abcdefAF.", max_size=30))
def test_a_thing_has_one_identifier(identifier: str) -> None:
    found = parsed(identifier)
    assert found is None or federated(*found) == identifier


@pytest.mark.parametrize(
    "identifier", ["", "a", "~b", "a~", "a~b c", "a~~ff", "a~~FF", "a~~41", "a~" + "b" * LONGEST, "a~~é"]
)
def test_what_nothing_can_be_called(identifier: str) -> None:
    assert parsed(identifier) is None
