"""What the settings have in common: their module, their id in the path, and answers that are encoded once."""

from collections.abc import Callable, Hashable
from typing import Any
from weakref import WeakKeyDictionary

from moorage.crm.faults import invalid_id, param_missing
from moorage.crm.metadata.documents import Document, Kind, Metadata
from moorage.crm.metadata.ids import whole_id
from moorage.crm.metadata.spelling import unknown_module
from moorage.crm.wire.call import JSON, Call, encode
from moorage.http.message import Response

# Metadata never changes once it is read, so what is made of it lives exactly as long as it does.
_encoded: WeakKeyDictionary[Metadata, dict[Hashable, bytes]] = WeakKeyDictionary()


def encoded_once(call: Call, key: Hashable, document: Callable[[], Any]) -> Response:
    """Answer with a document that is built the first time only. `key` may take few values per organisation."""
    known = _encoded.setdefault(call.organisation.metadata, {})
    body = known.get(key)
    if body is None:
        body = known[key] = encode(document())
    return Response(200, body, JSON)


def module_named(metadata: Metadata, name: str) -> Document | None:
    return next((d for d in metadata.all("module") if d.name == name), None)


def module_parameter(call: Call) -> Document:
    """The module the query names. Raises the faults for a missing or unknown one."""
    name = call.params.get("module")
    if not name:
        raise param_missing("module")
    module = module_named(call.organisation.metadata, name)
    if module is None:
        raise unknown_module(call.organisation.metadata, name, {"param_name": "module"})
    return module


def document_in_path(call: Call, kind: Kind, index: int, module: int | None = None) -> Document | None:
    """The document the path names by id, if there is one; a document of another module is none.

    Raises the fault for what can't be an id; `index` is its place among the segments of the path.
    """
    identity = whole_id(call.path["id"])
    if identity is None:
        raise invalid_id(index)
    document = call.organisation.metadata.find(kind, identity)
    is_elsewhere = document is not None and module is not None and document.module != module
    return None if is_elsewhere else document


def reference(document: Document) -> dict[str, Any]:
    return {"name": document.name, "id": str(document.id)}


def profiles(metadata: Metadata) -> list[dict[str, Any]]:
    """All profiles as references: of a new organisation every profile sees every module."""
    return [reference(profile) for profile in metadata.all("profile")]
