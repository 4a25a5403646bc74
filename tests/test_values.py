"""Values are structs, or dataclasses, and nothing between (decision 0087). mypy does not see the difference."""

import ast
from pathlib import Path

import pytest

CODE = Path(__file__).parent.parent / "src" / "moorage"


def mixed(source):
    """The structs with a member that only a dataclass understands."""
    tree = ast.parse(source)
    of_dataclasses = {
        alias.asname or alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module == "dataclasses"
        for alias in node.names
    }
    return [
        struct.name
        for struct in ast.walk(tree)
        if isinstance(struct, ast.ClassDef) and any("Struct" in ast.unparse(base) for base in struct.bases)
        for call in ast.walk(struct)
        if isinstance(call, ast.Call) and ast.unparse(call.func) in {*of_dataclasses, "dataclasses.field"}
    ]


def test_no_struct_has_a_member_of_a_dataclass():
    sources = {path: path.read_text() for path in CODE.rglob("*.py")}
    both = {
        path: source for path, source in sources.items() if "dataclasses" in source and "Struct" in source
    }
    assert {str(path): found for path, source in both.items() if (found := mixed(source))} == {}


@pytest.mark.parametrize(
    "source",
    [
        "from dataclasses import field\nclass A(Struct):\n  a: str = field(repr=False)",
        "import dataclasses\nclass A(msgspec.Struct, frozen=True):\n  a: str = dataclasses.field(repr=False)",
    ],
)
def test_such_a_struct_is_found(source):
    assert mixed(source) == ["A"]
