"""Fixtures for tests of whole runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from served import Server, StartServer, another_demo_server


@pytest.fixture(scope="session")
def demo_server(
    start_lasting_server: StartServer, demo_data: Path, tmp_path_factory: pytest.TempPathFactory
) -> Server:
    """A demo server of their own: the things that faults are shown with stay there."""
    return another_demo_server(start_lasting_server, demo_data, tmp_path_factory.mktemp("faults"))
