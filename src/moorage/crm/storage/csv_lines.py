"""Lines of CSV made in Python, for engines that do not make them: see `storage/contract/lines.py` for what they say."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeAlias

import msgspec

from moorage.crm.storage.contract.lines import Column, Lines

Text: TypeAlias = Callable[[Any], str]

END = "\r\n"
QUOTE, TWO_QUOTES = '"', '""'

_BOOLEANS = {0: "false", 1: "true", None: ""}
_decode = msgspec.json.Decoder().decode


def lines_of(
    columns: Sequence[Column], times: Mapping[int | None, str | None], reals: Text
) -> Callable[[Iterable[Sequence[Any]]], Lines]:
    """What makes lines of rows, each with its id and the stored value of each column."""
    texts = [_text_of(column, times, reals) for column in columns]

    def made(rows: Iterable[Sequence[Any]]) -> Lines:
        lines, last = [], None
        for row in rows:
            last = row[0]
            lines.append(",".join([text(value) for text, value in zip(texts, row[1:], strict=True)]))
        lines.append("")
        return Lines(END.join(lines).encode(), len(lines) - 1, last)

    return made


def _text_of(column: Column, times: Mapping[int | None, str | None], reals: Text) -> Text:
    if column.labels is not None:
        labels = {identity: _quoted(label) for identity, label in column.labels}
        return lambda value: labels.get(value, '""')
    match column.field.storage:
        case "list":
            return lambda value: _quoted(_joined(_decode(value or "[]")))
        case "tags":
            return lambda value: _quoted(_joined([tag["name"] for tag in _decode(value or "[]")]))
        case "boolean":
            return _BOOLEANS.__getitem__
        case "datetime":
            return lambda value: times[value] or ""
        case "real":
            return lambda value: "" if value is None else reals(value)
    return _quoted if column.is_quoted else _plain


def _plain(value: Any) -> str:
    return "" if value is None else str(value)


def _quoted(text: str | None) -> str:
    if text is None:
        return '""'
    return f'"{text.replace(QUOTE, TWO_QUOTES)}"' if QUOTE in text else f'"{text}"'


def _joined(items: Iterable[str]) -> str:
    return ";".join(items)
