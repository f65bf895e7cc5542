"""The order of events, apart from sockets and calls."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auction.results import EventsResult
from auction.state import Notice
from clients.errors import EventsMissed
from clients.inbox import PAGE_MAX, Inbox


def event(seq: int) -> Notice:
    """An event."""
    return Notice(seq=seq, type="listing.sold", at_ms=1, data={})


def page(seqs: list[int], *, oldest: int = 1, last: int) -> EventsResult:
    """An answer of `events.since`."""
    return EventsResult(
        events=[event(seq) for seq in seqs], next_seq=seqs[-1] if seqs else 0, oldest_seq=oldest, last_seq=last
    )


@given(st.lists(st.integers(1, 12), max_size=60), st.integers(1, 12))
def test_any_order_of_pushes_gives_a_run_without_gaps(seqs: list[int], room: int) -> None:
    """Whatever is pushed, what comes out is 1, 2, 3, … and never more than there is room for."""
    inbox = Inbox(since=0, room=room)
    for seq in seqs:
        inbox.put(event(seq))
    taken = []
    while (next_event := inbox.take()) is not None:
        taken.append(next_event.seq)
    assert taken == list(range(1, len(taken) + 1))
    assert len(taken) <= room
    assert inbox.known_seq == max(seqs, default=0)


def test_a_gap_is_wanted_from_the_last_event_on() -> None:
    """A push that skips events makes the inbox want everything after the last one, a page at most."""
    inbox = Inbox(since=7, room=1_000)
    assert inbox.wanted() is None
    assert not inbox.put(event(300))
    assert inbox.wanted() == {"seq": 7, "limit": PAGE_MAX}


def test_no_more_is_wanted_than_there_is_room_for() -> None:
    """A full inbox wants nothing; one event taken makes room for one."""
    inbox = Inbox(since=0, room=2)
    for seq in (1, 2, 3):
        inbox.put(event(seq))
    assert inbox.wanted() is None
    inbox.take()
    assert inbox.wanted() == {"seq": 2, "limit": 1}


def test_events_no_longer_kept_are_told() -> None:
    """Where the house has forgotten events, the program learns which, once, and goes on with the next."""
    inbox = Inbox(since=2, room=10)
    inbox.begin(9)
    assert inbox.put_page(page([8, 9], oldest=8, last=9))
    with pytest.raises(EventsMissed) as missed:
        inbox.take()
    assert (missed.value.first_seq, missed.value.last_seq) == (3, 7)
    assert [inbox.take().seq, inbox.take().seq] == [8, 9]
    assert inbox.take() is None


def test_a_page_with_nothing_new_says_so() -> None:
    """Events that came by push meanwhile are not taken twice from a page."""
    inbox = Inbox(since=0, room=10)
    inbox.put(event(1))
    assert not inbox.put_page(page([1], last=1))
    assert inbox.take().seq == 1
    assert inbox.take() is None
