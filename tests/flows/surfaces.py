"""What a request can be sent to, on a whole server."""

from dataclasses import dataclass
from urllib.parse import urlsplit

from tests.gateway.wire import Client


@dataclass
class Surface:
    """A path of an origin, the headers by which its caller is known, and the status of an answer to GET."""

    name: str
    path: str
    origin: str
    authorization: str
    status: int = 200

    @property
    def port(self) -> int:
        return urlsplit(self.origin).port

    @property
    def host(self) -> str:
        return f"Host: a.test\r\nAuthorization: {self.authorization}\r\n"

    @property
    def is_crm(self) -> bool:
        return self.name in {"crm", "accounts"}

    def connect(self):
        return Client(self.port)

    def head(self, method="GET", headers="", version="1.1"):
        return f"{method} {self.path} HTTP/{version}\r\n{self.host}{headers}\r\n"

    def ask(self, method="GET", headers=""):
        with self.connect() as client:
            client.send(self.head(method, headers))
            return client.answer(bare=method == "HEAD")
