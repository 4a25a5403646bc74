"""Accepts a Content-Length that a client sends more than once.

The parser refuses it. RFC 9110 (8.6) allows it if all values are equal.
"""

import re
from typing import Any

import httptools

_LENGTHS = re.compile(rb"[ \t]*(\d{1,18})[ \t]*(?:,[ \t]*\1[ \t]*)*")


class LengthRepair(httptools.HttpRequestParser):
    """Replaces a parser that has met a second Content-Length, and collects bytes until the head is complete."""

    def __init__(self, protocol: object, received: bytes) -> None:
        super().__init__(protocol)
        self._received = received

    def feed_data(self, data: Any) -> None:
        self._received += bytes(data)

    def repaired(self) -> bytes | None:
        """The received bytes with one Content-Length; None while the head is not complete.

        Raises HttpParserError for values that differ or are not numbers.
        """
        received = self._received.lstrip(b"\r\n")
        if b"\r\n\r\n" not in received:
            return None
        repaired = merge_lengths(received)
        if repaired is None:
            raise httptools.HttpParserError("Content-Length is not a number, or has two different values")
        return repaired


def merge_lengths(received: bytes) -> bytes | None:
    """Bytes that begin with a complete head, with one Content-Length in place of several equal ones.

    None if the values differ, or if there is only one, as then the parser has refused the head for another reason.
    """
    end = received.find(b"\r\n\r\n")
    lines = received[:end].split(b"\r\n")
    length_lines = [line for line in lines if line[:15].lower() == b"content-length:"]
    lengths = b",".join(line[15:] for line in length_lines)
    match = _LENGTHS.fullmatch(lengths) if b"," in lengths else None
    if match is None:
        return None
    others = [line for line in lines if line not in length_lines]
    others.insert(1, b"Content-Length: " + match[1])
    return b"\r\n".join(others) + received[end:]
