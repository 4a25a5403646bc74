"""Zoho's own description of its API, in a folder or an archive: one file of OpenAPI 3.0 for each family."""

import json
import re
import tarfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

METHODS = ("get", "post", "put", "patch", "delete")
_PLACEHOLDER = re.compile(r"\{[^}]*\}")

Documents = Mapping[str, Any]


@dataclass(frozen=True)
class Operation:
    """`schemas` has the schema of the JSON answer for each status; None if an answer of that status has no JSON."""

    family: str
    method: str
    path: str
    schemas: Mapping[int, Any]

    @property
    def name(self) -> str:
        return f"{self.method} {self.path}"


class Description:
    """The operations of all documents. `find` gives those that describe a call, the most exact ones."""

    def __init__(self, documents: Documents) -> None:
        self.documents = documents
        self._operations: dict[tuple[str, int], list[tuple[int, re.Pattern[str], Operation]]] = {}
        for operation in _operations(documents):
            literals = len(_PLACEHOLDER.sub("", operation.path))
            pattern = re.compile(_pattern(operation.path))
            key = (operation.method, operation.path.count("/"))
            self._operations.setdefault(key, []).append((literals, pattern, operation))

    def find(self, method: str, path: str) -> list[Operation]:
        """Several documents may describe one operation, and one path may be written with two placeholders."""
        candidates = self._operations.get((method, path.count("/")), [])
        matching = [(literals, found) for literals, pattern, found in candidates if pattern.fullmatch(path)]
        most = max((literals for literals, _ in matching), default=0)
        return [operation for literals, operation in matching if literals == most]


def read(place: Path) -> Description:
    """The description in a folder of JSON files, or in an archive of them."""
    return Description(dict(_folder(place) if place.is_dir() else _archive(place)))


def _folder(place: Path) -> Iterator[tuple[str, Any]]:
    for file in sorted(place.rglob("*.json")):
        yield file.stem, json.loads(file.read_bytes())


def _archive(place: Path) -> Iterator[tuple[str, Any]]:
    with tarfile.open(place) as archive:
        for member in archive:
            if member.isfile() and member.name.endswith(".json"):
                yield Path(member.name).stem, json.load(archive.extractfile(member))


def _pattern(path: str) -> str:
    return "[^/]+".join(re.escape(literal) for literal in _PLACEHOLDER.split(path))


def _operations(documents: Documents) -> Iterator[Operation]:
    for family, document in documents.items():
        answers = document.get("components", {}).get("responses", {})
        for path, methods in document.get("paths", {}).items():
            for method in METHODS:
                if method in methods:
                    schemas = {
                        int(status): _schema(answer, answers)
                        for status, answer in methods[method].get("responses", {}).items()
                    }
                    yield Operation(family, method.upper(), path, schemas)


def _schema(answer: Mapping[str, Any], answers: Mapping[str, Any]) -> Any:
    if "$ref" in answer:
        answer = answers[answer["$ref"].rpartition("/")[2]]
    return answer.get("content", {}).get("application/json", {}).get("schema")
