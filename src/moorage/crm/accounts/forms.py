"""The parameters of a request to the accounts server, from its query and its body."""

from moorage.http.forms import body_pairs, fields
from moorage.http.message import Request


def form(request: Request) -> dict[str, str]:
    """The parameters of query and body. If both have a parameter, that of the body counts. Raises BodyTooLarge."""
    body = request.body
    assert isinstance(body, bytes)  # A stranger's body is so short that it is in memory.
    pairs = body_pairs(request.header(b"content-type"), body)
    return {**fields(request.query), **dict(pairs)}
