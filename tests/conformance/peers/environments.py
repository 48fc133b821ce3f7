"""Virtual environments for software that is not ours, each made once in a cache folder."""

from __future__ import annotations

import subprocess
import sys
import venv
from pathlib import Path


def environment(cache: Path, name: str, *requirements: str) -> Path:
    """Python of a virtual environment that has these packages and nothing of ours.

    An environment whose requirements have changed is made anew; one that is there already costs nothing.
    """
    folder = cache / name
    python = folder / "bin" / "python"
    stamp = folder / "requirements.txt"
    wanted = "\n".join([f"# Python {sys.version_info.major}.{sys.version_info.minor}", *requirements])
    if stamp.exists() and stamp.read_text() == wanted:
        return python
    venv.create(folder, with_pip=True, clear=True)
    subprocess.run([python, "-m", "pip", "install", "-qq", *requirements], check=True, timeout=1200)
    stamp.write_text(wanted)
    return python
