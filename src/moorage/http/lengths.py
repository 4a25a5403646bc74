"""A length that was said more than once, which the parser refuses: RFC 9110 (8.6) lets what is equal count as one."""

import re
from typing import Any

import httptools

_LENGTHS = re.compile(rb"[ \t]*(\d{1,18})[ \t]*(?:,[ \t]*\1[ \t]*)*")


class Mending(httptools.HttpRequestParser):
    """Takes the place of a parser that met a second length, and keeps what arrives until that head is whole."""

    def __init__(self, protocol: object, begun: bytes) -> None:
        super().__init__(protocol)
        self._begun = begun

    def feed_data(self, data: Any) -> None:
        self._begun += bytes(data)

    def mended(self) -> bytes | None:
        """What has arrived, its equal lengths as one; None as long as the head isn't whole.

        Raises HttpParserError for lengths that are none, or differ.
        """
        begun = self._begun.lstrip(b"\r\n")
        if b"\r\n\r\n" not in begun:
            return None
        mended = one_length(begun)
        if mended is None:
            raise httptools.HttpParserError("Content-Length is no number, or has two values")
        return mended


def one_length(begun: bytes) -> bytes | None:
    """Bytes that begin with a whole head, its equal lengths as one.

    None where the head says its length once, so that none is mended that was read already; or where lengths differ.
    """
    end = begun.find(b"\r\n\r\n")
    lines = begun[:end].split(b"\r\n")
    said = [line for line in lines if line[:15].lower() == b"content-length:"]
    lengths = b",".join(line[15:] for line in said)
    found = _LENGTHS.fullmatch(lengths) if b"," in lengths else None
    if found is None:
        return None
    kept = [line for line in lines if line not in said]
    kept.insert(1, b"Content-Length: " + found[1])
    return b"\r\n".join(kept) + begun[end:]
