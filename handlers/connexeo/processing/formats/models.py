"""Machine learning models as files, with the fields of STAC's ML Model Extension 1.0."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from connexeo.generated.errors import FormatUnsuitable
from connexeo.processing.forest_files import MEDIA_TYPE, SUFFIX, write_forest
from connexeo.processing.forests import Forest
from connexeo.processing.formats.interface import Options, WrittenFile
from connexeo.processing.formats.storage import storing

CHECKPOINT = "ml-model:checkpoint"
"""Role of the asset that is the model."""


def check(data: Any, options: Options) -> None:
    """See `Format`."""
    if not isinstance(data, Forest):
        raise FormatUnsuitable("Only machine learning models are saved as such.")


def write(data: Any, folder: Path, stem: str, options: Options) -> list[WrittenFile]:
    """See `Format`."""
    path = folder / f"{stem}{SUFFIX}"
    with storing():
        write_forest(data, path)
    described = {
        "ml-model:type": "ml-model",
        "ml-model:learning_approach": "supervised",
        "ml-model:prediction_type": data.task,
        "ml-model:architecture": "random-forest",
    }
    return [WrittenFile(path, MEDIA_TYPE, ("data", CHECKPOINT), extra=described)]
