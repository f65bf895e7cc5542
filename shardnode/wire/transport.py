"""What the protocol fixes about its WebSockets: path, subprotocols, bounds and close codes."""

from enum import IntEnum

WEBSOCKET_PATH = "/ws"
PROTOCOL = "auction.v1"
SUBPROTOCOL_MSGPACK = "auction.v1.msgpack"
SUBPROTOCOL_JSON = "auction.v1.json"

MESSAGE_BYTES_MAX = 65_536
"""The largest message a client may send."""
BATCH_MAX = 50
"""How many requests one message may carry."""
ANSWERED_WITHIN_S = 5.0
"""Every request with an id gets its answer within this."""
PING_EVERY_S = 15.0
SILENCE_MAX_S = 25.0
"""A socket on which nothing was heard for this long is dropped."""


class CloseCode(IntEnum):
    """Why a node closes a socket."""

    GOING_AWAY = 1001
    WRONG_FRAME_KIND = 1003
    BAD_UTF8 = 1007
    FLOODING = 1008
    TOO_LARGE = 1009
    TRY_AGAIN_LATER = 1013

    @property
    def meaning(self) -> str:
        """What a client's developer reads about it."""
        return _MEANINGS[self]


_MEANINGS = {
    CloseCode.GOING_AWAY: "The node is stopping; connect again in a moment.",
    CloseCode.WRONG_FRAME_KIND: "MessagePack travels in binary frames and JSON in text frames.",
    CloseCode.BAD_UTF8: "A text frame was not UTF-8.",
    CloseCode.FLOODING: "The client went on sending too fast after it was told rate_limited.",
    CloseCode.TOO_LARGE: "The message was larger than max_message_bytes.",
    CloseCode.TRY_AGAIN_LATER: "The node has as many sockets as it may, or the client read too slowly.",
}
