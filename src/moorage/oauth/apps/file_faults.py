"""Says what is wrong in the file of an app, in the words of its author and not in those of a library."""

import re

_TYPES = {
    "str": "a text",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "array": "a list",
    "object": "a table",
}


def in_words(message: str, text: str) -> str:
    """A sentence for the message of a library about a file's text, with the line of the key, if it is found."""
    what, _, path = message.partition(" - at `")
    key = path.rstrip("`").removeprefix("$").lstrip(".").replace("[...]", ".…")
    line = _line(key, text)
    return f"{line}{_fault(what, key or 'the file')}"


def _fault(what: str, key: str) -> str:
    if expected := re.fullmatch(r"Expected `(.*?)`, got `(.*?)`", what):
        kinds = [kind for kind in expected[1].split(" | ") if kind != "null"]
        wanted = " or ".join(_TYPES.get(kind, kind) for kind in kinds)
        return f"{key} has to be {wanted}, not {_TYPES.get(expected[2], expected[2])}"
    if missing := re.fullmatch(r"Object missing required field `(.*?)`", what):
        return f"{missing[1]} is missing" + ("" if key == "the file" else f" in {key}")
    if wrong := re.fullmatch(r"Invalid enum value '(.*)'", what, re.DOTALL):
        return f"{key} can't be {wrong[1]!r}; `moorage help apps` lists what it can be"
    return f"{key}: {what}"


def _line(key: str, text: str) -> str:
    """`line 3: ` for the first line that begins with the last name of a key, or empty."""
    names = [name for name in re.split(r"[.…]+", key) if name]
    if not names:
        return ""
    begins = re.compile(rf"\s*\[*\s*(?:[\w.\"'-]+\.)?[\"']?{re.escape(names[-1])}\b")
    return next(
        (f"line {number}: " for number, line in enumerate(text.splitlines(), 1) if begins.match(line)), ""
    )
