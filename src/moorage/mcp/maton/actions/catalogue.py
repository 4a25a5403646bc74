"""All actions: the operations that the room `policies` classifies, with names and titles for agents."""

import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

import msgspec

from moorage.mcp.maton.actions.parameters import NO_PARAMETERS, Parameters
from moorage.policies import Kind
from moorage.policies.table import shipped

APPS = ("zoho-crm",)  # Those whose operations are known.
_FOLDER = Path(__file__).parent


class Action(msgspec.Struct, frozen=True):
    """An operation of an app. `path` is the template of its path, such as `/crm/v8/{module}`."""

    id: str
    app: str
    method: str
    path: str
    kind: Kind
    title: str
    parameters: Parameters


@cache
def actions() -> Mapping[str, Action]:
    """Every action by its id, in the order of its file: what agents ask for most is first."""
    return {action.id: action for app in APPS for action in _of(app)}


def _of(app: str) -> Iterator[Action]:
    names = tomllib.loads((_FOLDER / f"{app}.toml").read_text(encoding="utf-8"))
    parameters = msgspec.json.decode((_FOLDER / f"{app}.json").read_bytes(), type=dict[str, Parameters])
    kinds = {row.name: row.kind for _, _, row in shipped(app) or ()}
    for noun, operations in names.items():
        for operation, (verb, title) in operations.items():
            method, _, path = operation.partition(" ")
            known = parameters.get(operation, NO_PARAMETERS)
            yield Action(f"{app}.{noun}.{verb}", app, method, path, kinds[operation], title, known)
