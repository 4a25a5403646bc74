"""Reads what a request to the control API of connections says: its filters and its body."""

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from msgspec.structs import replace
from starlette.datastructures import QueryParams

from moorage.connections.errors import AppUnsupported, StatusUnknown
from moorage.connections.labels import (
    LONGEST_END_USER,
    MAX_TAGS,
    RESERVED,
    Labels,
    is_alias,
    is_end_user,
    is_tag,
)
from moorage.connections.model import ENVIRONMENTS, STATUSES, Connection, Environment, Filters, Place
from moorage.http.errors import BodyInvalid, ParameterInvalid, quoted
from moorage.near import did_you_mean

MAX_RESULTS = 1000
METHODS = ("API_KEY", "BASIC", "JWT", "OAUTH1", "OAUTH2", "MCP")
LABELS = ("alias", "tags", "end_user")
EXAMPLE = '{"app": "zoho-crm"}'
_INSIDE_EXAMPLE = '{"app": "zoho-crm", "organisation": "acme"}'
_RULES = {
    "alias": "Use 1 to 63 of a-z 0-9 -, such as sales-eu, not in the form of an id; null removes it."
    f" {' and '.join(sorted(RESERVED))} are taken.",
    "tags": f"Use up to {MAX_TAGS} tags of 1 to 63 of a-z 0-9 . _ : = -, such as team:sales.",
    "end_user": f"Use 1 to {LONGEST_END_USER} visible characters, such as customer-42; null removes it.",
}
# Whether a text may be such a label.
_FITS: Mapping[str, Callable[[str], bool]] = {"alias": is_alias, "end_user": is_end_user}


def filters_in(query: QueryParams, apps: Collection[str]) -> Filters:
    """The filters in the query. Raises AppUnsupported, StatusUnknown, ParameterInvalid."""
    filters = Filters(
        **{name: query.get(name) or None for name in ("app", "status", "method")},
        # An empty one is not left out: who looks for the connections of a user without an id must not get everybody's.
        **{name: query.get(name) for name in _FITS},
        environment=_environment(query.get("environment") or None),
        tags=_wanted_tags(query.getlist("tag")),
    )
    if filters.app is not None:
        require_app(filters.app, apps)
    if filters.status is not None and filters.status not in STATUSES:
        raise StatusUnknown(filters.status)
    if filters.method is not None and filters.method not in METHODS:
        raise ParameterInvalid(
            f"There is no method {filters.method[:64]!r}.", help=f"Use one of {', '.join(METHODS)}."
        )
    for name, fits in _FITS.items():
        text = getattr(filters, name)
        if text is not None and not fits(text):
            raise ParameterInvalid(f"{name} can't be {quoted(text)}.", help=_RULES[name])
    return filters


def _wanted_tags(texts: Sequence[str]) -> tuple[str, ...]:
    """Each tag once; none is empty. A connection has no more than MAX_TAGS, and a database takes no condition of any
    length.
    """
    tags = tuple(dict.fromkeys(texts))
    for tag in tags:
        if not is_tag(tag):
            raise ParameterInvalid(f"tag can't be {quoted(tag)}.", help=_RULES["tags"])
    if len(tags) > MAX_TAGS:
        raise ParameterInvalid(f"No connection has {len(tags)} tags.", help=_RULES["tags"])
    return tags


def _environment(text: str | None) -> Environment | None:
    for environment in ENVIRONMENTS:
        if text == environment:
            return environment
    if text is None:
        return None
    raise ParameterInvalid(
        f"There is no environment {quoted(text)}.{did_you_mean(text, ENVIRONMENTS)}",
        help=f"Use one of {', '.join(ENVIRONMENTS)}.",
    )


def change_in(body: Mapping[str, Any]) -> Callable[[Labels], Labels]:
    """The change of labels that a body asks for: it has the labels that change. Raises BodyInvalid."""
    changed: dict[str, Any] = {
        name: _tags(body[name]) if name == "tags" else _label(body[name], name)
        for name in LABELS
        if name in body
    }
    return lambda labels: replace(labels, **changed)


