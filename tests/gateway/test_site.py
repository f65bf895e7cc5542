"""HTTP on the node's port: a few pages to read, and bounds on who reads them."""

import json

import pytest

from shardnode.wire.openrpc import openrpc_document
from tests.gateway.rig import KEY, NOW_S, Client, House


def request(house: House, head: str, body: bytes = b"", **limits: int) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and content of one answer."""
    client = Client(house.gateway(**limits))
    client.feed(f"{head} HTTP/1.1\r\nHost: house\r\n".encode() + b"\r\n" + body)
    return answer_of(client)


def answer_of(client: Client) -> tuple[int, dict[str, str], bytes]:
    """What the server sent, taken apart."""
    head, _, content = client.wire.value().partition(b"\r\n\r\n")
    status, *lines = head.decode().split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    assert int(headers["content-length"]) == len(content) or not content
    return int(status.split()[1]), headers, content


@pytest.mark.parametrize(
    ("page", "kind", "content"),
    [
        ("/healthz", "text/plain; charset=utf-8", b"alive\n"),
        ("/readyz", "text/plain; charset=utf-8", b"ready\n"),
        ("/metrics", "text/plain; version=0.0.4; charset=utf-8", b"auction_up 1\n"),
    ],
)
def test_pages_for_machines(page: str, kind: str, content: bytes) -> None:
    """Each page has its content type, and HEAD gets its head alone."""
    status, headers, found = request(House(), f"GET {page}")
    assert (status, headers["content-type"], found) == (200, kind, content)
    status, headers, found = request(House(), f"HEAD {page}")
    assert (status, int(headers["content-length"]), found) == (200, len(content), b"")


@pytest.mark.parametrize("role", ["player", "service", "operator", None])
def test_open_trades_are_shown_to_operators_alone(role: str | None) -> None:
    """Whoever else asks, or brings a token that is not good, sees 401 with what to bring, and nothing of the trades."""
    token = "nonsense" if role is None else KEY.mint("somebody", role, NOW_S + 60)
    status, headers, content = request(House(), f"GET /trades HTTP/1.1\r\nAuthorization: Bearer {token}\r\nX-Rest:")
    if role == "operator":
        assert (status, headers["content-type"], content) == (200, "application/json", b'{"open":0,"trades":[]}')
    else:
        assert (status, b"operator's token" in content) == (401, True)
    assert request(House(), "GET /trades")[0] == 401
    late = KEY.mint("somebody", "operator", NOW_S)
    assert request(House(), f"GET /trades HTTP/1.1\r\nAuthorization: Bearer {late}\r\nX-Rest:")[0] == 401


def test_openrpc_is_served() -> None:
    """The document of the code's own tables, as JSON."""
    status, headers, content = request(House(), "GET /openrpc.json")
    assert (status, headers["content-type"]) == (200, "application/json")
    assert json.loads(content)["methods"][0]["name"] == openrpc_document()["methods"][0]["name"]


def test_readyz_says_when_the_node_does_not_serve() -> None:
    """503 until the node is ready, and again when it stops; it is alive all the while."""
    house = House()
    house.is_ready = False
    assert request(house, "GET /readyz")[0] == 503
    assert request(house, "GET /healthz")[0] == 200
    house.is_ready = True
    gateway = house.gateway()
    gateway.stop()
    client = Client(gateway)
    client.feed(b"GET /readyz HTTP/1.1\r\nHost: house\r\n\r\n")
    assert answer_of(client)[0] == 503


@pytest.mark.parametrize("page", ["/", "/nothing", "/peer", "/metrics2", "/wss"])
def test_what_is_not_there_is_404(page: str) -> None:
    """The path of the nodes among themselves is not served yet, nor is a page for people."""
    assert request(House(), f"GET {page}")[0] == 404


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "BREW"])
def test_pages_are_only_read(method: str) -> None:
    """405 with what is allowed."""
    status, headers, _ = request(House(), f"{method} /metrics")
    assert (status, headers["allow"]) == (405, "GET, HEAD")


def test_a_get_without_an_upgrade_is_told_so() -> None:
    """A browser that looks at /ws sees 426."""
    client = Client(House().gateway())
    client.feed(b"GET /ws HTTP/1.1\r\nHost: house\r\n\r\n")
    assert client.wire.value().startswith(b"HTTP/1.1 426 ")
    assert client.wire.disconnecting


def test_a_connection_serves_one_page() -> None:
    """Pages that a client asks for ahead, without reading any, are not made."""
    client = Client(House().gateway())
    client.feed(b"GET /healthz HTTP/1.1\r\nHost: house\r\n\r\n" * 3)
    status, headers, content = answer_of(client)
    assert (status, headers["connection"], content) == (200, "close", b"alive\n")
    assert client.wire.disconnecting


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"POST /metrics HTTP/1.1\r\nHost: house\r\nContent-Length: 101\r\n\r\n",
        b"POST /metrics HTTP/1.1\r\nHost: house\r\nContent-Length: 99999999999\r\n\r\n",
        b"POST /metrics HTTP/1.1\r\nHost: house\r\nTransfer-Encoding: chunked\r\n\r\n"
        + (b"32\r\n" + b"x" * 50 + b"\r\n") * 3,
    ],
)
def test_a_large_body_ends_the_connection(request_bytes: bytes) -> None:
    """No page takes one, so none is kept, announced or in pieces."""
    house = House()
    client = Client(house.gateway(http_body_bytes_max=100))
    client.feed(request_bytes)
    assert client.wire.aborted
    assert house.metrics.limits == ["http_body_bytes_max"]


def test_a_small_body_is_passed_over() -> None:
    """A client that sends one with its request is still answered."""
    client = Client(House().gateway())
    client.feed(b"GET /healthz HTTP/1.1\r\nHost: house\r\nContent-Length: 3\r\n\r\nabc")
    assert answer_of(client)[0] == 200


@pytest.mark.parametrize(
    "data",
    [
        b"GET /" + b"a" * 20_000 + b" HTTP/1.1\r\n",
        b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 10_000,
        b"nonsense\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n",
    ],
)
def test_heads_that_are_too_large_or_no_http_end_the_connection(data: bytes) -> None:
    """What a head may be has bounds, and TLS on a plain port is no head at all."""
    client = Client(House().gateway())
    client.feed(data)
    assert client.wire.disconnecting


def test_an_idle_connection_is_closed() -> None:
    """Whoever connects and says nothing does not stay."""
    house = House()
    client = Client(house.gateway(http_idle_s=5))
    house.clock.advance(4)
    client.feed(b"GET /healthz HTTP/1.1\r\n")
    house.clock.advance(4)
    assert not client.wire.disconnecting
    house.clock.advance(2)
    assert client.wire.disconnecting
    assert house.clock.getDelayedCalls() == []
