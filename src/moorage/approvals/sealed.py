"""What the vault keeps of a held call: its bytes, its diff, and its answer."""

from typing import Literal, TypeAlias, TypeVar

import msgspec

from moorage.approvals.model import Answer, HeldCall
from moorage.storage import Transaction
from moorage.vault.service import Vault

Kind: TypeAlias = Literal["call", "diff", "answer"]
_OF_CALL: tuple[Kind, ...] = ("call", "diff")

T = TypeVar("T")


def owner(approval_id: str) -> str:
    return f"approval {approval_id}"


class _Bytes(msgspec.Struct):
    """msgspec writes bytes as base64. `start` is a method and a path, or a status."""

    start: tuple[str, bytes] | int
    headers: list[tuple[bytes, bytes]]
    body: bytes
    is_whole: bool = True


async def put_call(vault: Vault, tx: Transaction, approval_id: str, call: HeldCall) -> None:
    value = _Bytes((call.method, call.native), call.headers, call.body)
    await _put(vault, tx, approval_id, "call", value)


async def call_of(vault: Vault, tx: Transaction, approval_id: str) -> HeldCall | None:
    value = await _get(vault, tx, approval_id, "call", _Bytes)
    if value is None or isinstance(value.start, int):
        return None
    return HeldCall(*value.start, value.headers, value.body)


async def put_answer(vault: Vault, tx: Transaction, approval_id: str, answer: Answer) -> None:
    value = _Bytes(answer.status, answer.headers, answer.body, answer.is_whole)
    await _put(vault, tx, approval_id, "answer", value)


async def answer_of(vault: Vault, tx: Transaction, approval_id: str) -> Answer | None:
    value = await _get(vault, tx, approval_id, "answer", _Bytes)
    if value is None or not isinstance(value.start, int):
        return None
    return Answer(value.start, value.headers, value.body, value.is_whole)


async def put_diff(vault: Vault, tx: Transaction, approval_id: str, diff: msgspec.Struct) -> None:
    await _put(vault, tx, approval_id, "diff", diff)


async def diff_of(vault: Vault, tx: Transaction, approval_id: str, kind: type[T]) -> T | None:
    return await _get(vault, tx, approval_id, "diff", kind)


async def shred_call(vault: Vault, tx: Transaction, approval_id: str) -> None:
    """Delete the bytes and the diff of a call that will not be sent again. Its answer stays."""
    for kind in _OF_CALL:
        await vault.shred_in(tx, owner(approval_id), kind)


async def _put(vault: Vault, tx: Transaction, approval_id: str, kind: Kind, value: msgspec.Struct) -> None:
    await vault.put_in(tx, owner(approval_id), kind, msgspec.json.encode(value).decode())


async def _get(vault: Vault, tx: Transaction, approval_id: str, kind: Kind, type_: type[T]) -> T | None:
    secret = await vault.get_in(tx, owner(approval_id), kind)
    return None if secret is None else msgspec.json.decode(secret.value, type=type_)
