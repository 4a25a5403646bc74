"""What a caller or the operator asks the audit for, from texts."""

from collections.abc import Callable, Mapping
from datetime import datetime

from moorage.audit.store import Filter
from moorage.http.timestamps import read_span, read_time

NAMES = "actor", "action", "subject", "since", "until"
LONGEST = 200  # Characters of a text.
_HELP = {
    "actor": "Use the id or the name of a key or a person, or one of key, person, operator, server.",
    "action": "Use an action such as key.revoked, or the word before its dot.",
    "subject": "Use the id or the name of what was changed.",
}
TIME_HELP = "Use a time such as 2026-11-30T08:00:00Z, or how long ago, such as 90m, 24h or 7d."

# Makes the error for the value of a name, with help.
Refuse = Callable[[str, str, str], Exception]


def filter_of(asked: Mapping[str, str | None], now: datetime, refuse: Refuse) -> Filter:
    """The filter in texts by the names in NAMES. Raises what `refuse` makes."""
    texts = {}
    for name, text in asked.items():
        if text and (len(text) > LONGEST or not text.isprintable()):
            raise refuse(name, text, _HELP.get(name, TIME_HELP))
        texts[name] = text or None
    since, until = (_moment(name, texts.get(name), now, refuse) for name in ("since", "until"))
    return Filter(texts.get("actor"), texts.get("action"), texts.get("subject"), since, until)


def _moment(name: str, text: str | None, now: datetime, refuse: Refuse) -> int | None:
    """A time, or a time before now, in microseconds since the epoch."""
    if text is None:
        return None
    span = read_span(text)
    try:
        moment = read_time(text) if span is None else now - span
    except OverflowError:
        moment = None
    if moment is None:
        raise refuse(name, text, TIME_HELP)
    return int(moment.timestamp() * 1_000_000)
