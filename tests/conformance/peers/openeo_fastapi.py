"""openeo-fastapi on loopback: its own template of a back-end, a PostgreSQL, a STAC API and an OpenID Connect issuer.

Run ``python -m conformance.peers.openeo_fastapi --port 8300`` in ``tests/``.
"""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterator
from pathlib import Path

from conformance.peers.catalogue import serve_catalogue
from conformance.peers.environments import environment
from conformance.peers.serving import Peer, process, run
from oidc_issuer import PUBLIC, OidcIssuer

# With SQLAlchemy 2.1 its database URL asks for a driver that it does not install.
REQUIREMENTS = ("openeo-fastapi==2026.8.3", "sqlalchemy<2.1", "pgserver==0.1.4")
PREFIX = "/openeo/1.1.0"
"""The default of its settings."""

APPLICATION = '''\
"""What openeo-fastapi leaves to a deployment: formats, plans, and a database with the tables."""

import os
from pathlib import Path

import pgserver
from fastapi import FastAPI
from openeo_fastapi.api.app import OpenEOApi
from openeo_fastapi.api.types import Billing, FileFormat, GisDataType, Link, Plan
from openeo_fastapi.client.core import OpenEOCore
from openeo_fastapi.client.psql import models
from openeo_fastapi.client.psql.engine import get_engine
from openeo_fastapi.client.psql.settings import BASE

folder = Path(os.environ["PEER_DATABASE"])
database = pgserver.get_server(folder)
os.environ["POSTGRES_DB"] = f"postgres?host={folder}"
BASE.metadata.create_all(get_engine())

formats = [FileFormat(title="GTiff", gis_data_types=[GisDataType("raster")], parameters={})]
links = [Link(href="https://eodc.eu/", rel="about", type="text/html", title="Homepage of the service provider")]
plans = [Plan(name="user", description="Subscription plan.", paid=True)]
billing = Billing(currency="credits", default_plan="user", plans=plans)
client = OpenEOCore(input_formats=formats, output_formats=formats, links=links, billing=billing)
app = OpenEOApi(client=client, app=FastAPI()).app
'''


@contextlib.contextmanager
def openeo_fastapi(cache: Path, data: Path, port: int) -> Iterator[Peer]:
    """Start openeo-fastapi."""
    python = environment(cache, "openeo-fastapi", *REQUIREMENTS)
    (data / "peer_application.py").write_text(APPLICATION)
    host = f"127.0.0.1:{port}"
    with contextlib.ExitStack() as stack:
        issuer = OidcIssuer(
            lifetime=86_400, userinfo={name: {"email": f"{name}@river.example"} for name in ("ana", "ben")}
        )
        stack.callback(issuer.close)
        settings = {
            "API_DNS": host,
            "API_TLS": "False",
            "API_TITLE": "openeo-fastapi",
            "API_DESCRIPTION": "The template of openeo-fastapi.",
            "OIDC_URL": issuer.url,
            "OIDC_ORGANISATION": "river",
            "OIDC_PROVIDER_TITLE": "River ID",
            "OIDC_CLIENT_ID": PUBLIC,
            "STAC_API_URL": stack.enter_context(serve_catalogue(data / "catalogue")),
            "POSTGRES_USER": "postgres",
            "POSTGRES_PASSWORD": "postgres",
            "POSTGRESQL_HOST": "",
            "POSTGRESQL_PORT": "5432",
            "PEER_DATABASE": str(data / "database"),
            "ALEMBIC_DIR": str(data),
        }
        stack.callback(_stop_database, data / "database")
        command = [
            str(python),
            "-m",
            "uvicorn",
            "peer_application:app",
            "--host",
            "127.0.0.1",
            "--port",
            str(port),
        ]
        stack.enter_context(process(command, f"http://{host}{PREFIX}/", data, settings))
        yield Peer(
            f"http://{host}{PREFIX}",
            f"oidc/river/{issuer.jwt('ana')}",
            f"oidc/river/{issuer.jwt('ben')}",
            issuer=issuer.url,
        )


def _stop_database(folder: Path) -> None:
    # It is started as a process of its own, and uvicorn ends by the signal without a chance to stop it.
    written = folder / "postmaster.pid"
    if written.exists():
        os.kill(int(written.read_text().split()[0]), signal.SIGINT)


if __name__ == "__main__":
    run(openeo_fastapi, "Start openeo-fastapi for tests.")
