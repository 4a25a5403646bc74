"""Each operation on records asks `records/access.py` what its caller may see or change."""

import ast
import importlib
from pathlib import Path

import pytest

import moorage.crm.api

FOLDER = Path(moorage.crm.api.__file__).parent
ROOMS = ("conversion", "emails", "files", "mass", "records", "related")
FILES = sorted(path for room in ROOMS for path in (FOLDER / room).glob("*.py") if path.stem != "__init__")
# The files for fields, the photo of the organisation and the like are about no record.
ABOUT_RECORDS = ("/crm/v8/{module}", "/crm/v8/actions/")
ASKED = {"visible", "visible_with", "readable", "writable"}
ROUTES = [
    pytest.param(path, route.handler.__name__, id=f"{route.method} {route.pattern}")
    for path in FILES
    for route in getattr(
        importlib.import_module(f"moorage.crm.api.{path.parent.name}.{path.stem}"), "ROUTES", ()
    )
    if route.pattern.startswith(ABOUT_RECORDS)
]


def imports(tree):
    """The names that a file imports, by the module that they are from."""
    return {
        node.module: {alias.name for alias in node.names}
        for node in tree.body
        if isinstance(node, ast.ImportFrom)
    }


def names_used(tree, function):
    """All names that a function of a file uses, and those that the functions it uses of this file use."""
    functions = {
        node.name: node for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    used, waiting = set(), [function]
    while waiting:
        node = functions.pop(waiting.pop(), None)
        if node is not None:
            names = {inner.id for inner in ast.walk(node) if isinstance(inner, ast.Name)}
            used |= names
            waiting += names & set(functions)
    return used


@pytest.mark.parametrize(("path", "handler"), ROUTES)
def test_an_operation_on_records_asks_what_its_caller_may_do(path, handler):
    tree = ast.parse(path.read_text())
    asked = ASKED & imports(tree)["moorage.crm.records.access"]
    assert names_used(tree, handler) & asked


def test_there_are_operations_on_records():
    assert len(ROUTES) > 70
