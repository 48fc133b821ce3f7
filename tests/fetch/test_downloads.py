from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from connexeo.fetch import Downloads, FetchPolicy, FetchRefused, FetchTooLarge

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


def test_documents(server: Any, tmp_path: Path) -> None:
    url = server.answer("/item.json", b'{"id": "a"}')
    assert Downloads(LOCAL, lambda: tmp_path, 10).document(url) == {"id": "a"}
    guarded = Downloads(FetchPolicy(), lambda: tmp_path, 10)
    for get in (guarded.document, guarded.file):
        with pytest.raises(FetchRefused):
            get(url)
