"""What a run says, until the database has it."""

from __future__ import annotations

from typing import Any

import pytest

from connexeo.drivers.local.jobs import messages as module
from connexeo.drivers.local.jobs.messages import Messages
from connexeo.drivers.local.jobs.queue import Job


def make(log_level: str = "info") -> Messages:
    return Messages(Job("j-1", "ana", 2, {}, log_level, None, next_log=5))


def entry(level: str, message: str, **more: Any) -> dict[str, Any]:
    return {"level": level, "message": message, "code": None, "data": None, "node": None, **more}


@pytest.mark.parametrize(
    ("log_level", "kept"),
    [("debug", "dive"), ("info", "ive"), ("warning", "ve"), ("error", "e")],
)
def test_less_severe_entries_are_dropped(log_level: str, kept: str) -> None:
    messages = make(log_level)
    for level, message in (("debug", "d"), ("info", "i"), ("warning", "v"), ("error", "e")):
        messages.log(entry(level, message))
    assert "".join(said["message"] for said in messages.report().entries) == kept


def test_entries_have_what_the_contract_has() -> None:
    messages = make()
    messages.log(entry("info", "look", code="User", data={"a": 1}, node="n1"))
    said = dict(messages.report().entries[0])
    assert said.pop("time").tzinfo is not None
    assert said == {
        "level": "info",
        "message": "look",
        "code": "User",
        "data": {"a": 1},
        "path": [{"node_id": "n1"}],
    }


def test_what_was_not_heard_is_said_again_with_the_same_numbers() -> None:
    messages = make()
    for number in range(3):
        messages.log(entry("info", str(number)))
    first = messages.report()
    messages.log(entry("info", "3"))
    assert (first.first, len(first.entries)) == (5, 3)
    assert messages.report().first == 5
    messages.heard(first)
    rest = messages.report()
    assert (rest.first, [said["message"] for said in rest.entries]) == (8, ["3"])


def test_logs_do_not_grow_forever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST", 5)
    messages = make()
    for number in range(10):
        messages.log(entry("info", str(number)))
    said = [entry["message"] for entry in messages.report(everything=True).entries]
    assert said == ["0", "1", "2", "3", "There are more log entries than are kept."]


def test_progress_is_not_complete_before_the_results_are() -> None:
    messages = make()
    for fraction, percent in ((0.0, 0.0), (0.1234, 12.3), (1.0, 99.9)):
        messages.progress(fraction)
        assert messages.report().progress == percent
