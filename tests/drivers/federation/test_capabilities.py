"""General information about a federation."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any, cast

import pytest

from connexeo.drivers.federation.capabilities import FederatedCapabilities
from connexeo.drivers.federation.views.loading import EntriesView
from connexeo.drivers.interface import Selective
from connexeo.generated.errors import FeatureUnsupported


class Known:
    """Snapshots with some runtimes."""

    def __init__(self, entries: dict[str, Any] | None, missing: list[str], heard: tuple[str, ...]) -> None:
        self._entries, self._missing, self._heard = entries, missing, frozenset(heard)

    async def wait_for(self, kind: str, deadline: float) -> None:
        pass

    def view(self, kind: str) -> EntriesView | None:
        return None if self._entries is None else EntriesView(self._heard, self._entries, {}, {})

    def missing(self, kind: str) -> list[str]:
        return self._missing


def made(entries: dict[str, Any] | None, missing: list[str], *heard: str) -> FederatedCapabilities:
    members = SimpleNamespace(federation=SimpleNamespace(deadline=1.0))
    return FederatedCapabilities(
        cast(Any, members), cast(Any, Known(entries, missing, heard)), cast(Any, None), cast(Any, None)
    )


@pytest.mark.parametrize("missing", [[], ["alps"]])
def test_without_any_runtimes_there_is_no_list_of_them(missing: list[str]) -> None:
    capabilities = made({}, missing, "alps", "coast")
    assert isinstance(capabilities, Selective)
    assert list(capabilities.idle()) == ["/udf_runtimes"]
    with pytest.raises(FeatureUnsupported):
        asyncio.run(capabilities.list_udf_runtimes(None))


@pytest.mark.parametrize(
    ("entries", "missing"),
    [({"Python": {}}, []), ({"Python": {}}, ["alps"]), ({}, ["alps"]), (None, ["alps"])],
)
def test_as_long_as_there_may_be_some_there_is(entries: dict[str, Any] | None, missing: list[str]) -> None:
    capabilities = made(entries, missing)
    assert list(capabilities.idle()) == []
    assert asyncio.run(capabilities.list_udf_runtimes(None)) == (entries or {})
