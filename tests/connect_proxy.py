"""A small proxy that makes tunnels (CONNECT) to ports of this machine, whatever the names are."""

import contextlib
import socket
import threading


class ConnectProxy:
    """`ports` has the local port that stands for each `host:port`. `heads` are the requests that it was sent.

    With `answer`, it sends only that, and makes no tunnel; None as `answer` closes, an empty one says nothing.
    """

    def __init__(self, ports=None, *, user=None, answer=False):
        self.ports = ports or {}
        self.user = user
        self.answer = answer
        self.heads = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._open = [self._listener]
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self):
        for each in self._open:
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def _serve(self):
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                self._open.append(client)
                threading.Thread(target=self._meet, args=(client,), daemon=True).start()

    def _meet(self, client):
        with contextlib.suppress(OSError):
            head = b""
            while b"\r\n\r\n" not in head:
                data = client.recv(4096)
                if not data:
                    return
                head += data
            self.heads.append(head.decode())
            if self.answer is not False:
                if self.answer is None:
                    client.close()
                else:
                    client.sendall(self.answer)
                return
            if self.user is not None and f"Proxy-Authorization: Basic {self.user}" not in head.decode():
                client.sendall(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
                return
            self._join(client, head.split()[1].decode())

    def _join(self, client, target):
        if target not in self.ports:
            client.sendall(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
            return
        behind = socket.create_connection(("127.0.0.1", self.ports[target]))
        self._open.append(behind)
        client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        threading.Thread(target=_pass_on, args=(behind, client), daemon=True).start()
        _pass_on(client, behind)


def _pass_on(source, target):
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_WR)
