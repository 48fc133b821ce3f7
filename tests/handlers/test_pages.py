"""Texts in CommonMark, and addresses, on pages."""

from __future__ import annotations

import pytest

from connexeo.handlers.pages import commonmark, first_paragraph, web_address


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("plain", "<p>plain</p>"),
        ("**bold** `code`", "<p><strong>bold</strong> <code>code</code></p>"),
        ("<b>raw</b>", "<p>&lt;b&gt;raw&lt;/b&gt;</p>"),
        ("<script>\nx\n</script>", "<p>&lt;script&gt;\nx\n&lt;/script&gt;</p>"),
        ("[x](https://a.example)", '<p><a href="https://a.example">x</a></p>'),
        ("[x](javascript:alert)", "<p>[x](javascript:alert)</p>"),
        ("[x](#section/y)", "<p>x</p>"),
        ("![x](https://a.example/b.png)", '<p>!<a href="https://a.example/b.png">x</a></p>'),
        ("", ""),
    ],
)
def test_commonmark(text: str, html: str) -> None:
    assert commonmark(text).strip() == html


def test_first_paragraph_is_plain_text() -> None:
    assert first_paragraph("**a** & <b>\n\nsecond") == "a & <b>"


@pytest.mark.parametrize(
    ("href", "address"),
    [
        ("https://a.example", "https://a.example"),
        ("http://a.example", "http://a.example"),
        ("javascript:alert(1)", "#"),
        (" https://a.example", "#"),
        ("data:text/html,x", "#"),
        (None, "#"),
    ],
)
def test_web_address(href: object, address: str) -> None:
    assert web_address(href) == address
