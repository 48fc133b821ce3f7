"""The proxy by hand: ``python -m conformance.mutations --upstream URL --port N [--on id …]``, or ``--list``."""

from __future__ import annotations

import argparse

import uvicorn

from conformance.mutations.catalogue import DRESSES, faults
from conformance.mutations.proxy import Application
from conformance.mutations.serving import configuration
from conformance.mutations.upstream import Upstream


def main() -> None:
    """Run it until Ctrl-C."""
    parser = argparse.ArgumentParser(prog="python -m conformance.mutations", description=__doc__)
    parser.add_argument("--upstream", help="URL of the server that keeps the contract")
    parser.add_argument("--port", type=int, default=8099, help="port of loopback to listen on")
    parser.add_argument("--on", nargs="*", default=[], metavar="ID", help="faults to switch on at once")
    parser.add_argument(
        "--dress", choices=sorted(DRESSES), default="", help="what the answers shall look like"
    )
    parser.add_argument("--list", action="store_true", help="list the faults, and end")
    given = parser.parse_args()
    if given.list or not given.upstream:
        for fault in faults():
            print(f"{fault.id:42} {','.join(fault.layers):24} {fault.severity:9} {fault.title}")
        return
    application = Application(Upstream(given.upstream))
    application.switchboard.switch(given.on, given.dress)
    uvicorn.Server(configuration(application, given.port)).run()


if __name__ == "__main__":
    main()
