"""The fields of a query: what their values mean, and which calls fit them."""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TypeAlias

from moorage.http.timestamps import read_span
from moorage.near import did_you_mean
from moorage.requests.model import Call, Names
from moorage.requests.notes import Note
from moorage.requests.query import TEXT, QueryInvalid, Term, Value, parse
from moorage.requests.service import Filter

Test: TypeAlias = Callable[[Call], bool]
_Number: TypeAlias = Callable[[float], bool]

_NUMBERS: Mapping[str, Callable[[Note], float]] = {
    "status": lambda note: note.status,
    "duration": lambda note: (note.ended - note.began) * 1000,
    "bytes_in": lambda note: note.bytes_in,
    "bytes_out": lambda note: note.bytes_out,
}
_TEXTS: Mapping[str, Callable[[Note], str | None]] = {
    "app": lambda note: note.caller.app,
    "caller": lambda note: "key" if note.caller.key_id.startswith("key_") else "person",
    "class": lambda note: None if note.operation is None else note.operation.kind,
    "environment": lambda note: note.caller.environment,
    "error": lambda note: note.error,
    "method": lambda note: note.method.decode("latin-1"),
    "operation": lambda note: None if note.operation is None else note.operation.name,
    "rule": lambda note: note.rule,
    "sent": lambda note: note.sent,
    "source": lambda note: note.source,
    "trace": lambda note: note.trace,
    "verdict": lambda note: note.verdict,
}
# Values of these fields are few, so another one is a mistake.
_WORDS = {
    "caller": ("key", "person"),
    "class": ("read", "write", "destructive"),
    "environment": ("live", "sandbox", "embedded"),
    "sent": ("true", "false", "unknown"),
    "source": ("gateway", "upstream"),
    "verdict": ("allow", "ask", "deny"),
}
FIELDS = tuple(sorted([*_NUMBERS, *_TEXTS, "connection", "id", "key", "module", "path", "since", "until"]))

_NUMBER = re.compile(r"(>=|<=|>|<)?(\d{1,12})|(\d{1,12})\.\.(\d{1,12})", re.ASCII)
_COMPARE: Mapping[str, Callable[[float, float], bool]] = {
    ">=": float.__ge__,
    "<=": float.__le__,
    ">": float.__gt__,
    "<": float.__lt__,
}
_MICROSECONDS = 1_000_000


def filter_of(text: str, names: Names, now: int) -> Filter:
    """The filter of a query. `now` is in microseconds since the epoch. Raises QueryInvalid."""
    terms = parse(text, FIELDS)
    words = [word for term in terms for word in _words(term)]
    since, until = (_times(terms, field, now) for field in ("since", "until"))
    tests = [_turned(_test(term, names, now), negated=term.negated) for term in terms]
    folded = [word for term in terms for word in _folded(term)]
    status = next((_status(term) for term in terms if term.field == "status" and not term.negated), None)
    return Filter(
        lambda call: all(test(call) for test in tests),
        words,
        folded,
        status,
        max(since, default=None),
        min(until, default=None),
        only_times=all(term.field in {"since", "until"} and not term.negated for term in terms),
    )


def _times(terms: Sequence[Term], field: str, now: int) -> Sequence[int]:
    """The values of a field of times; none if they are turned round, as then they limit nothing."""
    those = [term for term in terms if term.field == field]
    if any(term.negated for term in those):
        return ()
    return [_time(value, now) for term in those for value in term.values]


def _turned(test: Test, *, negated: bool) -> Test:
    return (lambda call: not test(call)) if negated else test


def _words(term: Term) -> Sequence[bytes]:
    """Bytes that every block has in which a call fits the term."""
    if term.negated or len(term.values) > 1:
        return ()
    [value] = term.values
    if term.field == "trace" and "*" not in value.text:
        return [value.text.lower().encode("utf-8", "replace")]
    if term.field == "id":
        return [value.text.encode("utf-8", "replace")]
    if term.field == "path":
        start = value.text if value.literal else value.text.partition("*")[0].partition("?")[0]
        return [start.encode("utf-8", "replace")]
    return ()


def _folded(term: Term) -> Sequence[bytes]:
    """As `_words`, in lower case, for fields whose case does not count."""
    if term.negated or len(term.values) > 1 or term.field not in {"module", "operation", "error", TEXT}:
        return ()
    [value] = term.values
    is_plain = value.text.isascii() and (value.literal or "*" not in value.text)
    # A text may begin in one field of a call and end in the next, so only its longest word counts.
    words = value.text.lower().split() if term.field == TEXT else [value.text.lower()]
    return [max(words, key=len).encode()] if is_plain and words else ()


def _status(term: Term) -> Callable[[int], bool]:
    fits = [_number("status", value) for value in term.values]
    return lambda status: any(fit(status) for fit in fits)


def _test(term: Term, names: Names, now: int) -> Test:
    field, values = term.field, term.values
    if field in _NUMBERS:
        number, fits = _NUMBERS[field], [_number(field, value) for value in values]
        return lambda call: any(fit(number(call.note)) for fit in fits)
    if field in _TEXTS:
        return _text_test(_TEXTS[field], _one_of([_known(field, value) for value in values]))
    if field in {"since", "until"}:
        times = [_time(value, now) for value in values]
        if field == "since":
            return lambda call: call.at >= max(times)
        return lambda call: call.at < min(times)
    return _NAMED[field](values, names)


