"""The handshake of two nodes, without sockets: who gets in, what is said to whom, and what cannot be forged."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from shardnode.cluster.admission import map_digest, objection, own_objection
from shardnode.cluster.handshake import (
    NONCE_BYTES,
    TAKEN_FOR_A_STRANGER,
    WRONG_SECRET,
    Handshake,
    Hello,
    Step,
)
from shardnode.storage.facts import Peer
from tests.cluster.wires import SECRET, a_map

ONE = Hello("c" * 32, "n1", "first", 1, 4, 2, "d" * 32, "0" * 32, "1.0.0", 50)
TWO = replace(ONE, node="n2", identity="second", position=60)
KNOWN = Peer("second", 1, 55)
STEPS = 4


class Meeting:
    """Two sides that shake hands; `steps` is what came of each message, by side."""

    def __init__(
        self,
        one: Hello = ONE,
        two: Hello = TWO,
        *,
        secrets: tuple[bytes, bytes] = (SECRET, SECRET),
        known: Peer | None = KNOWN,
        nonces: tuple[int, int] = (1, 2),
    ) -> None:
        self.one = Handshake(
            role="dialling",
            secret=secrets[0],
            nonce=nonces[0].to_bytes(NONCE_BYTES, "big"),
            hello=one,
            judge=lambda theirs: objection(one, theirs, dialled="n2", known=known),
        )
        self.two = Handshake(
            role="dialled",
            secret=secrets[1],
            nonce=nonces[1].to_bytes(NONCE_BYTES, "big"),
            hello=two,
            judge=lambda theirs: objection(two, theirs, dialled=None, known=None),
        )
        self.said: tuple[list[bytes], list[bytes]] = ([self.one.begin()], [self.two.begin()])
        """By one, and by two."""
        self.ends: list[Step | None] = [None, None]

    def run(self) -> "Meeting":
        """Let each hear what the other says, until both have ended."""
        for _ in range(STEPS):
            self.exchange()
        return self

    def exchange(self) -> None:
        """One message each way."""
        unheard = [self.said[1].pop(0) if self.said[1] else None, self.said[0].pop(0) if self.said[0] else None]
        for side, (handshake, message) in enumerate(zip((self.one, self.two), unheard, strict=True)):
            if message is not None and self.ends[side] is None:
                step = handshake.receive(message)
                self.said[side].extend(step.send)
                if step.welcome or step.refusal is not None:
                    self.ends[side] = step

    @property
    def refusals(self) -> list[str | None]:
        """Why each side got nowhere."""
        return [None if end is None else end.refusal for end in self.ends]


def test_two_nodes_of_one_cluster_welcome_each_other() -> None:
    """Each knows the other's whole hello in the end."""
    ends = Meeting().run().ends
    assert [end and end.welcome for end in ends] == [TWO, ONE]


def test_a_stranger_learns_no_more_than_that_it_is_refused() -> None:
    """With another secret both sides stop at the proof, and no hello was ever said."""
    meeting = Meeting(secrets=(SECRET, bytes(32)))
    heard = []
    for _ in range(STEPS):
        heard += [message for said in meeting.said for message in said]
        meeting.exchange()
    assert meeting.refusals == [WRONG_SECRET, WRONG_SECRET]
    assert {msgspec.msgpack.decode(message)[0] for message in heard} == {"challenge", "proof", "refused"}
    assert [message for message in heard if b"n1" in message or ONE.cluster.encode() in message] == []


def test_a_refused_side_names_what_to_compare() -> None:
    """Who is taken for a stranger is told nothing by the other, and says itself what may be wrong."""
    meeting = Meeting()
    step = meeting.one.receive(msgspec.msgpack.encode(["refused"]))
    assert step.refusal == TAKEN_FOR_A_STRANGER


@pytest.mark.parametrize(
    ("two", "reason"),
    [
        (replace(TWO, cluster="e" * 32), "the same cluster.toml"),
        (replace(TWO, version=3), "n2 has version 3 (epoch 2) of cluster.toml, n1 has version 4"),
        (replace(TWO, version=5, epoch=3), "give n1 the newer file"),
        (replace(TWO, digest="e" * 32), "differ, but both say version 4"),
        (replace(TWO, epoch=3), "differ, but both say version 4"),
        (replace(TWO, catalog="1" * 32, world="1.0.0+house"), "the same --rules"),
        (replace(TWO, node="n3"), "n3 answers where n2 should"),
        (replace(TWO, node="n1"), "both are n1"),
        (replace(TWO, identity="third"), "auction cluster replace n2 --cluster FILE"),
        (replace(TWO, position=54), "its journal ends at 54, and n1 knows it up to 55"),
        (replace(TWO, since_epoch=2), "has its old directory"),
    ],
)
def test_every_refusal_is_told_to_both_sides(two: Hello, reason: str) -> None:
    """Whoever objects says why, and the other side hears it, if it did not object by itself."""
    for meeting in (Meeting(two=two).run(),):
        refusals = meeting.refusals
        assert all(refusal is not None and reason in refusal for refusal in refusals), refusals
        assert [end and end.node for end in meeting.ends] == [two.node, "n1"]


