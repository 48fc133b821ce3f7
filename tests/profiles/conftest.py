"""A server in production, with everything that the profiles ask for, and its users."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from oidc_issuer import OidcIssuer
from profiles.api import BASE_PATH, Api
from profiles.graphs import ndvi
from profiles.jobs import Job, complete_graph, create
from profiles.requirement import asked_by
from served import StartServer


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "requirement(number or cases): what of the API profiles a test shows")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Give tests the numbers of their requirements as ids."""
    mark = metafunc.definition.get_closest_marker("requirement")
    if mark is None:
        return
    asked = asked_by(mark)
    name = "case" if "case" in metafunc.fixturenames else "requirement_number"
    if name not in metafunc.fixturenames:
        metafunc.fixturenames.append(name)
    values = asked.values() if name == "case" else asked.keys()
    metafunc.parametrize(name, list(values), ids=[f"#{number}" for number in asked])


BILLING = {
    "currency": "EUR",
    "default_plan": "free",
    "plans": [
        {"name": "free", "description": "Costs nothing.", "paid": False},
        {
            "name": "paid",
            "description": "Costs what it takes.",
            "paid": True,
            "price_per_cpu_hour": 36.0,
            "price_per_megapixel": 1.0,
        },
    ],
}


DEVELOPMENT = {"url": "https://dev.river.example/openeo/1.3", "api_version": "1.3.0", "production": False}


@pytest.fixture(scope="session")
def api(
    start_lasting_server: StartServer, start_oidc_issuer: type[OidcIssuer], demo_data: Path
) -> Iterator[Api]:
    """The API that most requirements are about; users log in with OpenID Connect only."""
    issuer = start_oidc_issuer()
    server = start_lasting_server(
        catalogues=demo_data / "demo",
        base_path=BASE_PATH,
        oidc=json.dumps([issuer.provider()]),
        disabled="authenticate-basic",
        billing=json.dumps(BILLING),
        instances=json.dumps([DEVELOPMENT]),
        job_slots=2,
    )
    api = Api(server, issuer)
    yield api
    for client in api.clients:
        client.close()


@pytest.fixture(scope="session")
def anonymous(api: Api) -> httpx.Client:
    """A client without a token."""
    return api.anonymous()


@pytest.fixture(scope="module")
def user(api: Api) -> httpx.Client:
    """A client of a user who has nothing before the module."""
    return api.user()


@pytest.fixture(scope="session")
def finished(api: Api) -> Job:
    """A job that has finished, with everything that can be said of it."""
    job = create(
        api.user(),
        complete_graph(),
        title="Green in June",
        description="How *green* it is.",
        plan="paid",
        budget=1000,
        log_level="debug",
        river={"name": "Lech"},
    )
    job.describe()
    job.start()
    assert job.wait()["status"] == "finished", job.logs()
    return job


@pytest.fixture(scope="session")
def failed(api: Api) -> Job:
    """A job that has failed."""
    job = create(api.user(), ndvi(temporal_extent=["1950-01-01", "1951-01-01"]))
    job.describe()
    job.start()
    assert job.wait()["status"] == "error", job.logs()
    return job
