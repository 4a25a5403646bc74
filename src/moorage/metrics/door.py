"""The origin of the metrics, which has nothing else: `/metrics` and `/healthz`."""

from collections.abc import Awaitable
from urllib.parse import urlsplit

from moorage.errors import MoorageError
from moorage.http.answering import Door
from moorage.http.bodies import Admission, Allowance, Budget
from moorage.http.errors import MethodNotAllowed, NotFound, render
from moorage.http.message import Request, Response
from moorage.http.middleware import request_id
from moorage.loopback import is_loopback
from moorage.metrics.service import Metrics
from moorage.metrics.text import CONTENT_TYPE

_NO_BODY = Allowance(0, Budget(0))


def metrics_door(metrics: Metrics, *, only_here: bool) -> Door:
    """With `only_here`, requests have to name an address of this machine: a page of another site, whose name leads to
    this machine, names that.
    """

    def answer(request: Request) -> Response | Awaitable[Response]:
        try:
            if only_here and not _is_of_this_machine(request):
                raise NotFound("Nothing is here under this name.", help="Use an address such as 127.0.0.1.")
            if request.path not in {b"/metrics", b"/healthz"}:
                raise NotFound("There is nothing at this path.", help="The metrics are at /metrics.")
            if request.method not in {"GET", "HEAD"}:
                raise MethodNotAllowed(f"{request.method} is not possible here.", allow="GET, HEAD")
        except MoorageError as error:
            return render(error, request_id(request.headers))
        return _given(request, b"ok\n") if request.path == b"/healthz" else _numbers(request, metrics)

    return Door(answer, _admit)


async def _numbers(request: Request, metrics: Metrics) -> Response:
    return _given(request, await metrics.text())


def _given(request: Request, text: bytes) -> Response:
    headers = [
        (b"content-type", CONTENT_TYPE),
        (b"x-content-type-options", b"nosniff"),
        (b"x-request-id", request_id(request.headers).encode()),
    ]
    return Response(200, text, headers)


def _admit(_request: Request) -> Admission:
    return _NO_BODY


def _is_of_this_machine(request: Request) -> bool:
    host = request.header(b"host")
    try:
        return host is None or is_loopback(urlsplit(f"//{host}").hostname or "")
    except ValueError:
        return False
