"""Passes messages of MCP between the lines of a program that started us, and a server's `/mcp` over HTTP.

Each message that comes in is a POST of its own, in a thread of its own, so that a slow call keeps no other one
waiting. This is small and of our own, because the official SDK is an extra, which nobody should need for it.
"""

import json
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from moorage import __version__
from moorage.cli.failures import explain, in_one_line
from moorage.cli.mcp import messages
from moorage.cli.mcp.messages import Message, Mirrors, NotAMessage
from moorage.client import Moorage, Response, Unreachable
from moorage.client.events import events
from moorage.client.ongoing import OngoingCall
from moorage.client.response import raise_for_status
from moorage.errors import MoorageError

_GRACE = 1.0  # Seconds for the calls that are under way when the input ends.
_FIXED = {
    "Accept": "application/json, text/event-stream",
    "Content-Type": "application/json",
    "User-Agent": f"moorage-mcp/{__version__}",
}
_OTHER_KEY = "Give the agent's program another key, such as with `moorage mcp install --key NAME`"
_NO_MOORAGE = "Does the address lead to a Moorage? `moorage status` shows yours"


class Cancelled(Exception):
    """The client does not want the answer any more."""


class MarksUnknown(Exception):
    """The server misses a header that repeats an argument. The list of tools tells which."""


class NotMcp(MoorageError):
    """What answered is no server of MCP."""

    code = "not_mcp"


class Request:
    """A message on its way. Any thread may cancel it."""

    def __init__(self, message: Message) -> None:
        self.message = message
        self.is_cancelled = False
        self._lock = threading.Lock()
        self._call: OngoingCall | None = None
        self._has_missed_marks = False

    def send(self, open_call: Callable[[], OngoingCall]) -> OngoingCall:
        """A call of this request, which ends if the request is cancelled. Raises Cancelled."""
        with self._lock:
            if self.is_cancelled:
                raise Cancelled
            self._call = open_call()
            return self._call

    def cancel(self) -> None:
        with self._lock:
            self.is_cancelled = True
            if self._call is not None:
                self._call.break_off()

    def misses_marks(self, document: Mapping[str, Any]) -> bool:
        """True for the first answer that says that a header of the call of a tool is missing or wrong."""
        error = document.get("error")
        code = error.get("code") if isinstance(error, dict) else None
        first, self._has_missed_marks = not self._has_missed_marks, True
        return first and code == messages.HEADER_MISMATCH and self.message.method == "tools/call"


