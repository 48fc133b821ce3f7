from __future__ import annotations

import pytest

from connexeo.drivers.local.state.signing import Signer
from connexeo.drivers.local.stored_processes.permissions import Permissions, Shared

OLD, NEW = b"an old secret of the tests", b"a new secret of the tests"
THING = Shared("river~ana", "ndvi_mean")


def test_permissions_are_the_same_each_time_and_name_the_process() -> None:
    permissions = Permissions([NEW])
    permission = permissions.grant(THING)
    assert permission == Permissions([NEW]).grant(THING)
    assert permissions.read(permission) == THING
    assert permissions.grant(Shared("river~ana", "größe")) != permission
    assert permissions.read(permissions.grant(Shared("river~ana", "größe"))) == Shared("river~ana", "größe")


def test_former_secrets_are_believed() -> None:
    permission = Permissions([OLD]).grant(THING)
    assert Permissions([NEW, OLD]).read(permission) == THING
    assert Permissions([NEW]).read(permission) is None


@pytest.mark.parametrize("index", range(0, 60, 3))
def test_no_character_can_be_changed(index: int) -> None:
    permissions = Permissions([NEW])
    permission = permissions.grant(THING)
    other = "A" if permission[index] != "A" else "B"
    read = permissions.read(permission[:index] + other + permission[index + 1 :])
    assert read is None or read == THING  # the last bits of Base64 may mean nothing


@pytest.mark.parametrize("text", ["", ".", "..", "a", "a.b", "a.b.c", "é.b.c", "YQ.1.x", "x" * 100_000])
def test_anything_else_is_no_permission(text: str) -> None:
    assert Permissions([NEW]).read(text) is None


def test_permissions_for_other_purposes_are_worth_nothing() -> None:
    permission = Permissions([NEW]).grant(THING)
    named, _, signed = permission.partition(".")
    assert Signer([NEW], "processes", now=lambda: 0.0).is_valid("river~ana/ndvi_mean", signed)
    foreign, _ = Signer([NEW], "results").sign("river~ana/ndvi_mean", 2.0**40)
    assert Permissions([NEW]).read(f"{named}.{foreign}") is None


def test_addresses() -> None:
    permissions = Permissions([NEW])
    permission = permissions.grant(THING)
    for address in (
        f"https://openeo.example/api/v1/shared/processes/{permission}",
        f"http://127.0.0.1:8080/shared/processes/{permission}?x=1",
        f"/shared/processes/{permission}",
    ):
        assert permissions.read_address(address) == THING
    for address in (
        f"https://openeo.example/processes/{permission}",
        f"https://openeo.example/shared/processes/{permission}/more",
        f"https://openeo.example/?/shared/processes/{permission}",
        "http://[broken/shared/processes/x",
        "backend",
    ):
        assert permissions.read_address(address) is None
