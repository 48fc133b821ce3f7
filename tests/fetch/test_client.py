from __future__ import annotations

import asyncio
import datetime
import gzip
import ipaddress
import pickle
import socket
import ssl
import threading
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from connexeo.fetch import (
    FetchError,
    FetchFailed,
    FetchPolicy,
    FetchRefused,
    FetchTimeout,
    FetchTooLarge,
    GuardedClient,
)

client = GuardedClient(FetchPolicy(allow_private=True, timeout=20, max_bytes=1000))
strict = GuardedClient(FetchPolicy(timeout=20))


def test_get_bytes(server: Any) -> None:
    url = server.answer("/a", b"hello", X_Test="1")
    answer = client.get_bytes(url, {"X-Asked": "yes"})
    assert (answer.url, answer.status, answer.body) == (url, 200, b"hello")
    assert answer.headers["x-test"] == "1"
    assert "x-asked: yes" in server.requests[0].lower()
    assert f"host: 127.0.0.1:{server.port}" in server.requests[0].lower()


def test_asynchronous_twins(server: Any) -> None:
    url = server.answer("/a", b'{"a": [1, null]}')

    async def fetch() -> None:
        assert (await client.aget_bytes(url)).status == 200
        assert await client.aget_json(url) == {"a": [1, None]}
        assert client.get_json(url) == {"a": [1, None]}  # waits, but works beside a running loop

    asyncio.run(fetch())


def test_status_is_an_answer_but_not_for_json(server: Any) -> None:
    url = server.answer("/a", b"{}", status="404 Not Found")
    assert client.get_bytes(url).status == 404
    with pytest.raises(FetchFailed) as raised:
        client.get_json(url)
    assert raised.value.status == 404


@pytest.mark.parametrize("body", [b"", b"<html>", b"\xff", b'{"a": NaN}', b"[" * 900])
def test_not_json(server: Any, body: bytes) -> None:
    with pytest.raises(FetchFailed, match="not JSON"):
        client.get_json(server.answer("/a", body))


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "localhost",
        "127.1",
        "0x7f000001",
        "0x7f.1",
        "2130706433",
        "0177.0.0.1",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[0:0:0:0:0:ffff:7f00:0001]",
        "[64:ff9b::7f00:1]",
        "[2002:7f00:1::]",
        "127.0.0.1.",
        "①②⑦.⓪.⓪.①",
        "0",
        "0.0.0.0",
        "[::]",
        "169.254.169.254",
        "2852039166",
        "10.0.0.1",
        "[fd00:ec2::254]",
        "[fe80::1]",
        "224.0.0.1",
    ],
)
def test_spellings_of_forbidden_addresses(server: Any, host: str) -> None:
    server.answer("/a", b"secret")
    # Some spellings are refused by the resolver before an address is known.
    with pytest.raises((FetchRefused, FetchFailed), match=r"not allowed|cannot be resolved|malformed"):
        strict.get_bytes(server.url("/a", host))
    assert server.requests == []


@pytest.mark.parametrize("host", ["0.0.0.0", "169.254.169.254", "[fe80::1]", "224.0.0.1", "[::]"])
def test_some_addresses_are_forbidden_even_where_private_ones_are_allowed(server: Any, host: str) -> None:
    with pytest.raises(FetchRefused):
        client.get_bytes(server.url("/a", host))


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd",
        "ftp://127.0.0.1/",
        "gopher://127.0.0.1/",
        "//127.0.0.1/",
        "127.0.0.1",
        "",
        "http://",
        "http:///a",
        "http://user:password@127.0.0.1/",
        "http://user@127.0.0.1/",
        "http://127.0.0.1:99999/",
        "http://127.0.0.1:x/",
        "http://exa mple/",
        "http://[::1/",
        "http://127.0.0.1/\r\nX: y",
    ],
)
def test_malformed_and_forbidden_urls(url: str) -> None:
    with pytest.raises(FetchRefused) as raised:
        client.get_bytes(url)
    assert "password" not in str(raised.value).replace("user name or password", "")


def test_scheme_can_be_restricted(server: Any) -> None:
    policy = FetchPolicy(schemes=frozenset({"https"}), allow_private=True)
    with pytest.raises(FetchRefused):
        GuardedClient(policy).get_bytes(server.answer("/a"))


def test_redirects_are_followed(server: Any) -> None:
    end = server.answer("/end", b"here")
    server.answer("/middle", status="307 Temporary Redirect", Location="end")
    start = server.answer("/start", b"x" * 5000, status="301 Moved", Location="/middle")
    answer = client.get_bytes(start, {"Authorization": "Bearer a"})
    assert (answer.url, answer.body) == (end, b"here")
    assert "Bearer a" in server.requests[2]


def test_endless_redirects(server: Any) -> None:
    with pytest.raises(FetchRefused, match="redirects"):
        client.get_bytes(server.answer("/a", status="302 Found", Location="/a"))
    assert len(server.requests) == client.policy.max_redirects + 1


