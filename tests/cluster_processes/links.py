"""The wires between nodes: a loopback proxy for each pair, which a test can cut, silence and heal.

Cut, connections are closed and new ones too; silenced, they stay, and no byte comes through in either direction.
"""

import select
import socket
import threading
from contextlib import suppress

CHUNK_BYTES = 65_536
END_S = 10.0
"""How long a wire may take to end."""


class Wire:
    """Listens on `port` and leads to another one."""

    def __init__(self, to_port: int) -> None:
        self._to_port = to_port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._lock = threading.Lock()
        self._connected: set[socket.socket] = set()
        self._is_cut = False
        self._carries = threading.Event()
        self._carries.set()
        self._threads: list[threading.Thread] = []
        self._begin(self._accept)

    def cut(self) -> None:
        """Close what is connected, and whatever connects, until it is healed."""
        with self._lock:
            self._is_cut = True
            connected = tuple(self._connected)
        for end in connected:
            _shut(end)

    def silence(self) -> None:
        """Carry nothing until it is healed; what was sent meanwhile is then late."""
        self._carries.clear()

    def heal(self) -> None:
        """Carry everything again."""
        with self._lock:
            self._is_cut = False
        self._carries.set()

    def close(self) -> None:
        """End for good."""
        self.cut()
        self._carries.set()
        _shut(self._listener)
        self._listener.close()
        for thread in self._threads:
            thread.join(END_S)
            assert not thread.is_alive(), thread.name

    def _begin(self, work: object, *args: object) -> None:
        thread = threading.Thread(target=work, args=args, name=f"wire to {self._to_port}")  # type: ignore[arg-type]  # it is called
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        with suppress(OSError):  # the listener was closed
            while True:
                near, _ = self._listener.accept()
                self._begin(self._carry, near)

    def _carry(self, near: socket.socket) -> None:
        with near, suppress(OSError), socket.create_connection(("127.0.0.1", self._to_port), END_S) as far:
            far.settimeout(None)
            across = {near: far, far: near}
            with self._lock:
                if self._is_cut:
                    return
                self._connected |= across.keys()
            try:
                self._carry_across(across)
            finally:
                with self._lock:
                    self._connected -= across.keys()

    def _carry_across(self, across: dict[socket.socket, socket.socket]) -> None:
        while True:
            readable, _, _ = select.select(list(across), [], [])
            self._carries.wait()
            for end in readable:
                chunk = end.recv(CHUNK_BYTES)
                if not chunk:
                    return
                across[end].sendall(chunk)


def _shut(end: socket.socket) -> None:
    with suppress(OSError):  # it is shut already
        end.shutdown(socket.SHUT_RDWR)