def _label(value: Any, name: str) -> str | None:
    if value is None or (isinstance(value, str) and _FITS[name](value)):
        return value
    raise BodyInvalid(f"{name} can't be {quoted(str(value))}.", help=_RULES[name])


def _tags(value: Any) -> tuple[str, ...]:
    """The tags in a list, in order and each once."""
    tags = [] if value is None else value
    if not isinstance(tags, list):
        raise BodyInvalid("tags has to be a list of texts.", help=_RULES["tags"])
    for tag in tags:
        if not isinstance(tag, str) or not is_tag(tag):
            raise BodyInvalid(f"A tag can't be {quoted(str(tag))}.", help=_RULES["tags"])
    unique = tuple(dict.fromkeys(tags))
    if len(unique) > MAX_TAGS:
        raise BodyInvalid(f"A connection may have {MAX_TAGS} tags, not {len(unique)}.", help=_RULES["tags"])
    return unique


def app_and_method_in(body: Mapping[str, Any], apps: Mapping[str, str]) -> tuple[str, str]:
    """The app, and the method by which it is connected. Raises BodyInvalid, AppUnsupported."""
    app, method = body.get("app"), body.get("method")
    if not isinstance(app, str):
        raise BodyInvalid("The body has no app that is a text.", help=f"Send {EXAMPLE}.")
    require_app(app, apps)
    app_method = apps[app]
    if method is not None and method != app_method:
        raise BodyInvalid(
            f"The method of {app} has to be {app_method}.", help=f"Leave method out, or send {app_method}."
        )
    return app, app_method


def organisation_in(body: Mapping[str, Any]) -> str | None:
    """The organisation to connect to at once, or None. Raises BodyInvalid unless it is a text."""
    slug = body.get("organisation")
    if slug is not None and not isinstance(slug, str):
        raise BodyInvalid(
            "organisation has to be the short name of an organisation.", help=f"Send {_INSIDE_EXAMPLE}."
        )
    return slug


def text_in(body: Mapping[str, Any], name: str) -> str | None:
    text = body.get(name)
    if text is not None and not isinstance(text, str):
        raise BodyInvalid(f"{name} has to be a text.", help=f"Leave {name} out if there is none.")
    return text


def flag_in(body: Mapping[str, Any], name: str) -> bool:
    flag = body.get(name)
    if flag is not None and not isinstance(flag, bool):
        raise BodyInvalid(f"{name} has to be true or false.", help=f"To say false, leave {name} out.")
    return bool(flag)


def require_app(app: str, apps: Collection[str]) -> None:
    """Raises AppUnsupported for an app that is not known."""
    if app not in apps:
        raise AppUnsupported(app, ", ".join(sorted(apps)))


def cursor_of(last: Connection) -> str:
    """The cursor of the page that follows this connection."""
    return f"{last.created}.{last.id}"


def place_in(cursor: str | None) -> Place | None:
    """The place behind which a page begins. Raises ParameterInvalid."""
    if cursor is None:
        return None
    match = re.fullmatch(r"([0-9]{1,18})\.([0-9a-f-]{1,64})", cursor)
    if match is None:
        raise ParameterInvalid(
            f"cursor can't be {quoted(cursor)}.",
            help="Use the next_cursor of the page before, or leave cursor out.",
        )
    return int(match[1]), match[2]


def limit_in(text: str | None) -> int:
    """The number of connections to return at most. A text of 0 stands for MAX_RESULTS."""
    if text is None:
        return MAX_RESULTS
    if not re.fullmatch(r"\d{1,9}", text, re.ASCII):
        raise ParameterInvalid(
            f"limit can't be {text[:64]!r}.",
            help=f"Use a whole number. 0 means the most, which is {MAX_RESULTS}.",
        )
    return min(int(text), MAX_RESULTS) or MAX_RESULTS
