"""Overlays that the settings name must be in the contract already: a web worker merges nothing.

``connexeo serve`` and ``connexeo spec build`` merge, and write down in the document what they merged. Without this
check a server that is started in another way would silently serve a contract without its overlays.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from connexeo.server.contract import Contract

APPLIED = "x-connexeo-overlays"
"""Extension of ``info`` with title and version of each overlay that a document has been through."""


def require_overlays(contract: Contract, overlays: Sequence[Path]) -> None:
    """Refuse a contract that has not been through these overlays.

    Raises:
        ValueError: naming the overlays that are missing in it, or one that cannot be read.
    """
    applied = contract.document["info"].get(APPLIED, ())
    missing = [str(path) for path in overlays if _identity(path) not in applied]
    if missing:
        raise ValueError(
            f"the contract has not been through the overlays {', '.join(missing)}; start the server with "
            "`connexeo serve`, or merge them with `connexeo spec build --overlay` and set `contract` to the result"
        )


def _identity(path: Path) -> str:
    import yaml  # few deployments have overlays

    try:
        info = yaml.safe_load(path.read_bytes())["info"]
        return f"{info['title']} {info['version']}"
    except OSError as error:
        raise ValueError(f"the overlay {path} cannot be read: {error.strerror}") from error
    except (yaml.YAMLError, TypeError, KeyError) as error:
        raise ValueError(f"{path} is not an overlay document with a title and a version") from error
