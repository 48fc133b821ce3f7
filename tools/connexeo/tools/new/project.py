"""What a new project consists of: templates, rendered and then written all at once or not at all."""

from __future__ import annotations

import importlib.metadata
import keyword
import re
import secrets
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

SUFFIX = ".jinja"

_FILES = {
    "gitignore.jinja": ".gitignore",
    "README.md.jinja": "README.md",
    "connexeo.toml.jinja": "connexeo.toml",
    "pyproject.toml.jinja": "pyproject.toml",
    "overlay.yaml.jinja": "overlays/{project}.yaml",
    "package/__init__.py.jinja": "{package}/__init__.py",
    "package/py.typed": "{package}/py.typed",
    "package/driver.py.jinja": "{package}/driver.py",
    "package/handlers/__init__.py.jinja": "{package}/handlers/__init__.py",
    "package/handlers/greetings.py.jinja": "{package}/handlers/greetings.py",
    "package/catalogue/collection.json.jinja": "{package}/catalogue/heights/collection.json",
    "package/catalogue/item.json.jinja": "{package}/catalogue/heights/2025-06-01.json",
    "package/catalogue/heights.tif": "{package}/catalogue/heights/2025-06-01.tif",
    "tests/test_api.py.jinja": "tests/test_api.py",
}
"""Template → place in the project. Templates end with ``.jinja``; other files are copied as they are."""

_NAME = re.compile(r"[a-z][a-z0-9]*([-_][a-z0-9]+)*")
_LONGEST = 64
_TAKEN = frozenset({"connexeo", "overlays", "test", "tests"})


class ProjectError(ValueError):
    """A project cannot be made as asked; the message is for the user."""


@dataclass(frozen=True, slots=True)
class Project:
    """The names that templates are rendered with."""

    name: str
    """Of the project, such as ``my-backend``; part of URLs and ids."""
    package: str
    """Of its Python package, such as ``my_backend``."""
    title: str
    """For people, such as ``My backend``."""

    @classmethod
    def named(cls, name: str) -> Project:
        """The project of a name.

        Raises:
            ProjectError: when the name cannot be that of a project and of a Python package.
        """
        package = name.replace("-", "_")
        if not _NAME.fullmatch(name) or len(name) > _LONGEST:
            raise ProjectError(
                f"'{name}' cannot be the name of a project: it starts with a letter and has up to {_LONGEST} "
                "characters a-z and 0-9, with single hyphens or underscores between them"
            )
        if keyword.iskeyword(package) or package in sys.stdlib_module_names or package in _TAKEN:
            raise ProjectError(
                f"'{name}' cannot be the name of a project: Python or connexeo uses it already"
            )
        owners = importlib.metadata.packages_distributions().get(package, [])
        if owners and not _is_driver(package):
            raise ProjectError(
                f"'{name}' cannot be the name of a project: {owners[0]} has a package {package}"
            )
        return cls(name, package, re.sub(r"[-_]", " ", name).capitalize())


def _is_driver(package: str) -> bool:
    """Whether a package is a project like ours, which may be made again."""
    drivers = importlib.metadata.entry_points(group="connexeo.drivers")
    return any(driver.value.startswith(f"{package}.") for driver in drivers)


def render_project(project: Project) -> dict[str, bytes]:
    """Path in the project → content."""
    from jinja2 import Environment, StrictUndefined

    # What is rendered is code and configuration, and the names have been checked: nothing is to be escaped.
    environment = Environment(undefined=StrictUndefined, keep_trailing_newline=True, autoescape=False)  # noqa: S701
    values = {
        "project": project.name,
        "package": project.package,
        "title": project.title,
        "version": importlib.metadata.version("connexeo"),
    }
    templates = files(__package__) / "templates"
    rendered = {}
    for source, target in _FILES.items():
        content = templates.joinpath(source).read_bytes()
        if source.endswith(SUFFIX):
            content = environment.from_string(content.decode()).render(values).encode()
        rendered[target.format(project=project.name, package=project.package)] = content
    return rendered


def write_project(project: Project, folder: Path) -> None:
    """Write a project to a folder that does not exist yet, or is empty.

    The files appear in it complete: they are written beside their places and moved.

    Raises:
        ProjectError: when the folder is in use.
        OSError: when it cannot be written; nothing is left behind.
    """
    contents = render_project(project)
    folder = folder.absolute()
    if folder.exists() or folder.is_symlink():
        if not folder.is_dir():
            raise ProjectError(f"{folder} is not a folder")
        if any(folder.iterdir()):
            raise ProjectError(f"the folder {folder} is not empty")
        _fill(folder, contents)
        return
    folder.parent.mkdir(parents=True, exist_ok=True)
    draft = _draft(folder.parent)
    try:
        _write(draft, contents)
        draft.rename(folder)
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise


def _fill(folder: Path, contents: Mapping[str, bytes]) -> None:
    """Fill a folder that stays the same one: it may be the working directory of a shell."""
    draft = _draft(folder)
    moved: list[Path] = []
    try:
        _write(draft, contents)
        for entry in sorted(draft.iterdir()):
            place = folder / entry.name
            entry.rename(place)
            moved.append(place)
        draft.rmdir()
    except BaseException:
        for entry in (draft, *moved):
            if entry.is_dir():
                shutil.rmtree(entry, ignore_errors=True)
            else:
                entry.unlink(missing_ok=True)
        raise


def _draft(parent: Path) -> Path:
    # Not by tempfile: its folders are closed to others, and this one becomes the project.
    draft = parent / f".connexeo-new-{secrets.token_hex(4)}"
    draft.mkdir()
    return draft


def _write(folder: Path, contents: Mapping[str, bytes]) -> None:
    for name, content in contents.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