def test_a_directory_that_was_declared_replaced_is_welcome() -> None:
    """A new identity under a later epoch is no surprise, and its journal begins anew."""
    two = replace(TWO, identity="third", since_epoch=2, position=0)
    assert Meeting(two=two).run().refusals == [None, None]


def test_what_is_remembered_never_goes_back_an_epoch() -> None:
    """Maps that agree with each other, but are older than what was seen, are refused."""
    refusals = Meeting(known=Peer("third", 2, 0)).run().refusals
    assert all("give both the newest file" in str(refusal) for refusal in refusals)


def test_a_directory_of_an_earlier_life_does_not_start() -> None:
    """A node learns from its own memory that it was declared replaced."""
    assert own_objection("n2", 1, None) is None
    assert own_objection("n2", 1, KNOWN) is None
    assert "start it on an empty directory" in str(own_objection("n2", 3, KNOWN))


def test_nodes_agree_on_a_map_whatever_its_addresses() -> None:
    """Hosts and ports may differ from network to network; slots, lives and acceptors may not."""
    here = a_map("n1", "n2")
    entry = here.nodes["n2"]
    moved = replace(here, nodes={"n2": replace(entry, host="127.0.0.1", port=1), "n1": here.nodes["n1"]})
    assert map_digest(here) == map_digest(moved)
    for other in (
        replace(here, homes=("n2", "n1")),
        replace(here, acceptors=("n1",)),
        replace(here, nodes={**here.nodes, "n2": replace(entry, since_epoch=2)}),
    ):
        assert map_digest(here) != map_digest(other)


@given(
    step=st.integers(0, STEPS - 1),
    side=st.integers(0, 1),
    data=st.data(),
)
def test_a_transcript_that_was_tampered_with_welcomes_nobody(step: int, side: int, data: st.DataObject) -> None:
    """Whatever single byte is changed, cut off or added on the way, no side takes the other for what it is not."""
    meeting = Meeting()
    for number in range(STEPS):
        if number == step:
            message = meeting.said[side][0]
            at = data.draw(st.integers(0, len(message) - 1))
            meeting.said[side][0] = data.draw(
                st.sampled_from(
                    [message[:at] + bytes([message[at] ^ flip]) + message[at + 1 :] for flip in (1, 2, 16, 128, 255)]
                    + [message[:at], message + b"\0"]
                )
            )
        meeting.exchange()
    deceived = meeting.ends[1 - side]
    assert deceived is None or deceived.welcome is None
    for end, other in zip(meeting.ends, (TWO, ONE), strict=True):
        assert end is None or end.welcome in (None, other)


@given(side=st.sampled_from(["one", "two"]), own=st.lists(st.booleans(), min_size=STEPS, max_size=STEPS))
def test_nothing_that_a_node_says_is_good_when_said_back_to_it(side: str, own: list[bool]) -> None:
    """A stranger that hands back, or over from a parallel handshake, what it hears never gets as far as a hello."""
    victim, second = Meeting(nonces=(1, 2)), Meeting(nonces=(3, 4))
    handshake, parallel = getattr(victim, side), getattr(second, side)
    echoes = [handshake.begin()]
    others = [parallel.begin()]
    said: list[bytes] = []
    for reflected in own:
        source = echoes if reflected else others
        if not source:
            break
        message = source.pop(0)
        step = handshake.receive(message)
        said += step.send
        echoes += step.send
        if step.refusal is not None:
            break
        others += parallel.receive(message).send
        assert step.welcome is None
    assert all(msgspec.msgpack.decode(message)[0] in ("proof", "refused") for message in said)


def test_an_earlier_handshake_cannot_be_played_again() -> None:
    """All that a node once said is worthless in the next handshake, whose nonces are others."""
    earlier, now = Meeting(nonces=(1, 2)), Meeting(nonces=(3, 4))
    recording = []
    for _ in range(STEPS):
        recording.append(earlier.said[1][0])
        earlier.exchange()
    assert earlier.refusals == [None, None]
    step = Step()
    for message in recording:
        step = now.one.receive(message)
        if step.refusal is not None:
            break
    assert step.refusal == WRONG_SECRET


@given(messages=st.lists(st.binary(max_size=200), min_size=1, max_size=STEPS))
def test_noise_is_refused_and_never_raises(messages: list[bytes]) -> None:
    """Bytes of a stranger end the handshake with a reason at once, and the answer says nothing else."""
    step = Meeting().two.receive(messages[0])
    assert step.refusal is not None
    assert step.send == (msgspec.msgpack.encode(["refused"]),)


@pytest.mark.parametrize("skipped", range(1, STEPS))
def test_steps_come_in_order(skipped: int) -> None:
    """A step that comes before its time is refused."""
    whole = Meeting()
    messages = []
    for _ in range(STEPS):
        messages.append(whole.said[0][0])
        whole.exchange()
    step = Meeting().two.receive(messages[skipped])
    assert step.refusal == "it does not keep to the order of the handshake"
