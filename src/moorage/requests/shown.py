"""What of a call is kept: no value of its path, query or modules that may be a secret, or somebody's name."""

import re
from collections.abc import Sequence

LONGEST = 512  # Bytes of a path and its query.
HIDDEN = b"*"
# Parameters whose values say what was asked for, and nothing about a person or a secret.
SHOWN = frozenset(
    b"$top $skip $orderby after_id approved before_id converted cvid fields file_type format include_child layout_id"
    b" limit max_id max_results max_size maxresults module modules mode offset on_conflict order orderby page"
    b" page_size pagesize per_page sort sort_by sort_order status trigger type".split()
)
_NUMBER = re.compile(rb"[0-9]{1,20}")
_VALUE = re.compile(rb"[A-Za-z0-9_.,:$+%-]{0,400}")
# What looks like a key or a token, in whatever encoding: long, with letters and digits. Ids are only digits, or UUIDs.
_TOKEN = re.compile(rb"(?=.*[A-Za-z])(?=.*[0-9]).{24,}")
_COMMA = re.compile(rb",|%2C", re.IGNORECASE)
_UUID = re.compile(rb"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")
_EMAIL = re.compile(rb"[^/@]+(?:@|%40)[^/]+", re.IGNORECASE)
# The API name of a module. What stands in its place in a path, a query or a body may be anything.
_MODULE = re.compile(r"[A-Za-z0-9_*]{1,100}")
_MOST_MODULES = 20
_UNPRINTABLE = re.compile(rb"[^\x21-\x7e]")


def shown(native: bytes) -> bytes:
    """A path and its query, in at most LONGEST printable characters of ASCII. Hidden values are an asterisk."""
    path, mark, query = native.partition(b"?")
    path, query = (_printable(part[: 2 * LONGEST]) for part in (path, query))
    path = b"/".join(map(_segment, path.split(b"/")))
    text = path + b"?" + b"&".join(map(_parameter, query.split(b"&"))) if mark else path
    return text if len(text) <= LONGEST else text[: LONGEST - 3] + b"..."


def _printable(text: bytes) -> bytes:
    return _UNPRINTABLE.sub(lambda match: b"%%%02X" % match[0][0], text)


def shown_modules(modules: Sequence[str]) -> tuple[str, ...]:
    """The modules that a call is about, as far as they are names."""
    return tuple(map(_module, modules[:_MOST_MODULES]))


def _module(module: str) -> str:
    is_name = _MODULE.fullmatch(module) and not _TOKEN.fullmatch(module.encode())
    return module if is_name else HIDDEN.decode()


def _segment(segment: bytes) -> bytes:
    hides = _EMAIL.fullmatch(segment) or (_TOKEN.fullmatch(segment) and not _UUID.fullmatch(segment))
    return HIDDEN if hides else segment


def _parameter(parameter: bytes) -> bytes:
    name, equals, value = parameter.partition(b"=")
    if not equals:
        # It may be a value without a name.
        return parameter if parameter.lower() in SHOWN else HIDDEN * bool(parameter)
    name = HIDDEN if _TOKEN.fullmatch(name) else name[:64]
    has_token = any(map(_TOKEN.fullmatch, _COMMA.split(value)))
    if name.lower() in SHOWN and _VALUE.fullmatch(value) and not has_token:
        return parameter
    return name + b"=" + (value if _NUMBER.fullmatch(value) and name.lower().endswith(b"id") else HIDDEN)
