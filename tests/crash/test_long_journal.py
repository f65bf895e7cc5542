"""A journal may grow long; a start serves at once all the same, and reads the past of whoever asks."""

import time
from contextlib import ExitStack, closing

import pytest

from clients.codec import Message
from load_tests.generator import CODEC, Line, drive
from load_tests.house import call
from load_tests.websocket import Connection
from tests.crash.crowd import SERVICE
from tests.crash.house import NEVER, assert_balanced
from tests.processes import NodeProcess, Nodes

PLAYERS = 200
CONNECTIONS = 8
ROUND_S = 0.5
FIRST_ANSWER_WITHIN_S = 2.0


class Granter:
    """A game's service that grants a piece of gold to one player after another."""

    def __init__(self, name: str) -> None:
        self._name = name
        self.granted = 0

    def request(self) -> bytes:
        """The next grant."""
        params = {"player": player_name(self.granted), "gold": 1, "key": f"{self._name}-{self.granted}"}
        return CODEC.request(self.granted, "admin.grant", params)

    def take(self, message: Message) -> bool:
        """Count a grant that was answered."""
        assert message.error is None, message.error
        is_answer = message.id is not None
        self.granted += is_answer
        return is_answer


def test_a_start_after_a_crash_replays_what_no_file_has(nodes: Nodes) -> None:
    """Of some thousand records that only the journal has, a start after a crash loses none."""
    fill_and_crash(nodes, records=2_000)


@pytest.mark.slow
def test_a_start_serves_at_once_however_long_the_journal(nodes: Nodes, figures: list[str]) -> None:
    """After a crash with a hundred thousand records in the journal the first request is served within two seconds."""
    first_s = fill_and_crash(nodes, records=100_000)
    figures.append(f"crash: first answer {first_s:.2f} s after a start with 100,000 records to replay")
    assert first_s < FIRST_ANSWER_WITHIN_S


def fill_and_crash(nodes: Nodes, records: int) -> float:
    """Let the journal grow, crash, start again and look at every player; seconds from the start to the first answer."""
    node = nodes.start(environment=NEVER)
    granters = [Granter(f"service-{number}") for number in range(CONNECTIONS)]
    with ExitStack() as connected:
        lines = [Line(connected.enter_context(connection(nodes, node)), granter) for granter in granters]
        while sum(granter.granted for granter in granters) < records:
            drive(lines, ROUND_S)
    node.kill()
    assert_balanced(nodes.data)

    began_s = time.monotonic()
    node = nodes.start(environment=NEVER)
    with connection(nodes, node) as service:
        call(service, "admin.player", player=player_name(0))
        first_s = time.monotonic() - began_s
        players = [call(service, "admin.player", player=player_name(number)) for number in range(PLAYERS)]
    granted = sum(granter.granted for granter in granters)
    assert sum(player["gold"]["available"] for player in players) == granted
    return first_s


def player_name(number: int) -> str:
    """One of PLAYERS, by a number of any size."""
    return f"player-{number % PLAYERS}"


def connection(nodes: Nodes, node: NodeProcess) -> closing[Connection]:
    """A service's connection to a node, to be closed at the end of the block."""
    headers = {"Authorization": f"Bearer {nodes.token(SERVICE, 'service')}"}
    return closing(Connection(node.url(), CODEC.subprotocol, headers))
