"""The parameters of a request to the accounts server, wherever clients put them."""

from moorage.http.forms import body_pairs, fields
from moorage.http.message import Request


def form(request: Request) -> dict[str, str]:
    """The parameters of the query and the body; of one in both the body's counts. Raises BodyTooLarge."""
    body = request.body
    assert isinstance(body, bytes)  # Strangers may send no more than memory takes.
    pairs = body_pairs(request.header(b"content-type"), body)
    return {**fields(request.query), **dict(pairs)}
