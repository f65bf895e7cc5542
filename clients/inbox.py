"""The player's events, each once and in order, whatever the sockets do.

An event enters by its `seq`, the one after the last and no other. What a push skips, a new login reveals, or a full
inbox had no room for, is known to exist and is read with `events.since` when there is room.
"""

from collections import deque
from typing import Any

from auction.results import EventsResult
from auction.state import Notice
from clients.errors import EventsMissed

PAGE_MAX = 100
"""The largest `limit` of `events.since`."""


class Inbox:
    """At most `room` events not taken yet. `since` is the last one the program has seen, None for "from now on"."""

    def __init__(self, since: int | None, room: int) -> None:
        self.last_seq = since
        """`seq` of the last event that entered."""
        self.known_seq = since or 0
        """The highest `seq` heard of."""
        self._room = room
        self._events: deque[Notice | EventsMissed] = deque()

    def begin(self, seq: int) -> None:
        """A login told the `seq` of the player's latest event."""
        self.known_seq = max(self.known_seq, seq)
        if self.last_seq is None:
            self.last_seq = seq

    def put(self, event: Notice) -> bool:
        """Take an event in if it is the next one and there is room; say whether."""
        self.known_seq = max(self.known_seq, event.seq)
        if self.last_seq is None or event.seq != self.last_seq + 1 or len(self._events) >= self._room:
            return False
        self._events.append(event)
        self.last_seq = event.seq
        return True

    def wanted(self) -> dict[str, Any] | None:
        """Params of `events.since` for what is known to exist and has room, None for nothing."""
        room = self._room - len(self._events)
        if self.last_seq is None or self.last_seq >= self.known_seq or room <= 0:
            return None
        return {"seq": self.last_seq, "limit": min(room, PAGE_MAX)}

    def put_page(self, page: EventsResult) -> bool:
        """Take in an answer of `events.since`; say whether it brought anything."""
        assert self.last_seq is not None
        self.known_seq = max(self.known_seq, page.last_seq)
        before = self.last_seq
        if page.oldest_seq > before + 1:
            self._events.append(EventsMissed(before + 1, page.oldest_seq - 1))
            self.last_seq = page.oldest_seq - 1
        for event in page.events:
            self.put(event)
        return self.last_seq > before

    def take(self) -> Notice | None:
        """Hand out the next event, None for none. Raises EventsMissed, once, where the house no longer keeps some."""
        if not self._events:
            return None
        event = self._events.popleft()
        if isinstance(event, EventsMissed):
            raise event
        return event
