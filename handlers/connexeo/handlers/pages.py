"""HTML pages: templates, texts in CommonMark, and the headers that keep scripts of others out.

Pages are self-contained: style and script are inlined, and the Content-Security-Policy allows exactly these by
their hashes. So whatever a collection's title holds, it cannot run.
"""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any
from urllib.parse import urlsplit

import jinja2
from markdown_it import MarkdownIt
from markupsafe import Markup
from starlette.responses import HTMLResponse

from connexeo.handlers.context import Service
from connexeo.handlers.templating import make_environment, read_template


@dataclass(frozen=True, slots=True)
class _Templates:
    environment: jinja2.Environment
    policy: str
    """Content-Security-Policy, but for where the script may connect to."""


def render_page(template: str, service: Service, **values: Any) -> HTMLResponse:
    """A page from one of our templates."""
    templates = _templates()
    text = templates.environment.get_template(template).render(service=service, **values)
    return HTMLResponse(
        text,
        headers={
            "Content-Security-Policy": f"{templates.policy}; connect-src {_connect_source(service)}",
            "Referrer-Policy": "no-referrer",
        },
    )


@lru_cache(maxsize=4096)
def commonmark(text: str) -> Markup:
    """CommonMark as HTML; raw HTML is shown as text, and so are links that lead nowhere or run scripts."""
    html = _commonmark().render(text)
    # Texts of the contract link to sections of the published document, which the page does not have.
    return Markup(re.sub(r'<a href="#[^"]*"[^>]*>(.*?)</a>', r"\1", html))  # noqa: S704 (the renderer escapes)


def first_paragraph(text: str) -> str:
    """The beginning of a CommonMark text, without markup."""
    return commonmark(text.strip().split("\n\n", 1)[0]).striptags()


def web_address(href: object) -> str:
    """An address that is safe to click on: anything but http(s) leads nowhere."""
    text = str(href)
    return text if text.startswith(("http://", "https://")) else "#"


@cache
def _commonmark() -> MarkdownIt:
    # Pictures would be fetched from elsewhere.
    return MarkdownIt("commonmark", {"html": False}).disable("image")


@cache
def _templates() -> _Templates:
    style = read_template("page.css")
    script = read_template("page.js")
    environment = make_environment()
    environment.filters.update(commonmark=commonmark, web_address=web_address)
    environment.globals.update(style=Markup(style), script=Markup(script))  # noqa: S704 (our own files)
    policy = (
        f"default-src 'none'; style-src '{_hash(style)}'; script-src '{_hash(script)}'; img-src data:; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    return _Templates(environment, policy)


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _connect_source(service: Service) -> str:
    """Where the page may fetch more collections from; never taken from the request, which anybody may forge."""
    public_url = service.settings.public_url
    if public_url is None:
        return "'self'"
    parts = urlsplit(public_url)
    return f"'self' {parts.scheme}://{parts.netloc}"
