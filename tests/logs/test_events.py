"""Events of structlog and of the standard library, in one format."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Iterator

import pytest
import structlog

from connexeo.logs import configure_logging, log_formatter
from connexeo.settings import Settings


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    """Logging is global: the other tests get it back as it was."""
    package = logging.getLogger("connexeo")
    handlers, level = package.handlers, package.level
    yield
    package.handlers = handlers
    package.setLevel(level)
    structlog.reset_defaults()


def test_both_kinds_of_loggers_write_json(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging(Settings(log_format="json"))
    structlog.get_logger("connexeo.test").warning("one", colour="red")
    logging.getLogger("connexeo.test").warning("two %s", "words")
    one, two = map(json.loads, capsys.readouterr().err.splitlines())
    assert (one["event"], one["colour"], one["level"]) == ("one", "red", "warning")
    assert (two["event"], two["level"]) == ("two words", "warning")
    assert one.keys() - {"colour"} == two.keys()


def test_text_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging(Settings(log_format="text"))
    logging.getLogger("connexeo.test").error("a message")
    (line,) = capsys.readouterr().err.splitlines()
    assert "a message" in line
    assert not line.startswith("{")


def test_level_holds_for_both(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging(Settings(log_level="error"))
    structlog.get_logger("connexeo.test").warning("one")
    logging.getLogger("connexeo.test").warning("two")
    assert capsys.readouterr().err == ""


def test_exceptions_are_logged_without_local_variables() -> None:
    password = "a long sentence"
    try:
        raise ValueError(len(password))
    except ValueError:
        record = logging.getLogger("gunicorn.error").makeRecord(
            "gunicorn.error", logging.ERROR, __file__, 1, "failed", (), exc_info=sys.exc_info()
        )
    line = log_formatter("json").format(record)
    assert json.loads(line)["exception"][0]["exc_type"] == "ValueError"
    assert password not in line
