"""What process graphs of the local driver run in: collections, process definitions, process functions."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from connexeo.drivers.local.computing.udfs import can_run_udfs
from connexeo.generated import load_processes
from connexeo.processing.definitions import Definitions
from connexeo.processing.environment import Environment
from connexeo.processing.registry import implemented

if TYPE_CHECKING:
    from connexeo.drivers.local.catalogue import Catalogue
    from connexeo.settings import Settings


@dataclass(frozen=True)
class Sources:
    """Where collections and processes come from; small enough to be handed to another process."""

    catalogues: tuple[str, ...] = ()
    """Folders and STAC API URLs."""
    process_modules: tuple[str, ...] = ()
    """Modules with further process functions."""
    process_definitions: tuple[str, ...] = ()
    """Folders with further process definitions."""
    stac_folders: tuple[str, ...] = ()
    """Folders that users may load STAC from by paths."""
    udfs: bool = True
    """Whether code of users can run."""

    @classmethod
    def from_settings(cls, settings: Settings) -> Sources:
        """As the deployment's settings say, the demo included."""
        demo = (str(demo_folder(settings)),) if settings.demo else ()
        return cls(
            catalogues=(*settings.catalogues, *demo),
            process_modules=settings.process_modules,
            process_definitions=tuple(str(folder.resolve()) for folder in settings.process_definitions),
            stac_folders=tuple(str(folder.resolve()) for folder in settings.stac_folders),
            udfs=can_run_udfs(settings),
        )

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Sources:
        """The sources that ``dataclasses.asdict`` made JSON of."""
        names: dict[str, Any] = {key: tuple(each) for key, each in value.items() if isinstance(each, list)}
        return cls(**names, udfs=value.get("udfs", True))


def demo_folder(settings: Settings) -> Path:
    """Where the demo collections are written."""
    return settings.data.resolve() / "demo"


def make_environment(sources: Sources, *, log: Callable[[Any], None]) -> Environment:
    """An environment for one evaluation.

    Args:
        sources: Where collections and processes come from.
        log: Takes the log entries that processes write.
    """
    return Environment(
        catalogue=_catalogue(sources.catalogues),
        process_modules=sources.process_modules,
        definitions=load_definitions(sources),
        log=log,
    )


@lru_cache(maxsize=4)
def _catalogue(sources: tuple[str, ...]) -> Catalogue:
    """One catalogue for all evaluations of a process: it knows by itself when files have changed."""
    from connexeo.drivers.local.catalogue import Catalogue

    return Catalogue(sources)


@cache
def load_definitions(sources: Sources) -> Definitions:
    """The processes that are both defined and implemented; definitions of the deployment precede ours.

    Raises:
        ValueError: when a definition of the deployment cannot be read.
    """
    ours = {definition["id"]: definition for definition in load_processes()}
    if sources.stac_folders:
        ours["load_stac"] = _with_paths(ours["load_stac"])
    theirs = {definition["id"]: definition for definition in _further_definitions(sources)}
    possible = implemented(sources.process_modules) - (frozenset() if sources.udfs else {"run_udf"})
    return Definitions({**ours, **theirs}.values()).restricted_to(possible)


def _with_paths(definition: dict[str, Any]) -> dict[str, Any]:
    """The definition of `load_stac` whose address may be a path."""
    url, *others = definition["parameters"]
    schema = {
        key: value for key, value in url["schema"].items() if key not in ("pattern", "format", "subtype")
    }
    told = (
        f"{url['description']}\n\nThis back-end also takes absolute paths of STAC in some of its own folders."
    )
    return {**definition, "parameters": [{**url, "schema": schema, "description": told}, *others]}


def _further_definitions(sources: Sources) -> Iterator[dict[str, Any]]:
    for folder in map(Path, sources.process_definitions):
        if not folder.is_dir():
            raise ValueError(f"the folder {folder} of process definitions does not exist")
        for path in sorted(folder.iterdir()):
            if path.suffix in (".json", ".yaml", ".yml"):
                definition = _read(path)
                if not isinstance(definition, dict) or definition.get("id") != path.stem:
                    raise ValueError(f"{path.name} must define the process '{path.stem}'")
                yield definition


def _read(path: Path) -> Any:
    if path.suffix == ".json":
        return orjson.loads(path.read_bytes())
    import yaml

    try:
        return yaml.safe_load(path.read_bytes())
    except yaml.YAMLError as error:
        raise ValueError(f"{path.name} is not valid YAML: {error}") from error