@pytest.mark.parametrize(
    "location", ["http://169.254.169.254/latest/meta-data", "file:///etc/passwd", "http://u:p@127.0.0.1/"]
)
def test_redirects_are_checked(server: Any, location: str) -> None:
    with pytest.raises(FetchRefused):
        client.get_bytes(server.answer("/a", status="302 Found", Location=location))


def test_redirect_from_public_to_private(server: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    # The first address counts as public here; the redirect leads to one that does not.
    monkeypatch.setattr(
        "connexeo.fetch.addresses.is_allowed", lambda address, **_: str(address) == "127.0.0.1"
    )
    server.answer("/secret", b"secret")
    url = server.answer("/a", status="302 Found", Location=f"http://127.0.0.2:{server.port}/secret")
    with pytest.raises(FetchRefused):
        strict.get_bytes(url)
    assert len(server.requests) == 1


def test_credentials_do_not_follow_to_another_origin(server: Any) -> None:
    server.answer("/end", b"here")
    start = server.answer("/start", status="302 Found", Location=server.url("/end", "localhost"))
    client.get_bytes(start, {"Authorization": "Bearer a", "Cookie": "b", "X-Key": "c", "Accept": "text/x"})
    first, second = (request.lower() for request in server.requests)
    assert "bearer a" in first
    assert "cookie: b" in first
    assert not any(word in second for word in ("bearer", "cookie", "x-key"))
    assert "accept: text/x" in second


def test_connects_to_the_checked_address(server: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    # A name whose address changes with every lookup.
    answers = iter(["127.0.0.1", "127.0.0.99"])
    looked_up = []

    def rebinding(host: str, port: int, *args: Any, **kwargs: Any) -> list[Any]:
        looked_up.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (next(answers), port))]

    monkeypatch.setattr(socket, "getaddrinfo", rebinding)
    server.answer("/a", b"here")
    assert client.get_bytes(server.url("/a", "rebind.example")).body == b"here"
    assert looked_up == ["rebind.example"]
    assert f"host: rebind.example:{server.port}" in server.requests[0].lower()


def test_one_forbidden_address_among_several(server: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (ip, 0)) for ip in ("93.184.216.34", "10.0.0.1")]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **kwargs: found)
    with pytest.raises(FetchRefused):
        strict.get_bytes(server.url("/a", "mixed.example"))


def test_next_address_when_the_first_does_not_answer(server: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (ip, 0)) for ip in ("127.0.0.77", "127.0.0.1")]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **kwargs: found)
    server.answer("/a", b"here")
    assert client.get_bytes(server.url("/a", "two.example")).body == b"here"


def test_unknown_host(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*args: Any, **kwargs: Any) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "unknown")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(FetchFailed, match="resolved"):
        strict.get_bytes("https://nowhere.example/?key=secret")


def test_name_resolution_counts_towards_the_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    over = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **kwargs: [over.wait(30)] * 0)
    with pytest.raises(FetchTimeout):
        GuardedClient(FetchPolicy(timeout=0.2)).get_bytes("https://slow.example/")
    assert not over.is_set()
    over.set()


def test_nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(FetchFailed, match="cannot be reached"):
        client.get_bytes(f"http://127.0.0.1:{port}/")


def test_broken_protocol(server: Any) -> None:
    server.answers["/a"] = lambda connection: connection.sendall(b"SSH-2.0-OpenSSH\r\n\r\n")
    with pytest.raises(FetchFailed, match="properly"):
        client.get_bytes(server.url("/a"))


def test_body_that_ends_early(server: Any) -> None:
    server.answers["/a"] = lambda connection: connection.sendall(
        b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc"
    )
    with pytest.raises(FetchFailed):
        client.get_bytes(server.url("/a"))


def _trickle(head: bytes) -> Any:
    stop = threading.Event()

    def answer(connection: socket.socket) -> None:
        connection.sendall(head)
        while not stop.wait(0.05):
            connection.sendall(b"x")

    return answer


