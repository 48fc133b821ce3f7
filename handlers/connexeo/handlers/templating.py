"""The templates of this package."""

from __future__ import annotations

from importlib.resources import files

import jinja2


def read_template(name: str) -> str:
    """The text of a template, or of what is put into one."""
    return (files(__package__) / "templates" / name).read_text("utf-8")


def make_environment() -> jinja2.Environment:
    """An environment whose templates escape values, and may use none that are not there."""
    return jinja2.Environment(
        loader=jinja2.FunctionLoader(read_template),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
