"""A part that could not load what another one has made is tried once more, with another address."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from .conftest import Office

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    ("attributes", "status", "tries"),
    [({"blamed": "c"}, "finished", 2), ({"blamed": "j"}, "error", 1), ({"blamed": None}, "error", 1)],
)
async def test_what_the_log_blames(
    office: Office, attributes: dict[str, Any], status: str, tries: int
) -> None:
    alps = office.asking.upstreams["alps"]
    alps.outcomes = [("error", "ProcessParameterInvalid")]
    for name, value in attributes.items():
        setattr(alps, name, value)
    job_id = await office.order()
    await office.work()
    assert await office.status(job_id) == status
    assert (len(alps.started), len(alps.jobs)) == (tries, 1)
    assert len(office.asking.upstreams["coast"].started) == 1


async def _failed_at_the_join(office: Office) -> str:
    """A job whose primary part runs, and is going to fail."""
    alps = office.asking.upstreams["alps"]
    alps.outcomes = [("error", "ProcessParameterInvalid")]
    job_id = await office.order()
    while not alps.started:
        await office.step()
    return job_id


async def test_an_address_that_has_expired(office: Office) -> None:
    job_id = await _failed_at_the_join(office)
    office.asking.upstreams["coast"].expired = True
    await office.work()
    assert await office.status(job_id) == "finished"
    assert any(each.endswith("broken It is tried once more.") for each in await office.messages(job_id))


async def test_a_back_end_that_was_away_when_its_results_were_loaded(office: Office) -> None:
    alps, coast = office.asking.upstreams["alps"], office.asking.upstreams["coast"]
    job_id = await _failed_at_the_join(office)
    coast.offline = True
    for _ in range(4):
        await office.step()
    assert (await office.status(job_id), len(alps.started)) == ("running", 1)
    assert "The part 'main' waits for 'coast': cannot be reached." in await office.messages(job_id)
    coast.offline = False
    await office.work()
    assert (await office.status(job_id), len(alps.started)) == ("finished", 2)
    assert len(coast.started) == 1
