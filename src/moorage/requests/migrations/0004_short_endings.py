"""Blocks of one form, in which most calls have six members. Older blocks have one of two other forms."""

from collections.abc import Sequence
from typing import Any

import msgspec
import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

_blocks = sa.table("blocks", sa.column("first", sa.BigInteger), sa.column("content", sa.LargeBinary))
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder().decode


def upgrade() -> None:
    connection = op.get_bind()
    # By their numbers, as a log may be larger than the memory.
    following = sa.select(_blocks).where(_blocks.c.first > sa.bindparam("number")).order_by(_blocks.c.first)
    change = _blocks.update().where(_blocks.c.first == sa.bindparam("number"))
    number = -1
    while (block := connection.execute(following.limit(1), {"number": number}).first()) is not None:
        number = block.first
        connection.execute(change, {"number": number, "content": _renewed(bytes(block.content))})


def _renewed(content: bytes) -> bytes:
    block = _decode(content)
    if isinstance(block, dict):
        return _encode({**block, "endings": [_ending(*ending) for ending in block["endings"]]})
    # A list of whole calls: who called, the method, the path, eleven members of the ending, four that may be missing.
    places: dict[bytes, int] = {}
    order, endings = list[int](), list[Sequence[Any]]()
    for call in block:
        operation, verdict, rule, trace = (*call[14:], *[None] * 4)[:4]
        called = _encode([*call[:3], operation, verdict, rule])
        order.append(places.setdefault(called, len(places)))
        request_id = call[3] if trace is None else b"%b %b" % (call[3], trace.encode())
        endings.append(_ending(request_id, *call[4:14]))
    return _encode({"called": list(map(msgspec.Raw, places)), "order": order, "endings": endings})


def _ending(
    request_id: bytes,
    began: float,
    sent_at: float,
    answered_at: float,
    ended: float,
    status: int,
    source: str,
    error: str | None,
    bytes_in: int,
    bytes_out: int,
    sent: str,
) -> Sequence[Any]:
    how = answered_at, sent_at, source, error, sent
    is_plain = how == (ended, began, "upstream", None, "true")
    return (began, ended, status, request_id, bytes_out, bytes_in, *(() if is_plain else how))
