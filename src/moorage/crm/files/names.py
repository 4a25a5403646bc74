"""The names of files: what is kept of a name that was sent, and how a name is written into a header."""

import unicodedata
from urllib.parse import quote

MAX_NAME = 255  # Characters, as many as the field File_Name has.
NAMELESS = "file"
_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})  # Controls, marks of direction, ends of lines.
_JOINERS = "\u200c\u200d"  # Some scripts, and many emoji, need them.


def file_name(sent: str) -> str:
    """The last segment of a path, without characters that nobody sees. It is shown, and never a path here."""
    name = sent.replace("\\", "/").rpartition("/")[2]
    name = "".join(c for c in name if unicodedata.category(c) not in _HIDDEN or c in _JOINERS).strip()
    if not name.strip("."):
        return NAMELESS
    if len(name) <= MAX_NAME:
        return name
    stem, dot, ending = name.rpartition(".")
    if not stem or len(ending) > 20:
        return name[:MAX_NAME]
    return stem[: MAX_NAME - len(ending) - 1] + dot + ending


def disposition(name: str) -> bytes:
    """The value of Content-Disposition with which browsers save a file and never show it [RFC 6266].

    Zoho's SDK takes what is behind the last apostrophe [Z sdk], so the encoded name is at the end and has none itself.
    """
    plain = "".join(c if c.isascii() and c.isprintable() and c not in '"\\%' else "_" for c in name)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}".encode()
