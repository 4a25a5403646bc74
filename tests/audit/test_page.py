"""docs/audit.md names every action that the code notes."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
CODE = ROOT / "src" / "moorage"
PAGE = (ROOT / "docs" / "audit.md").read_text().partition("## Actions")[2].partition("\n## ")[0]


def text_of(node):
    """A text in the code, with … for each part that is known only when it runs; None for anything else."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(part.value if isinstance(part, ast.Constant) else "…" for part in node.values)
    return None


def actions(source):
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call):
            continue
        called = ast.unparse(node.func)
        texts = [text for argument in node.args[:3] if (text := text_of(argument)) is not None]
        if called.endswith(("witness.of", "_exclusively_on")):
            yield from (f"organisation.{text}" for text in texts[:1])
        elif called.rpartition(".")[2] in {"note", "note_change"}:
            yield from (text for text in texts if re.fullmatch(r"[a-z_]+\.(?:[a-z_]+|…)", text))


def test_every_action_that_the_code_notes_is_on_the_page():
    sources = [path.read_text() for path in CODE.rglob("*.py")]
    noting = re.compile(r"note(_change)?\(|witness\.of\(|_exclusively_on\(")
    noted = {action for source in sources if noting.search(source) for action in actions(source)}
    assert {"key.created", "organisation.reset", "vault.rotated", "server.first_start"} < noted
    shown = set(re.findall(r"`([a-z_.…]+)`", PAGE))
    shown |= {f"organisation{verb}" for verb in shown if verb.startswith(".")}
    families = {name.removesuffix("…") for name in shown if name.endswith("…")}
    missing = {action for action in noted - shown if not action.startswith(tuple(families))}
    # What happened is known only when the code runs: one row of that word is enough.
    words = {name.partition(".")[0] for name in shown}
    assert {action for action in missing if not action.endswith(".…") or action[:-2] not in words} == set()
