"""The setting MOORAGE_OAUTH_CLIENTS: the operator's OAuth clients at the apps."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from moorage.near import did_you_mean

_FORM = '{"zoho": {"client_id": "…", "client_secret": "…"}}'


@dataclass(frozen=True, slots=True)
class ClientSetting:
    """One client. `data_centre` is None for the client that serves all data centres that are not named."""

    name: str
    data_centre: str | None
    client_id: str
    client_secret: str = field(repr=False)


def decode_clients(text: str) -> list[ClientSetting]:
    """The clients in a JSON object. Raises ValueError, which names the client and shows none of its values."""
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        raise ValueError(f"use a JSON object such as {_FORM}; this is not valid JSON") from None
    if not isinstance(document, dict):
        raise ValueError(f"use a JSON object such as {_FORM}")  # noqa: TRY004 (as all faults are)
    return [client for name, value in document.items() for client in _clients(name, value)]


def text_of_clients(table: Mapping[str, Any]) -> str:
    """The JSON of a table of TOML."""
    return json.dumps(table, default=str)


def _clients(name: str, value: object) -> Iterator[ClientSetting]:
    """The clients of one name, with their data centres."""
    if not isinstance(value, dict):
        fault = f"{_short(name)} has to be an object with client_id and client_secret, as in {_FORM}"
        raise ValueError(fault)  # noqa: TRY004 (as all faults are)
    _require_texts(name, value, ("client_id", "client_secret"), others=("data_centres",))
    centres = value.get("data_centres", {})
    if not isinstance(centres, dict) or not all(isinstance(own, dict) for own in centres.values()):
        raise ValueError(
            f"{_short(name)}.data_centres has to be an object with an object for each data centre"
        )
    if "client_id" not in value:
        raise ValueError(f"{_short(name)} has no client_id")
    if "client_secret" not in value and not centres:
        raise ValueError(f"{_short(name)} has no client_secret")
    for centre, own in centres.items():
        place = f"{name}.data_centres.{centre}"
        _require_texts(place, own, ("client_id", "client_secret"))
        if "client_secret" not in own:
            raise ValueError(f"{_short(place)} has no client_secret")
        yield ClientSetting(name, centre, own.get("client_id", value["client_id"]), own["client_secret"])
    if "client_secret" in value:
        yield ClientSetting(name, None, value["client_id"], value["client_secret"])


def _require_texts(
    place: str, value: Mapping[str, object], texts: tuple[str, ...], others: tuple[str, ...] = ()
) -> None:
    for key, text in value.items():
        if key not in (*texts, *others):
            meant = did_you_mean(key, (*texts, *others)) or f" It has {', '.join((*texts, *others))}."
            raise ValueError(f"{_short(place)} can't have {_short(key)}.{meant}".rstrip("."))
        if key in texts and not isinstance(text, str):
            raise ValueError(f"{_short(place)}.{key} has to be a text")


def _short(name: str) -> str:
    return name[:64] if name.isprintable() else repr(name)[:64]
