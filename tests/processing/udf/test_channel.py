"""What is said to a sandbox and heard from it."""

from __future__ import annotations

import json
import os
import struct
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connexeo.processing.udf.channel import Channel, Ended, Garbled, TimeIsUp

SOON = 5.0


def nothing() -> None:
    """Nobody watches."""


@pytest.fixture
def channel() -> Iterator[Channel]:
    """A channel to itself."""
    source, target = os.pipe()
    yield Channel(target, source, nothing)
    for descriptor in (source, target):
        os.close(descriptor)


def heard(content: bytes) -> Any:
    """What is made of bytes, after which there are no more."""
    source, target = os.pipe()
    os.write(target, content)
    os.close(target)
    try:
        return Channel(os.dup(0), source, nothing).receive(time.monotonic() + SOON, 1000)
    finally:
        os.close(source)


def framed(header: Any, content: bytes = b"") -> bytes:
    text = json.dumps(header).encode()
    return struct.pack(">I", len(text)) + text + content


def test_what_is_sent_arrives(channel: Channel) -> None:
    arrays = [
        np.arange(6, dtype="f4").reshape(2, 3)[:, ::-1],
        np.array([], "M8[ns]"),
        np.array([True, False]),
    ]
    channel.send({"a": [1, None]}, arrays, time.monotonic() + SOON)
    header, received = channel.receive(time.monotonic() + SOON, 1000)
    assert header == {"a": [1, None]}
    for one, other in zip(arrays, received, strict=True):
        np.testing.assert_array_equal(one, other)
        assert one.dtype == other.dtype


@pytest.mark.parametrize(
    "content",
    [
        b"\xff\xff\xff\xff",
        struct.pack(">I", 3) + b"abc",
        framed([1]),
        framed({"arrays": 3}),
        framed({"arrays": [["O", [1]]]}),
        framed({"arrays": [["<f8", [-1]]]}),
        framed({"arrays": [["<f8", [2**50]]]}),
        framed({"arrays": [["<f8", [1] * 33]]}),
        framed({"arrays": [["<f8", [True]]]}),
        framed({"arrays": [["<f8", [126]]]}),
        struct.pack(">I", 60_000) + b"[" * 60_000,
    ],
    ids=lambda content: str(content[:40]),
)
def test_what_is_no_message(content: bytes) -> None:
    with pytest.raises(Garbled):
        heard(content)


def test_end_and_time(channel: Channel) -> None:
    with pytest.raises(Ended):
        heard(framed({"arrays": [["<f8", [2]]]}, b"\0" * 8))
    with pytest.raises(TimeIsUp):
        channel.receive(time.monotonic() + 0.01, 1000)
    with pytest.raises(TimeIsUp):
        channel.send({}, [np.zeros(10**6)], time.monotonic() + 0.05)


def test_booleans_are_zero_or_one() -> None:
    _, (array,) = heard(framed({"arrays": [["|b1", [2]]]}, b"\x07\x00"))
    assert array.view("u1").tolist() == [1, 0]


@settings(max_examples=30, deadline=None)
@given(st.binary(max_size=200))
def test_whatever_is_heard_is_a_message_or_refused(content: bytes) -> None:
    try:
        header, _ = heard(content)
    except (Garbled, Ended):
        return
    assert isinstance(header, dict)
