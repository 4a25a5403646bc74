"""What all settings need: the module of the query, the document of the path, and answers that are encoded once."""

from collections.abc import Callable, Hashable
from typing import Any
from weakref import WeakKeyDictionary

from moorage.crm.faults import param_missing
from moorage.crm.metadata.documents import Document, Kind, Metadata
from moorage.crm.metadata.rows import relation_in
from moorage.crm.metadata.spelling import unknown_module
from moorage.crm.wire.call import JSON, Call, encode
from moorage.crm.wire.parameters import path_id
from moorage.http.message import Response

# Metadata never changes once it is read, so an answer that is made of it stays right as long as the object lives.
_encoded: WeakKeyDictionary[Metadata, dict[Hashable, bytes]] = WeakKeyDictionary()


def encoded_once(call: Call, key: Hashable, document: Callable[[], Any]) -> Response:
    """Answer with a document that is built only the first time. `key` must have few values for an organisation."""
    bodies = _encoded.setdefault(call.organisation.metadata, {})
    body = bodies.get(key)
    if body is None:
        body = bodies[key] = encode(document())
    return Response(200, body, JSON)


def module_named(metadata: Metadata, name: str) -> Document | None:
    modules = metadata.all("module")
    return next((d for d in modules if d.name == name and relation_in(d.body) is None), None)


def module_parameter(call: Call) -> Document:
    """The module that the query names. Raises the Fault for a missing or an unknown name."""
    name = call.params.get("module")
    if not name:
        raise param_missing("module")
    module = module_named(call.organisation.metadata, name)
    if module is None:
        raise unknown_module(call.organisation.metadata, name, {"param_name": "module"})
    return module


def document_in_path(call: Call, kind: Kind, index: int, module: int | None = None) -> Document | None:
    """The document whose id is in the path; None if there is none, or only one of another module.

    Raises the Fault for a value that can't be an id. `index` is the place of the id among the segments of the path.
    """
    identity = path_id(call.path, index)
    document = call.organisation.metadata.find(kind, identity)
    is_elsewhere = document is not None and module is not None and document.module != module
    return None if is_elsewhere else document


def reference(document: Document) -> dict[str, Any]:
    return {"name": document.name, "id": str(document.id)}


def profiles(metadata: Metadata) -> list[dict[str, Any]]:
    """All profiles as references: every profile sees every module here."""
    return [reference(profile) for profile in metadata.all("profile")]
