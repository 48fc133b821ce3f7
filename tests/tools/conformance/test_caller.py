import gzip
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field

import pytest

from connexeo.tools.conformance import answer as answers
from connexeo.tools.conformance.answer import KEPT, delay
from connexeo.tools.conformance.budget import Budget, BudgetExhausted
from connexeo.tools.conformance.caller import Caller, NoAnswer
from connexeo.tools.conformance.exchange import Exchange, NotJson
from loopback_site import LoopbackSite
from misbehaving import Misbehaving, answer, bomb, endless, raw, reset, silence, trickle
from served import free_port

Call = Callable[..., Caller]
Misbehave = Callable[..., Misbehaving]

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


@dataclass
class Tokens:
    """A token that expires."""

    tokens: list[str] = field(default_factory=lambda: ["basic//old", "basic//new"])

    def current(self) -> str | None:
        return self.tokens[0]

    def renew(self) -> bool:
        self.tokens.pop(0)
        return bool(self.tokens)


@dataclass
class Notes:
    """Keeps what it is told."""

    seen: list[Exchange] = field(default_factory=list)
    made: list[tuple[str, str | None]] = field(default_factory=list)
    protected: int = 0

    def saw(self, exchange: Exchange) -> None:
        self.seen.append(exchange)

    def created(self, kind: str, name: str | None, caller: Caller) -> None:
        self.made.append((kind, name))

    def undisturbed(self) -> AbstractContextManager[object]:
        self.protected += 1
        return nullcontext()


