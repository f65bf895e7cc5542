"""Which node a session talks to: one of the program's URLs, in turn, or the home that `moved` names.

From a home that is lost the way leads back to the program's URLs. If that home had let the session in, they are asked
for redirects again, for the home may be elsewhere now; if it never did, they are to serve the session themselves until
the next socket. Any node serves anybody, so a home out of reach, or nodes that send a session in circles, cost a hop
within the house and nothing else.
"""

from collections.abc import Sequence

PLAIN, SECURE = "ws://", "wss://"


class Route:
    """`url` is where the next socket goes, `redirects` whether the next login asks to be sent to the player's home."""

    def __init__(self, urls: Sequence[str], *, redirects: bool, hops_max: int, hops_window_s: float) -> None:
        assert urls, "a session needs a URL"
        self.url = urls[0]
        self.redirects = redirects
        self._urls = tuple(urls)
        self._turn = 0
        self._wishes_redirects = redirects
        self._at_home = False
        self._hops_max = hops_max
        self._hops_window_s = hops_window_s
        self._hops = 0
        self._hopped_at_s = 0.0

    @property
    def has_tried_all(self) -> bool:
        """Whether each of the program's URLs has been lost at least once."""
        return self._turn >= len(self._urls)

    def lost(self, *, was_online: bool) -> None:
        """The socket is gone, or could not be opened; `was_online`: the node had let us in."""
        if self._at_home:
            self._at_home = False
            self.redirects = self._wishes_redirects and was_online
        else:
            self._turn += 1
            self.redirects = self._wishes_redirects
        self.url = self._urls[self._turn % len(self._urls)]

    def follow(self, now_s: float, home: str) -> bool:
        """Go to where `moved` points; False to stay and be served here, without redirects.

        A session stays where it was sent too often of late, where the home is where it is, and where the way there is
        not a WebSocket's or would leave TLS.
        """
        if now_s - self._hopped_at_s > self._hops_window_s:
            self._hops = 0
        is_passable = home.startswith(SECURE) or (home.startswith(PLAIN) and self.url.startswith(PLAIN))
        if self._hops >= self._hops_max or home == self.url or not is_passable:
            self.redirects = False
            return False
        self._hops += 1
        self._hopped_at_s = now_s
        self._at_home = True
        self.url = home
        return True
