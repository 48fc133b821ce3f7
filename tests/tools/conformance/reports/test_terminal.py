import io
from dataclasses import replace

import pytest
from rich.console import Console

from connexeo.tools.conformance.report import Report
from connexeo.tools.conformance.reports.terminal import TerminalProgress, print_report


def printed(report: Report, width: int = 80, *, details: bool = True) -> str:
    stream = io.StringIO()
    print_report(report, Console(file=stream, width=width, highlight=False), details=details)
    return stream.getvalue()


def test_the_worst_comes_last_before_the_summary(bad: Report) -> None:
    text = printed(bad)
    assert text.index("MINOR") < text.index("MAJOR") < text.index("CRITICAL") < text.index("layer ")
    assert "Findings: 1 critical, 1 major, 1 minor" in text


def test_text_of_back_ends_is_no_markup(bad: Report) -> None:
    assert "[bold]markup[/bold]" in printed(bad)


@pytest.mark.parametrize("width", [80, 140])
def test_tables_keep_to_the_terminal(bad: Report, width: int) -> None:
    text = printed(bad, width)
    tables = text[text.index("layer ") : text.index("Cloud a")]
    assert max(map(len, tables.splitlines())) <= width


def test_evidence_can_be_left_out(bad: Report) -> None:
    assert "curl" in printed(bad)
    assert "curl" not in printed(bad, details=False)


def test_what_could_not_be_told_is_told(bad: Report) -> None:
    text = printed(bad)
    assert "4 of 8 checks say something about it, 1 are kept." in text
    assert "1 not testable: nobody can tell from outside" in text
    assert "left over, please remove: job" in text
    assert "The run did not come to its end" in text


def test_nothing_wrong_is_said_too(good: Report, bad: Report) -> None:
    assert "Nothing wrong was found." in printed(good)
    known = tuple(
        replace(each, findings=tuple(replace(finding, known=True) for finding in each.findings))
        for each in bad.results
    )
    text = printed(replace(bad, results=known))
    assert "Nothing wrong was found. 3 more in the baseline." in text
    assert "MAJOR" not in text


def test_progress_says_nothing_where_there_is_no_terminal(bad: Report) -> None:
    stream = io.StringIO()
    progress = TerminalProgress(Console(file=stream))
    progress.started(2)
    progress.running(bad.results[0].check)
    progress.finished(bad.results[0])
    progress.said("removing 2 things")
    progress.stop()
    assert stream.getvalue() == ""
    progress.said("interrupted")
    assert stream.getvalue() == "interrupted\n"
