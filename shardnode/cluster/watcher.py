"""A running node takes over a changed cluster.toml by itself: a node that moved, or one that was replaced."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from twisted.internet.base import DelayedCall
from twisted.logger import Logger
from twisted.python.failure import Failure

from shardnode.cluster.file import ClusterFault, check_live, read_map
from shardnode.cluster.map import ClusterMap

LOOK_EVERY_S = 1.0

log = Logger()


class Watcher:
    """Looks at the file every LOOK_EVERY_S. `changed` gets each map that can be taken live; `replaced` gets a sentence
    when it is this node that was replaced: it must stop. `failed` hears of a map that was taken over by halves only.
    """

    def __init__(
        self,
        reactor: Any,
        path: Path,
        node: str,
        cluster_map: ClusterMap,
        changed: Callable[[ClusterMap], None],
        replaced: Callable[[str], None],
        failed: Callable[[Failure], None],
    ) -> None:
        self._reactor = reactor
        self._path = path
        self._node = node
        self._map = cluster_map
        self._changed = changed
        self._replaced = replaced
        self._failed = failed
        self._seen: tuple[int, ...] | None = None
        """Which file it was that was read last."""
        self._next: DelayedCall | None = None

    def start(self) -> None:
        """Begin to look."""
        self._next = self._reactor.callLater(LOOK_EVERY_S, self._look)

    def stop(self) -> None:
        """Look no more."""
        if self._next is not None:
            self._next.cancel()
            self._next = None

    def _look(self) -> None:
        self.start()
        seen = _signature(self._path)
        if seen == self._seen:
            return
        self._seen = seen
        try:
            new = read_map(self._path)
            if new == self._map:
                return
            check_live(self._path, self._map, new)
        except ClusterFault as fault:
            log.error("the changed cluster.toml is not taken over: {why}", why=str(fault))  # noqa: TRY400 - no bug
        else:
            self._take(new)

    def _take(self, new: ClusterMap) -> None:
        old_epoch, new_epoch = (each.nodes[self._node].since_epoch for each in (self._map, new))
        self._map = new
        if old_epoch != new_epoch:
            self._replaced(
                f"{self._node} was replaced in epoch {new_epoch}, so this data directory is out of use; start "
                f"{self._node} on an empty one"
            )
            return
        log.info("the changed cluster.toml is taken over", version=new.version, epoch=new.epoch)
        try:
            self._changed(new)
        except Exception:  # a bug of ours must stop the node, not end in the reactor's log
            self._failed(Failure())


def _signature(path: Path) -> tuple[int, ...] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return (status.st_ino, status.st_size, status.st_mtime_ns)
