"""CSV in a zip, as strangers send it: read row by row, and refused before it takes much memory or time."""

import codecs
import csv
import io
import re
import zipfile
import zlib
from collections.abc import Generator, Iterator, Sequence
from itertools import chain, islice
from typing import IO, BinaryIO

MOST_ENTRIES = 100  # Files in one zip.
MOST_COLUMNS = 200
MOST_ROWS = 25_000
MOST_UNZIPPED = 256 * 1024 * 1024  # Bytes of all files of one resource.
MOST_OF_A_ROW = 1024 * 1024  # Characters.
_AT_ONCE = 4 * 1024 * 1024  # Characters of rows that are in memory together, and of one row more.
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_DELIMITERS = ",;\t|"
_SAID = re.compile(r"sep=(.)", re.IGNORECASE)
_IN_QUOTES = re.compile(r'"[^"]*"')


# What they decode can have half a character, which no storage takes.
_NOT_WHOLE = frozenset({"utf-7", "unicode-escape", "raw-unicode-escape"})


class Unreadable(Exception):
    """A file that can't be read as CSV. `code` is that of the API."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


def open_zip(file: BinaryIO) -> zipfile.ZipFile:
    """Raises Unreadable for what is no zip, or has too many files."""
    try:
        opened = zipfile.ZipFile(file)
    except (zipfile.BadZipFile, NotImplementedError, ValueError, OSError, EOFError) as error:
        raise Unreadable(
            "INVALID_FILE_FORMAT", "invalid file format. only zip format is supported"
        ) from error
    if len(opened.infolist()) > MOST_ENTRIES:
        raise Unreadable("FILE_NOT_SUPPORTED", f"a zip can have {MOST_ENTRIES} files")
    return opened


def names_in(opened: zipfile.ZipFile, names: Sequence[str]) -> list[str]:
    """The files of a zip with these names; without names, all CSV files of it. Raises Unreadable."""
    files = {info.filename: info for info in opened.infolist() if not info.is_dir()}
    chosen = list(names) or [name for name in files if name.lower().endswith(".csv")]
    if not chosen:
        raise Unreadable("FILE_NOT_SUPPORTED", "File not supported for bulk write")
    for name in chosen:
        if name not in files or not name.lower().endswith((".csv", ".txt")):
            raise Unreadable("FILE_NOT_SUPPORTED", "File not supported for bulk write")
        if files[name].flag_bits & 1:
            raise Unreadable("FILE_NOT_SUPPORTED", "a file with a password can not be read")
    if sum(files[name].file_size for name in chosen) > MOST_UNZIPPED:
        raise Unreadable("FILE_TOO_LARGE", "File size too large to process")
    return chosen


class CsvFile:
    """One file of a zip. `encoding` is used unless the file begins with a byte order mark.

    The delimiter is a comma, or what stands most often in the line of headings. Rows without any value are left out.
    """

    def __init__(self, opened: zipfile.ZipFile, name: str, encoding: str) -> None:
        """Raises Unreadable."""
        self._rows = _rows(opened, name, encoding)
        self.headings = [heading.strip() for heading in next(self._rows, [])]
        if not self.headings:
            raise Unreadable("FILE_NOT_SUPPORTED", "a file has to begin with a line of headings")
        if len(self.headings) > MOST_COLUMNS:
            self.close()
            raise Unreadable("HEADER_LIMIT_EXCEEDED", f"a file can have {MOST_COLUMNS} columns")

    def take(self, count: int) -> list[list[str]]:
        """The next rows: so many, or fewer if they are long; none at the end. Raises Unreadable."""
        rows: list[list[str]] = []
        size = 0
        while len(rows) < count and size < _AT_ONCE and (row := next(self._rows, None)) is not None:
            rows.append(row)
            size += sum(map(len, row))
        return rows

    def skip(self, count: int) -> int:
        """Pass over the next rows, and give how many there were. Raises Unreadable."""
        return sum(1 for _ in islice(self._rows, count))

    def close(self) -> None:
        self._rows.close()


def python_name(encoding: str) -> str | None:
    """The name by which Python knows an encoding of texts; None if there is no such encoding."""
    try:
        found = codecs.lookup(encoding)
    except (LookupError, ValueError):
        return None
    is_text = found._is_text_encoding and found.name not in _NOT_WHOLE  # noqa: SLF001 (there is no other way to learn it)
    return found.name if is_text else None


def _rows(opened: zipfile.ZipFile, name: str, encoding: str) -> Generator[list[str], None, None]:
    try:
        with opened.open(name) as raw:
            yield from _parsed(raw, encoding)
    except UnicodeError as error:
        raise Unreadable("INVALID_FORMAT", "the file is not in the encoding that was named") from error
    except (csv.Error, zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError) as error:
        raise Unreadable("FILE_NOT_SUPPORTED", "File not supported for bulk write") from error


def _parsed(raw: IO[bytes], encoding: str) -> Iterator[list[str]]:
    assert isinstance(raw, zipfile.ZipExtFile)
    start = raw.peek(4)[:4]
    marked = next((name for mark, name in _MARKS if start.startswith(mark)), None)
    lines = _Lines(io.TextIOWrapper(raw, marked or python_name(encoding) or "utf-8", newline=""))
    first = next(lines, "")
    said = _SAID.fullmatch(first.strip())  # Excel writes and reads such a line.
    delimiter = said[1] if said else _delimiter_of(first)
    for row in csv.reader(lines if said else chain([first], lines), delimiter=delimiter):
        lines.of_row = 0
        if any(row):
            yield row


def _delimiter_of(headings: str) -> str:
    unquoted = _IN_QUOTES.sub("", headings)
    return max(_DELIMITERS, key=unquoted.count)  # The first of them, if none is there.


class _Lines:
    """The lines of a file. Raises Unreadable if those of one row are too long."""

    def __init__(self, text: io.TextIOWrapper) -> None:
        self._text = text
        self.of_row = 0

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        line = self._text.readline(MOST_OF_A_ROW + 1)
        self.of_row += len(line)
        if self.of_row > MOST_OF_A_ROW:
            raise Unreadable("FILE_NOT_SUPPORTED", f"a row has more than {MOST_OF_A_ROW} characters")
        if not line:
            raise StopIteration
        return line
