"""The standard modules, fields, roles and profiles of a new organisation, as the data file lists them."""

from functools import cache
from importlib.resources import files
from typing import Any

import msgspec


@cache
def standard() -> dict[str, Any]:
    """The parsed data file. It is shared by everyone: read it, never change it."""
    text = (files(__package__) / "standard_modules.json").read_bytes()
    document: dict[str, Any] = msgspec.json.decode(text)
    for module in document["modules"]:
        # What belongs to a feature an organisation has to switch on is not part of a plain one.
        module["fields"] = [f for f in module["fields"] if "requires_feature" not in f]
        shown = {f["section"] for f in module["fields"]}
        module["sections"] = [s for s in module["sections"] if s["display_label"] in shown]
    return document