@pytest.mark.parametrize(
    ("reply", "failure"),
    [
        (silence(), "no answer within 0.4 s"),
        (silence(HEAD), "no answer within 0.4 s"),
        (silence(HEAD + b"Content-Length: 9\r\n\r\n{"), "the answer was not complete after 0.4 s"),
        # Never silent for long, so that no limit for one read is ever exceeded.
        (trickle(b"HTTP/1.1 200 OK\r\nX-Long: ", b"a"), "no answer within 0.4 s"),
        (trickle(HEAD + b"Content-Length: 99999\r\n\r\n{", b" "), "the answer was not complete after 0.4 s"),
        (trickle(HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n"), "not complete after 0.4 s"),
    ],
    ids=["silent", "half a head", "half a body", "trickling head", "trickling body", "trickling chunks"],
)
def test_no_server_takes_longer_than_it_may(
    misbehave: Misbehave, call: Call, reply: Callable[..., None], failure: str
) -> None:
    with pytest.raises(NoAnswer, match=failure) as raised:
        call(misbehave(reply).url, timeout=0.4).get("/")
    assert raised.value.exchange.failure


@pytest.mark.parametrize(
    ("reply", "failure"),
    [
        (reset(), "the connection failed"),
        (reset(HEAD + b"Content-Length: 9\r\n\r\n{"), "the connection failed"),
        (raw(b""), "the connection failed: Server disconnected"),
        (raw(b"this is no HTTP at all\r\n\r\n"), "the connection failed"),
        (answer(b"no gzip", headers={"Content-Encoding": "gzip"}), "the body is not valid gzip"),
        (answer(gzip.compress(b"{}" * 999)[:-12], headers={"Content-Encoding": "gzip"}), "ends too early"),
        (answer(b"{}", headers={"Content-Encoding": "br"}), "br, which Accept-Encoding does not name"),
    ],
    ids=["reset", "reset in the body", "nothing", "no HTTP", "no gzip", "half a gzip", "brotli"],
)
def test_broken_answers_are_told(
    misbehave: Misbehave, call: Call, reply: Callable[..., None], failure: str
) -> None:
    notes = Notes()
    with pytest.raises(NoAnswer, match=failure):
        call(misbehave(reply).url, witness=notes).get("/")
    assert [bool(each.failure) for each in notes.seen] == [True]


def test_large_answers_are_read_up_to_a_bound(misbehave: Misbehave, call: Call) -> None:
    given = call(misbehave(endless(200)).url).get("/")
    assert given.truncated
    assert len(given.body) == KEPT


@pytest.mark.parametrize("times", [1, 2])
def test_bombs_do_not_explode(misbehave: Misbehave, call: Call, times: int) -> None:
    encoding = ", ".join(["gzip"] * times)
    given = call(misbehave(answer(bomb(200, times), headers={"Content-Encoding": encoding})).url).get("/")
    assert given.truncated
    assert len(given.body) == KEPT


def test_answers_of_old_servers_are_read(misbehave: Misbehave, call: Call) -> None:
    given = call(misbehave(raw(b"HTTP/1.0 200 OK\r\nContent-Type: application/json\r\n\r\n{}")).url).get("/")
    assert (given.status, given.json()) == (200, {})


def test_headers_and_bodies_may_be_no_utf_8(misbehave: Misbehave, call: Call) -> None:
    given = call(misbehave(raw(HEAD + b'Content-Length: 3\r\nLink: <\xe4\xff>\r\n\r\n"\xe4"')).url).get("/")
    assert given.headers["link"] == "<äÿ>"
    with pytest.raises(NotJson):
        given.json()
    assert "Link: <äÿ>" in given.excerpt() or "link: <äÿ>" in given.excerpt()


def test_redirects_in_a_circle_end(call: Call) -> None:
    site = LoopbackSite({"/a": (302, "/b"), "/b": (302, "/a")})
    try:
        with pytest.raises(NoAnswer, match="redirects do not end"):
            call(site.url).get("/a")
    finally:
        site.close()
    assert len(site.requests) == 2


def test_redirects_without_end_end(misbehave: Misbehave, call: Call) -> None:
    replies = [answer(status=302, headers={"Location": f"/{number}"}) for number in range(30)]
    server = misbehave(*replies)
    with pytest.raises(NoAnswer, match="redirects do not end"):
        call(server.url).get("/")
    assert len(server.requests) == 6


@pytest.mark.parametrize("headers", [None, {"Authorization": "Bearer basic//own"}, {"cookie": "a=b"}])
def test_tokens_go_to_the_api_only(misbehave: Misbehave, call: Call, headers: dict[str, str] | None) -> None:
    other = misbehave(answer({}))
    server = misbehave(answer(status=302, headers={"Location": f"{other.url}/elsewhere"}))
    caller = call(server.url, tokens=Tokens())
    assert caller.get("/", headers=headers).hops == (f"{server.url}/",)
    caller.get(f"{other.url}/", headers=headers)
    sent = [head.lower() for head in other.requests]
    assert len(sent) == 2
    assert not any(b"authorization" in head or b"cookie" in head for head in sent)
    assert b"authorization" in server.requests[0].lower() or headers == {"cookie": "a=b"}


@pytest.mark.parametrize(
    "path",
    [
        "/other",
        "/api/../other",
        "/api/%2e%2e/other",
        "/apix",
        "/api/a/..%2F../x",
        "/api/a%2Fb/%2e%2e/%2e%2e/x",
    ],
)
def test_tokens_do_not_go_to_neighbours_of_the_api(misbehave: Misbehave, call: Call, path: str) -> None:
    server = misbehave(answer({}))
    caller = call(f"{server.url}/api", tokens=Tokens())
    caller.get(f"{server.url}{path}")
    assert b"authorization" not in server.requests[0].lower()
    caller.get("/jobs")
    assert b"authorization: bearer basic//old" in server.requests[1].lower()


@pytest.mark.parametrize("path", ["/api/files/..%2Fx", "/api/files/a/%2e%2e/%2e%2e/x"])
def test_tokens_go_wherever_a_path_stays_in_the_api(misbehave: Misbehave, call: Call, path: str) -> None:
    server = misbehave(answer({}))
    call(f"{server.url}/api", tokens=Tokens()).get(f"{server.url}{path}")
    assert b"authorization" in server.requests[0].lower()


def test_sessions_are_not_kept(misbehave: Misbehave, call: Call) -> None:
    server = misbehave(answer({}, headers={"Set-Cookie": "session=of-the-user; Path=/"}))
    caller = call(server.url)
    caller.get("/")
    caller.get("/")
    assert b"cookie" not in server.requests[1].lower()


def test_whoever_is_told_to_wait_waits_once(misbehave: Misbehave, call: Call) -> None:
    busy = answer(status=429, headers={"Retry-After": "0"})
    server = misbehave(busy, answer({}))
    assert call(server.url).get("/").status == 200
    server = misbehave(busy)
    assert call(server.url).get("/").status == 429
    assert len(server.requests) == 2


@pytest.mark.parametrize(
    ("told", "seconds"),
    [
        ("7", 7),
        ("Thu, 01 Jan 1970 00:00:00 GMT", -1e9),
        ("soon", 2),
        ("Fri, 99 Foo 2000", 2),
        ("Thu, 01 Jan 1970 00:00:00", 2),
    ],
)
def test_retry_after_is_a_number_or_a_date(told: str, seconds: float) -> None:
    import httpx

    found = delay(httpx.Headers({"Retry-After": told}))
    assert found == seconds or found < seconds < 0


def test_waiting_is_bounded(misbehave: Misbehave, call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[float] = []
    monkeypatch.setattr(time, "sleep", waited.append)
    for told in ("99999", "inf", "nan", "-5"):
        call(misbehave(answer(status=429, headers={"Retry-After": told}), answer({})).url).get("/")
    assert waited == [30, 30, 0, 0]


def test_tokens_that_have_expired_are_renewed_once(misbehave: Misbehave, call: Call) -> None:
    expired = answer({"code": "TokenInvalid", "message": "expired"}, status=403)
    server = misbehave(expired, answer({}))
    assert call(server.url, tokens=Tokens()).get("/me").status == 200
    assert b"basic//old" in server.requests[0]
    assert b"basic//new" in server.requests[1]
    server = misbehave(expired)
    assert call(server.url, tokens=Tokens()).get("/me").status == 403
    assert len(server.requests) == 2
    # A token that a check has given on purpose is meant to be refused.
    server = misbehave(expired)
    assert call(server.url, tokens=Tokens()).get("/me", token="basic//bad").status == 403
    assert len(server.requests) == 1


def test_redirects_to_nowhere_are_told(misbehave: Misbehave, call: Call) -> None:
    for location in ("http://[::bad", "javascript:alert(1)"):
        with pytest.raises(NoAnswer, match=r"URL|redirect"):
            call(misbehave(answer(status=302, headers={"Location": location})).url).get("/")


def test_no_more_is_sent_than_allowed(misbehave: Misbehave, call: Call) -> None:
    server = misbehave(answer({}))
    caller = call(server.url, budget=Budget(requests=2))
    caller.get("/")
    caller.get("/")
    with pytest.raises(BudgetExhausted, match="--max-requests"):
        caller.get("/")
    assert len(server.requests) == 2


def test_the_time_of_the_run_ends_requests_too(misbehave: Misbehave, call: Call) -> None:
    notes = Notes()
    caller = call(misbehave(silence()).url, budget=Budget(seconds=0.3), witness=notes)
    with pytest.raises(BudgetExhausted, match="--max-time"):
        caller.get("/")
    # It is no fault of the back-end.
    assert notes.seen == []


@pytest.mark.parametrize(
    ("reply", "made"),
    [
        (answer(status=201, headers={"OpenEO-Identifier": "j-1"}), [("job", "j-1")]),
        (answer(status=201, headers={"Location": "http://x/jobs/j-2/"}), [("job", "j-2")]),
        (answer(status=201), [("job", None)]),
        (answer({"code": "No", "message": "no"}, status=400), []),
        (silence(), [("job", None)]),
        (reset(), [("job", None)]),
    ],
    ids=["identifier", "location", "neither", "refused", "silent", "reset"],
)
def test_whatever_may_have_been_created_is_told(
    misbehave: Misbehave,
    call: Call,
    reply: Callable[..., None],
    made: list[tuple[str, str | None]],
) -> None:
    notes = Notes()
    caller = call(misbehave(reply).url, witness=notes, timeout=0.4)
    try:
        caller.post("/jobs", {})
    except NoAnswer:
        assert made[0][1] is None
    assert notes.made == made
    assert notes.protected == 1


def test_what_was_not_sent_has_not_created_anything(call: Call) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    notes = Notes()
    with pytest.raises(NoAnswer, match="the connection failed"):
        call(url, witness=notes).post("/jobs", {})
    assert notes.made == []


@pytest.mark.parametrize("link", ["ftp://example.test/x", "http://[::bad", "http://a b/", "s3://bucket/key"])
def test_links_that_nobody_can_follow_are_no_answer(misbehave: Misbehave, call: Call, link: str) -> None:
    server = misbehave(answer({}))
    with pytest.raises(NoAnswer):
        call(server.url).get(link)
    assert server.requests == []


def test_compressed_answers_are_decoded(misbehave: Misbehave, call: Call) -> None:
    body = gzip.compress(b'{"a":') + gzip.compress(b"1}")
    given = call(misbehave(answer(body, headers={"Content-Encoding": "gzip"})).url).get("/")
    assert given.json() == {"a": 1}
    assert len(given.body) < answers.KEPT