@pytest.mark.parametrize(
    "head", [b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n", b"HTTP/1.1 200 OK\r\nX-Slow: ", b""]
)
def test_trickling_answer_ends_at_the_deadline(server: Any, head: bytes) -> None:
    server.answers["/a"] = _trickle(head)
    with pytest.raises(FetchTimeout):
        GuardedClient(FetchPolicy(allow_private=True, timeout=0.5)).get_bytes(server.url("/a"))


def test_redirects_share_one_deadline(server: Any) -> None:
    pause = threading.Event()

    def slow(connection: socket.socket) -> None:
        pause.wait(0.3)
        connection.sendall(b"HTTP/1.1 302 Found\r\nLocation: /a\r\nContent-Length: 0\r\n\r\n")

    server.answers["/a"] = slow
    policy = FetchPolicy(allow_private=True, timeout=0.7, max_redirects=1000)
    with pytest.raises(FetchTimeout):
        GuardedClient(policy).get_bytes(server.url("/a"))


def test_largest_body(server: Any) -> None:
    assert len(client.get_bytes(server.answer("/a", b"x" * 1000)).body) == 1000
    with pytest.raises(FetchTooLarge):
        client.get_bytes(server.answer("/b", b"x" * 1001))


def test_endless_body_without_length(server: Any) -> None:
    def endless(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            connection.sendall(b"x" * 4096)

    server.answers["/a"] = endless
    with pytest.raises(FetchTooLarge):
        client.get_bytes(server.url("/a"))


def test_declared_length_is_refused_before_reading(server: Any) -> None:
    server.answers["/a"] = lambda connection: connection.sendall(
        b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999\r\n\r\n"
    )
    with pytest.raises(FetchTooLarge):
        client.get_bytes(server.url("/a"))


def test_compressed_bomb(server: Any) -> None:
    bomb = gzip.compress(b"\0" * 900_000)
    assert len(bomb) < 1000
    with pytest.raises(FetchTooLarge):
        client.get_bytes(server.answer("/a", bomb, Content_Encoding="gzip"))


def test_compressed_body(server: Any) -> None:
    url = server.answer("/a", gzip.compress(b"x" * 1000), Content_Encoding="gzip")
    assert client.get_bytes(url).body == b"x" * 1000


def test_environment_is_ignored(server: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login a password b\n")
    monkeypatch.setenv("NETRC", str(netrc))
    assert client.get_bytes(server.answer("/a", b"here")).body == b"here"
    assert "authorization" not in server.requests[0].lower()


def test_client_can_be_pickled() -> None:
    assert pickle.loads(pickle.dumps(client)).policy == client.policy


def test_messages_name_no_secrets(server: Any) -> None:
    url = server.answer("/path-key?query-key", b"x" * 2000)
    with pytest.raises(FetchError) as raised:
        client.get_json(url)
    assert "key" not in str(raised.value)


def _certificate(folder: Path, name: str) -> tuple[Path, Path]:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    certificate_file, key_file = folder / "certificate.pem", folder / "key.pem"
    certificate_file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    key_file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    return certificate_file, key_file


def _serve_tls(listener: socket.socket, context: ssl.SSLContext, names: list[str | None]) -> None:
    context.sni_callback = lambda _socket, name, _context: names.append(name)
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        with connection:
            try:
                with context.wrap_socket(connection, server_side=True) as secured:
                    secured.recv(65536)
                    secured.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nsecure")
            except OSError:
                continue  # the client does not trust the certificate


def test_tls_proves_the_host_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    certificate, key = _certificate(tmp_path, "right.example")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    names: list[str | None] = []
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (str(ipaddress.ip_address("127.0.0.1")), 0))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **kwargs: found)
    trusting = GuardedClient(FetchPolicy(allow_private=True, timeout=20, ca_file=str(certificate)))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        thread = threading.Thread(target=_serve_tls, args=(listener, context, names))
        thread.start()
        assert trusting.get_bytes(f"https://right.example:{port}/").body == b"secure"
        assert trusting.get_bytes(f"https://right.example.:{port}/").body == b"secure"
        with pytest.raises(FetchFailed):
            trusting.get_bytes(f"https://wrong.example:{port}/")
        with pytest.raises(FetchFailed):
            client.get_bytes(f"https://right.example:{port}/")
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()
    assert names == ["right.example", "right.example", "wrong.example", "right.example"]


large = GuardedClient(FetchPolicy(allow_private=True, timeout=20, max_bytes=2**20))


def test_downloads_go_to_disk(server: Any, tmp_path: Path) -> None:
    url = server.answer("/a.tif", b"x" * 100_000)
    target = tmp_path / "copy"
    assert large.download(url, target) == 100_000
    assert target.read_bytes() == b"x" * 100_000
    assert "accept-encoding: identity" in server.requests[0].lower()


@pytest.mark.parametrize(
    ("body", "head", "error"),
    [
        (b"x" * 1001, {}, FetchTooLarge),
        (b"x", {"status": "404 Not Found"}, FetchFailed),
        (b"x", {"Content_Encoding": "gzip"}, FetchFailed),
    ],
)
def test_failed_downloads_leave_nothing(
    server: Any, tmp_path: Path, body: bytes, head: dict[str, str], error: type[FetchError]
) -> None:
    url = server.answer("/a.tif", body, **head)
    with pytest.raises(error):
        client.download(url, tmp_path / "copy")
    assert list(tmp_path.iterdir()) == []


def test_downloads_that_are_cut_off(server: Any, tmp_path: Path) -> None:
    def cut(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")

    server.answers["/a.tif"] = cut
    with pytest.raises(FetchFailed):
        large.download(server.url("/a.tif"), tmp_path / "copy")
    assert list(tmp_path.iterdir()) == []


def test_downloads_are_guarded_too(server: Any, tmp_path: Path) -> None:
    url = server.answer("/a.tif", b"secret")
    with pytest.raises(FetchRefused):
        strict.download(url, tmp_path / "copy")
    assert server.requests == []
    assert list(tmp_path.iterdir()) == []