def _text_test(text: Callable[[Note], str | None], fits: Callable[[str], bool]) -> Test:
    return lambda call: (value := text(call.note)) is not None and fits(value)


def _one_of(values: Sequence[Value], *, exact: bool = False) -> Callable[[str], bool]:
    """Whether a text is one of the values, in whichever case unless `exact`."""
    tests = [_like(value, str if exact else str.casefold) for value in values]
    return lambda text: any(test(text) for test in tests)


def _like(value: Value, fold: Callable[[str], str]) -> Callable[[str], bool]:
    """Whether a text is like a value, in which each `*` stands for any characters. The time is that of searches."""
    first, *parts = [fold(value.text)] if value.literal else fold(value.text).split("*")
    if not parts:
        return lambda text: fold(text) == first
    *middle, last = parts

    def fits(text: str) -> bool:
        folded = fold(text)
        at, end = len(first), len(folded) - len(last)
        if not folded.startswith(first) or not folded.endswith(last):
            return False
        for part in middle:
            found = folded.find(part, at, max(end, 0))
            if found < 0:
                return False
            at = found + len(part)
        return at <= end

    return fits


def _known(field: str, value: Value) -> Value:
    words = _WORDS.get(field, ())
    if words and "*" not in value.text and value.text.lower() not in words:
        raise QueryInvalid(
            f"{field} can't be {value.text[:80]!r}.{did_you_mean(value.text, words)}",
            value.at,
            help=f"Use one of {', '.join(words)}.",
        )
    return value


def _number(field: str, value: Value) -> _Number:
    match = _NUMBER.fullmatch(value.text)
    if match is None:
        raise QueryInvalid(
            f"{field} can't be {value.text[:80]!r}.",
            value.at,
            help=f"Use a whole number, as in {field}:200, {field}:>=400 or {field}:400..499.",
        )
    if match[3] is not None:
        lowest, highest = float(match[3]), float(match[4])
        return lambda number: lowest <= number <= highest
    wanted, compare = float(match[2]), _COMPARE.get(match[1])
    if compare is None:
        return lambda number: number == wanted
    return lambda number: compare(float(number), wanted)


def _time(value: Value, now: int) -> int:
    """A moment in microseconds since the epoch: so long ago, or a date with or without a time, in UTC."""
    ago = read_span(value.text)
    if ago is not None:
        return now - ago // timedelta(microseconds=1)
    try:
        moment = datetime.fromisoformat(value.text.upper())
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        return int(moment.timestamp() * _MICROSECONDS)
    except (ValueError, OverflowError):
        raise QueryInvalid(
            f"{value.text[:80]!r} is not a time.",
            value.at,
            help="Use a number with s, m, h, d or w, such as 1h, or a time such as 2026-11-30T03:36:20Z.",
        ) from None


def _of_key(values: Sequence[Value], names: Names) -> Test:
    ids = _ids(values, names.keys, "key")
    return lambda call: call.note.caller.key_id in ids


def _of_connection(values: Sequence[Value], names: Names) -> Test:
    ids = _ids(values, names.connections, "connection")
    return lambda call: call.note.caller.connection_id in ids


def _ids(values: Sequence[Value], names: Mapping[str, str], what: str) -> frozenset[str]:
    """The ids that the values name. A key or a connection that is not there any more has only its id."""
    ids: set[str] = set()
    for value in values:
        fits = _one_of([value])
        named = {id_ for id_, name in names.items() if fits(name)}
        if not named and value.text not in names and not _ID.fullmatch(value.text) and "*" not in value.text:
            raise QueryInvalid(
                f"there is no {what} named {value.text[:80]!r}.{did_you_mean(value.text, names.values())}",
                value.at,
                help=f"Use the name or the id of a {what}.",
            )
        ids |= named or {value.text}
    return frozenset(ids)


_ID = re.compile(r"(key_)?[0-9a-f]{8}-[0-9a-f-]{4,27}")


def _of_module(values: Sequence[Value], _names: Names) -> Test:
    fits = _one_of(values)
    return lambda call: call.note.operation is not None and any(map(fits, call.note.operation.modules))


def _of_path(values: Sequence[Value], _names: Names) -> Test:
    fits = _one_of(values, exact=True)
    return lambda call: bool(fits(call.note.native.partition(b"?")[0].decode("latin-1")))


def _of_id(values: Sequence[Value], _names: Names) -> Test:
    ids = {value.text.encode("utf-8", "replace") for value in values}
    return lambda call: call.note.request_id in ids


def _of_text(values: Sequence[Value], _names: Names) -> Test:
    """Whether a call contains one of the texts, in whichever case."""
    wanted = [value.text.casefold() for value in values]

    def contains(call: Call) -> bool:
        note = call.note
        words = (
            note.method.decode("latin-1"),
            note.native.decode("latin-1"),
            note.request_id.decode("latin-1"),
        )
        name = note.operation.name if note.operation is not None else ""
        text = " ".join((*words, note.caller.app, name, note.error or "")).casefold()
        return any(word in text for word in wanted)

    return contains


_NAMED: Mapping[str, Callable[[Sequence[Value], Names], Test]] = {
    "connection": _of_connection,
    "id": _of_id,
    "key": _of_key,
    "module": _of_module,
    "path": _of_path,
    TEXT: _of_text,
}
