"""A house in memory that speaks `auction.v1` and trades nothing: it logs in, answers, remembers keys and tells events.

It may have many nodes, known by their URLs: any of them answers anybody, but sends a session that asked for redirects
to the player's home.

It encodes with `msgpack` and `json`, other libraries than the client's own, so that the two check each other.
"""

import json
from collections import defaultdict
from collections.abc import Callable
from typing import Any

import msgpack

Json = dict[str, Any]

ITEM: Json = {
    "item": "s.i1",
    "base": "harbour_cutter",
    "name": "Harbour Cutter",
    "category": "swords",
    "rarity": "rare",
    "level": 12,
    "stats": {"damage": 31, "agility": 7},
    "bound": False,
}


def listing_of(listing: str = "seller.l1", **changed: Any) -> Json:
    """A Listing of the protocol."""
    return {
        "listing": listing,
        "item": ITEM,
        "state": "open",
        "start_bid": 100,
        "buyout": 900,
        "price": 120,
        "min_bid": 126,
        "bids": 2,
        "created_at_ms": 1_000_000,
        "ends_at_ms": 4_600_000,
        "mine": False,
        "winning": False,
        **changed,
    }


class Refuse(Exception):
    """Raised by a handler: the request is answered with this error."""

    def __init__(self, code: int, reason: str, **data: Any) -> None:
        super().__init__(reason)
        self.error = {"code": code, "message": f"no: {reason}", "data": {"reason": reason, **data}}


class FakeHouse:
    """Players are named by their tokens: the token "token-ann" is ann's."""

    def __init__(self) -> None:
        self.handlers: dict[str, Callable[[str, Json], Json]] = {}
        """Method → (player, params) → result."""
        self.events: dict[str, list[Json]] = defaultdict(list)
        self.matches: dict[str, list[Json]] = defaultdict(list)
        """What watches told each player."""
        self.oldest_seq = 1
        self.executed: list[tuple[str, str, str]] = []
        """Mutations that took effect: player, method, key."""
        self.answers: dict[tuple[str, str], Json] = {}
        self.connections: list[FakeConnection] = []
        self.homes: dict[str, str] = {}
        """Player → URL of the home; whoever is not here is at home on every node."""

    def connect(self, url: str = "", *, binary: bool = True) -> "FakeConnection":
        """The server end of a new socket to a node; it says hello."""
        connection = FakeConnection(self, url, binary=binary)
        self.connections.append(connection)
        return connection

    def tell(self, player: str, event_type: str = "listing.outbid", **data: Any) -> None:
        """Let an event happen to a player: it is kept, and pushed to where the player is connected."""
        event = {"seq": len(self.events[player]) + 1, "type": event_type, "at_ms": 5, "data": data}
        self.events[player].append(event)
        for connection in self.connections:
            if connection.player == player:
                connection.push("event", event)

    def tell_of_watch(self, player: str, watch: str = "ann.w1", **data: Any) -> None:
        """Push what a watch tells to where its player is connected; nothing is kept for who is not."""
        match = {"watch": watch, "type": "watch.matched", "at_ms": 1_000_000, "data": data}
        self.matches[player].append(match)
        for connection in self.connections:
            if connection.player == player:
                connection.push("watch", match)

    def answer(self, player: str, method: str, params: Json) -> Json:
        """Execute a request; a mutation once a key."""
        if method == "events.since":
            return self._events_since(player, params)
        handler = self.handlers.get(method, lambda _player, _params: {"listing": listing_of(), "winning": True})
        key = params.get("key")
        if key is None:
            return handler(player, params)
        if (player, key) not in self.answers:
            self.answers[player, key] = handler(player, params)
            self.executed.append((player, method, key))
        return self.answers[player, key]

    def _events_since(self, player: str, params: Json) -> Json:
        events = self.events[player]
        seq = max(params["seq"], self.oldest_seq - 1)
        page = events[seq : seq + params.get("limit", 50)]
        next_seq = page[-1]["seq"] if page else seq
        return {"events": page, "next_seq": next_seq, "oldest_seq": self.oldest_seq, "last_seq": len(events)}


class FakeConnection:
    """The server's end of one socket: messages in, and `sent`, the messages that it wants to send."""

    def __init__(self, house: FakeHouse, url: str, *, binary: bool) -> None:
        self.house = house
        self.url = url
        self.binary = binary
        self.player: str | None = None
        self.redirects = False
        self.sent: list[bytes] = []
        self.received: list[Any] = []
        """Every message as it came in, decoded."""
        hello = {"node": "n1", "protocol": "auction.v1", "server_time_ms": 1_000_000}
        self.push("hello", {**hello, "world": {"version": "1.0.0", "hash": "00"}, "max_message_bytes": 65_536})

    def receive(self, payload: bytes) -> None:
        """Take in one message of the client and answer it."""
        message = msgpack.unpackb(payload) if self.binary else json.loads(payload)
        self.received.append(message)
        if isinstance(message, list):
            self._send([self.answer(request) for request in message])
        else:
            self._send(self.answer(message))

    def answer(self, request: Json) -> Json:
        """The answer to one request."""
        assert request["jsonrpc"] == "2.0", request
        answer = {"jsonrpc": "2.0", "id": request["id"]}
        try:
            return {**answer, "result": self._result(request["method"], request["params"])}
        except Refuse as refusal:
            return {**answer, "error": refusal.error}

    def push(self, method: str, params: Json) -> None:
        """Tell the client something."""
        self._send({"jsonrpc": "2.0", "method": method, "params": params})

    def _result(self, method: str, params: Json) -> Json:
        if method == "session.login":
            if not params["token"].startswith("token-"):
                raise Refuse(-32001, "token_invalid")
            self.player = params["token"].removeprefix("token-")
            self.redirects = params.get("redirects", False)
            seq = len(self.house.events[self.player])
            return {"player": self.player, "role": "player", "server_time_ms": 1_000_000, "seq": seq}
        if self.player is None:
            raise Refuse(-32001, "unauthenticated")
        home = self.house.homes.get(self.player, self.url)
        if self.redirects and home != self.url and not method.startswith("world."):
            raise Refuse(-32008, "moved", url=home)
        return self.house.answer(self.player, method, params)

    def _send(self, message: Any) -> None:
        self.sent.append(msgpack.packb(message) if self.binary else json.dumps(message).encode())