class Proxy:
    """`connect` makes a client of the server, `path` is the server's `/mcp` or one below it, `write` prints a line."""

    def __init__(self, connect: Callable[[], Moorage], path: str, write: Callable[[bytes], None]) -> None:
        self._connect = connect
        self._path = path
        self._write = write
        self._lock = threading.Lock()
        self._ended = threading.Condition(self._lock)
        self._printing = threading.Lock()
        self._requests: set[Request] = set()
        self._client: Moorage | None = None
        self._negotiated: str | None = None
        self._mirrors = Mirrors()

    def run(self, lines: Iterable[bytes]) -> None:
        """Pass messages on until the lines end, and for a moment longer, so that running calls can end."""
        try:
            for line in lines:
                if line.strip():
                    self._take(line)
            with self._lock:
                end = time.monotonic() + _GRACE
                while self._requests and (left := end - time.monotonic()) > 0:
                    self._ended.wait(left)
        finally:
            self._cancel(lambda _: True)
            self._forget_client()

    def _take(self, line: bytes) -> None:
        try:
            message = messages.read(line)
        except NotAMessage as error:
            self._print(messages.error(None, error.code, str(error)))
            return
        cancelled = message.cancelled
        if cancelled is not None:
            # HTTP has no such message: there, the end of the request's connection says the same.
            self._cancel(lambda request: request.message.id == cancelled)
            return
        request = Request(message)
        with self._lock:
            self._requests.add(request)
        threading.Thread(target=self._pass_on, args=(request,), daemon=True).start()

    def _cancel(self, is_meant: Callable[[Request], bool]) -> None:
        with self._lock:
            meant = [request for request in self._requests if is_meant(request)]
        for request in meant:
            request.cancel()

    def _pass_on(self, request: Request) -> None:
        try:
            self._answer(request)
        except Exception as error:  # noqa: BLE001 (whatever it is, the client waits for an answer)
            self._report(request, error)
        finally:
            with self._lock:
                self._requests.discard(request)
                self._ended.notify()

    def _report(self, request: Request, error: Exception) -> None:
        """Tell the client what went wrong and what to do, unless it waits for no answer."""
        if request.is_cancelled or request.message.id is None:
            return
        _, facts, help_ = explain(error)
        data = {name: facts.get(name) for name in ("code", "status", "request_id")}
        match facts.get("status"):
            case 401:
                help_ = _OTHER_KEY
            case 404:
                help_ = help_ or _NO_MOORAGE
        sentence = in_one_line(facts["message"], help_)
        self._print(messages.error(request.message.id, messages.NOT_ANSWERED, sentence, data))

    def _answer(self, request: Request) -> None:
        """Send a message and write what comes back. Raises Cancelled, and what a client raises."""
        try:
            self._attempt(request)
        except MarksUnknown:
            self._attempt(request, request.message.asking("tools/list"))
            self._attempt(request)
        except Unreachable as error:
            if error.sent or request.is_cancelled:
                raise
            self._forget_client()  # The server may have moved to another port since it was looked up.
            self._attempt(request)

    def _forget_client(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            client.close()

    def _attempt(self, request: Request, instead: Message | None = None) -> None:
        """Send a request's message and write what comes back; or send another one and only learn from its answer."""
        client = self._client = self._client or self._connect()
        message = instead or request.message
        named = messages.headers(message, self._negotiated, self._mirrors)
        call = request.send(lambda: client.ongoing(self._path, message.line.strip(), _FIXED | named))
        try:
            media_type = call.begin()
            if media_type == "text/event-stream" and call.status < 300:
                self._pass_events(request, message, call.lines())
            else:
                self._pass_answer(request, message, call.read(), media_type)
        finally:
            call.end()
            if call.status == 401:
                self._forget_client()  # The next message reads the key anew: somebody may have stored another one.

    def _pass_events(self, request: Request, message: Message, lines: Iterable[bytes]) -> None:
        try:
            for _, document in events(lines):
                self._learn(message, document)
                if message is request.message and isinstance(document, dict):
                    self._print(document, request)
                if messages.answers(document, message.id):
                    return
        except ValueError as error:
            raise NotMcp("The server sent something that is not JSON", help="Ask again.") from error
        if message.id is not None:
            raise NotMcp("The server broke its answer off", help="Ask again.")

    def _pass_answer(self, request: Request, message: Message, response: Response, media_type: str) -> None:
        document = messages.document(response.body) if media_type == "application/json" else None
        if document is None or (response.status >= 400 and not messages.answers(document, message.id)):
            raise_for_status(response)
        if message.id is None:
            return
        if document is None or not messages.answers(document, message.id):
            raise NotMcp(
                f"The server answered {response.status} {response.reason}, which is not an answer of MCP",
                help=_NO_MOORAGE,
            )
        self._learn(message, document)
        if message is request.message:
            if request.misses_marks(document):
                raise MarksUnknown
            # As it came, if it can: who reads and writes numbers anew changes some.
            has_id = document.get("id") is not None
            self._print(response.body if has_id else document | {"id": message.id}, request)

    def _learn(self, message: Message, document: Any) -> None:
        result = document.get("result") if isinstance(document, dict) else None
        if message.method == "tools/list":
            self._mirrors.learn(result)
        elif message.method == "initialize" and isinstance(result, dict):
            self._negotiated = str(result.get("protocolVersion"))

    def _print(self, message: Mapping[str, Any] | bytes, request: Request | None = None) -> None:
        """Write a message on a line of its own, unless the request to which it belongs was cancelled."""
        text = message if isinstance(message, bytes) else json.dumps(message, allow_nan=False).encode()
        # Line breaks are only between the tokens of JSON: in a text, they are escaped.
        line = text.replace(b"\r", b" ").replace(b"\n", b" ") + b"\n"
        with self._printing:
            if request is None or not request.is_cancelled:
                self._write(line)
