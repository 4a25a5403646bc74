"""A door in front of a database that leads elsewhere when it is told to, as the address of a cluster does."""

import contextlib
import socket
import threading


class Forwarder:
    """Passes connections to its `port` on to another local port. `switch` breaks off those that exist."""

    def __init__(self, target: int) -> None:
        self._target = target
        self._sockets: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def switch(self, target: int) -> None:
        with self._lock:
            self._target = target
            sockets, self._sockets = self._sockets, set()
        for end in sockets:
            _end(end)

    def stop(self) -> None:
        _end(self._listener)
        self.switch(0)

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                caller, _ = self._listener.accept()
                threading.Thread(target=self._pass_on, args=(caller,), daemon=True).start()

    def _pass_on(self, caller: socket.socket) -> None:
        with self._lock:
            target = self._target
            self._sockets.add(caller)
        try:
            database = socket.create_connection(("127.0.0.1", target), timeout=5)
        except OSError:
            _end(caller)
            return
        database.settimeout(None)
        for end in (caller, database):
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with self._lock:
            self._sockets.add(database)
        if target != self._target:
            _end(caller)
        threading.Thread(target=_copy, args=(caller, database), daemon=True).start()
        _copy(database, caller)


def _copy(source: socket.socket, sink: socket.socket) -> None:
    try:
        with contextlib.suppress(OSError):
            while data := source.recv(1 << 16):
                sink.sendall(data)
    finally:
        _end(source)
        _end(sink)


def _end(end: socket.socket) -> None:
    with contextlib.suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)
    end.close()
