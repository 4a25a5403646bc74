"""CSV files of people: which encoding and delimiter they have, and their rows."""

import base64
import csv
import io
import zlib
from typing import Any

import msgspec

from moorage.console.calls import Refused

MOST_ROWS = 10_000
MOST_COLUMNS = 200
MOST_UNPACKED = 16 * 1024 * 1024  # Bytes.
_DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}
_MARKS = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))


class Sheet(msgspec.Struct, frozen=True):
    """`delimiter` and `encoding` are names for people. Every row has as many cells as there are names."""

    names: list[str]
    rows: list[list[str]]
    delimiter: str
    encoding: str


def sheet_of(content: bytes) -> Sheet:
    """The rows of a file whose first line has the names of its columns. Raises Refused, in words."""
    text, encoding = _decoded(content)
    delimiter = _delimiter(text)
    try:
        lines = [row for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter) if any(row)]
    except csv.Error as error:
        raise _broken(f"The file can't be read as CSV: {error}.") from None
    if len(lines) < 2:
        raise _broken("The file has no rows below its first line.")
    names = [name.strip() for name in lines[0]]
    if len(names) > MOST_COLUMNS or len(lines) - 1 > MOST_ROWS:
        raise _broken(f"The file has more than {MOST_ROWS:,} rows or {MOST_COLUMNS} columns.")
    for number, line in enumerate(lines[1:], 2):
        if len(line) > len(names):
            raise _broken(f"Row {number} has {len(line)} cells, and the first line {len(names)} names.")
    rows = [line + [""] * (len(names) - len(line)) for line in lines[1:]]
    return Sheet(names, rows, _DELIMITERS[delimiter], encoding)


def _broken(message: str) -> Refused:
    return Refused(400, "csv_invalid", message, "Save the table as CSV with names in its first line.")


def _decoded(content: bytes) -> tuple[str, str]:
    for mark, encoding in _MARKS:
        if content.startswith(mark):
            try:
                return content.decode(encoding), encoding.removesuffix("-sig")
            except UnicodeDecodeError:
                raise _broken(f"The file is no valid {encoding.upper()}.") from None
    try:
        return content.decode(), "utf-8"
    except UnicodeDecodeError:
        return content.decode("cp1252", "replace"), "windows-1252"


def _delimiter(text: str) -> str:
    """The sign that parts the first line, and most of those below it into as many cells."""
    head = "\n".join(text.splitlines()[:10])
    best, most = ",", (0, 0)
    for sign in _DELIMITERS:
        try:
            widths = [len(row) for row in csv.reader(io.StringIO(head), delimiter=sign) if row]
        except csv.Error:
            continue
        if widths and widths[0] > 1:
            best, most = max(
                (best, most), (sign, (widths.count(widths[0]), widths[0])), key=lambda each: each[1]
            )
    return best


def packed(value: Any) -> str:
    """JSON in a form's hidden field, so that the server keeps nothing between the steps of an import."""
    return base64.b64encode(zlib.compress(msgspec.json.encode(value), 6)).decode()


def unpacked(text: str) -> Any:
    """Raises Refused for what `packed` has not made."""
    try:
        unzip = zlib.decompressobj()
        data = unzip.decompress(base64.b64decode(text, validate=True), MOST_UNPACKED)
        return msgspec.json.decode(data if unzip.eof else b"")  # Without halves of surrogates.
    except (ValueError, zlib.error, RecursionError):
        raise broken_form() from None


def broken_form() -> Refused:
    message = "What the form remembers can't be read."
    return Refused(400, "form_broken", message, "Begin again with the file.")
