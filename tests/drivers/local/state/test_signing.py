from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connexeo.drivers.local.state.signing import Signer

OLD, NEW, OTHER = b"old" * 8, b"new" * 8, b"other" * 8


def test_a_permission_is_for_one_thing_and_some_time() -> None:
    time = [1000.0]
    signer = Signer([NEW], "results", now=lambda: time[0])
    permission, expires = signer.sign("j-1/3", 60)
    assert expires == 1060
    assert signer.is_valid("j-1/3", permission)
    assert not signer.is_valid("j-1/4", permission)
    time[0] = 1059.9
    assert signer.is_valid("j-1/3", permission)
    time[0] = 1060
    assert not signer.is_valid("j-1/3", permission)


def test_its_end_cannot_be_moved() -> None:
    signer = Signer([NEW], "results", now=lambda: 1000.0)
    permission, _ = signer.sign("j-1", 60)
    moment, _, signature = permission.partition(".")
    assert not signer.is_valid("j-1", f"{int(moment, 16) + 1:x}.{signature}")


def test_a_secret_can_be_exchanged() -> None:
    before, _ = Signer([OLD], "results").sign("j-1", 60)
    rotated = Signer([NEW, OLD], "results")
    assert rotated.is_valid("j-1", before)
    after, _ = rotated.sign("j-1", 60)
    assert not Signer([OLD], "results").is_valid("j-1", after)
    assert not Signer([NEW], "results").is_valid("j-1", before)


def test_permissions_of_others_are_worth_nothing() -> None:
    permission, _ = Signer([NEW], "results").sign("j-1", 60)
    assert not Signer([OTHER], "results").is_valid("j-1", permission)
    assert not Signer([NEW], "processes").is_valid("j-1", permission)


@given(st.text())
def test_whatever_is_no_permission_is_refused(text: str) -> None:
    assert not Signer([NEW], "results").is_valid("j-1", text)


@pytest.mark.parametrize("text", ["", ".", "zz.x", "f" * 5000 + ".x", "ffffffff.\u00e9"])
def test_malformed(text: str) -> None:
    assert not Signer([NEW], "results").is_valid("j-1", text)
