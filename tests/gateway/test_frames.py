"""Frames by hand against Autobahn's, byte for byte."""

from autobahn.websocket.protocol import WebSocketServerFactory
from hypothesis import given
from hypothesis import strategies as st

from shardnode.gateway.frames import message_head, unmasked_message
from tests.gateway.rig import frame


@given(st.binary(max_size=200), st.booleans())
def test_a_message_is_framed_as_autobahn_frames_it(payload: bytes, binary: bool) -> None:
    """Head and payload are what the library makes of a message."""
    made = WebSocketServerFactory().prepareMessage(payload, binary).payloadHybi
    assert message_head(len(payload), binary=binary) + payload == made


def test_long_messages_have_long_heads() -> None:
    """Lengths from 126 on follow in two bytes, from 64 KiB on in eight."""
    assert message_head(125, binary=True) == b"\x82\x7d"
    assert message_head(126, binary=True) == b"\x82\x7e\x00\x7e"
    assert message_head(65_535, binary=False) == b"\x81\x7e\xff\xff"
    assert message_head(65_536, binary=True) == b"\x82\x7f" + (65_536).to_bytes(8, "big")


@given(st.one_of(st.binary(max_size=300), st.integers(65_530, 65_535).map(bytes)))
def test_a_whole_binary_message_is_read(payload: bytes) -> None:
    """Whatever a client sends in one masked binary frame comes out as it went in."""
    assert unmasked_message(frame(2, payload)) == payload


@given(st.binary(max_size=300), st.data())
def test_anything_else_is_left_to_autobahn(payload: bytes, data: st.DataObject) -> None:
    """Text, fragments, control frames, frames without a mask, less than a frame and more than one are not read here."""
    whole = frame(2, payload)
    assert unmasked_message(whole[: data.draw(st.integers(0, len(whole) - 1))]) is None
    assert unmasked_message(whole + data.draw(st.binary(min_size=1, max_size=9))) is None
    assert unmasked_message(frame(2, payload, final=False)) is None
    assert unmasked_message(frame(2, payload, masked=False)) is None
    assert all(unmasked_message(frame(opcode, payload[:100])) is None for opcode in (0, 1, 8, 9, 10))


def test_a_length_in_more_bytes_than_it_needs_is_left_to_autobahn() -> None:
    """Which refuses it, as the standard says."""
    assert unmasked_message(b"\x82\xfe\x00\x05" + b"\0\0\0\0" + b"hello") is None
