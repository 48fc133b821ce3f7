from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from connexeo.fetch import Downloads, FetchFailed, FetchPolicy, FetchRefused, FetchTooLarge, patience

LOCAL = FetchPolicy(allow_private=True, timeout=20)


def test_each_file_comes_once(server: Any, tmp_path: Path) -> None:
    downloads = Downloads(LOCAL, lambda: tmp_path, 1000)
    one, other = server.answer("/a/b.TIF", b"1" * 400), server.answer("/c.tif?x=/../y", b"2" * 400)
    first = downloads.file(one)
    assert first == downloads.file(one)
    assert downloads.file(other).read_bytes() == b"2" * 400
    assert len(server.requests) == 2
    assert {path.suffix for path in tmp_path.iterdir()} == {".tif"}


def test_all_files_together_are_limited(server: Any, tmp_path: Path) -> None:
    downloads = Downloads(LOCAL, lambda: tmp_path, 1000)
    urls = [server.answer(f"/{number}", b"x" * 500) for number in range(3)]
    downloads.file(urls[0])
    downloads.file(urls[1])
    with pytest.raises(FetchTooLarge):
        downloads.file(urls[2])
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.parametrize("path", ["/x.tif%2F..%2F..%2Fsecret", "/noname", "/x.a%00b", "/x." + "y" * 300])
def test_copies_stay_in_the_folder(server: Any, tmp_path: Path, path: str) -> None:
    server.answer(path, b"x")
    folder = tmp_path / "copies"
    folder.mkdir()
    copy = Downloads(LOCAL, lambda: folder, 1000).file(server.url(path))
    assert copy.resolve().parent == folder.resolve()
    assert len(copy.name) < 20


def test_what_fails_for_a_moment_is_fetched_again(
    server: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patience, "FIRST_PAUSE", 0.01)
    url = server.answer("/busy.json", b"[1]")
    well = server.answers["/busy.json"]
    busy = b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n"
    downloads = Downloads(LOCAL, lambda: tmp_path, 1000)
    for get in (downloads.document, downloads.file):
        answers = [
            lambda connection: connection.sendall(busy),
            lambda connection: connection.close(),
            lambda connection: connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n["),
            well,
        ]
        server.answers["/busy.json"] = lambda connection, answers=answers: answers.pop(0)(connection)
        found = get(url)
        assert not answers
    assert found.read_bytes() == b"[1]"
    server.answer("/missing", status="404 Not Found")
    before = len(server.requests)
    with pytest.raises(FetchFailed):
        downloads.file(server.url("/missing"))
    assert len(server.requests) == before + 1
    monkeypatch.setattr(patience, "DEADLINE", 0.0)
    server.answer("/down", status="503 Busy")
    with pytest.raises(FetchFailed, match="503"):
        downloads.document(server.url("/down"))


def test_documents(server: Any, tmp_path: Path) -> None:
    url = server.answer("/item.json", b'{"id": "a"}')
    assert Downloads(LOCAL, lambda: tmp_path, 10).document(url) == {"id": "a"}
    guarded = Downloads(FetchPolicy(), lambda: tmp_path, 10)
    for get in (guarded.document, guarded.file):
        with pytest.raises(FetchRefused):
            get(url)
