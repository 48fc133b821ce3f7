"""Where the sources of the contract are, and what belongs to them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from connexeo.tools.spec.documents import SpecError

MICROSERVICES = (
    "capabilities",
    "data_discovery",
    "process_discovery",
    "data_processing",
    "batch_jobs",
    "file_storage",
    "user_defined_processes",
    "secondary_services",
    "account_management",
)
"""The openEO microservices, in the order of the merged document."""


INSTALLED = "spec_sources"
"""Folder of the package ``connexeo.tools`` that a wheel carries the contract in."""


@dataclass(frozen=True, slots=True)
class SpecFolder:
    """The folder that the contract is written in."""

    root: Path

    @property
    def main(self) -> Path:
        """The root document: info, tags, security schemes."""
        return self.root / "openapi.yaml"

    @property
    def errors(self) -> Path:
        """The error codes."""
        return self.root / "errors.yaml"

    @property
    def schemas(self) -> list[Path]:
        """Fragments that several microservices share, by name."""
        return sorted((self.root / "schemas").glob("*.yaml"))

    @property
    def microservices(self) -> list[tuple[str, Path]]:
        """Fragments with paths: those of openEO first, further ones by name."""
        files = {path.stem: path for path in sorted((self.root / "microservices").glob("*.yaml"))}
        order = [name for name in MICROSERVICES if name in files]
        order += [name for name in files if name not in MICROSERVICES]
        return [(name, files[name]) for name in order]

    @property
    def processes(self) -> list[Path]:
        """Process definitions, by id."""
        return sorted((self.root / "processes").glob("*.yaml"))

    @property
    def profiles(self) -> Path:
        """What the openEO API profiles ask for."""
        return self.root / "profiles" / "api.yaml"

    def overlays(self, driver: str | None = None) -> list[Path]:
        """Overlays in the order of their names, then those in the folder that is named like the driver."""
        folder = self.root / "overlays"
        files = sorted(folder.glob("*.yaml"))
        if driver is not None and (folder / driver).is_dir():
            files += sorted((folder / driver).glob("*.yaml"))
        return files

    def driver_overlays(self) -> dict[str, list[Path]]:
        """Overlays that are merged for one driver only."""
        folders = sorted(path for path in (self.root / "overlays").glob("*") if path.is_dir())
        return {folder.name: sorted(folder.glob("*.yaml")) for folder in folders}

    def label(self, path: Path) -> str:
        """How messages name a file of the folder."""
        if path.is_relative_to(self.root):
            return f"spec/{path.relative_to(self.root).as_posix()}"
        return str(path)


def find_spec(folder: Path | None = None) -> SpecFolder:
    """The folder given, else the copy that comes with an installed package, else the one of the checkout.

    Raises:
        SpecError: when there is none.
    """
    here = Path(__file__).resolve()
    candidates = [folder] if folder else [here.parents[1] / INSTALLED, here.parents[4] / "spec"]
    for candidate in candidates:
        if (candidate / "openapi.yaml").is_file():
            return SpecFolder(candidate.resolve())
    if folder is not None:
        raise SpecError(f"{folder} is not a spec folder: it has no openapi.yaml")
    raise SpecError("no spec folder found; name one with --spec")


def spec_folder() -> Path:
    """Path of the contract's sources in use, for watching them.

    Raises:
        SpecError: when there are none.
    """
    return find_spec().root


def find_generated() -> Path:
    """The folder of the package ``connexeo.generated`` that belongs to this checkout.

    Raises:
        SpecError: when connexeo is installed without its sources.
    """
    folder = Path(__file__).resolve().parents[4] / "generated" / "connexeo" / "generated"
    if not folder.is_dir():
        raise SpecError("there is no checkout with a generated/ folder here; name the folder with --output")
    return folder
