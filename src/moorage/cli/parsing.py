"""Explains what is wrong with a command line, in our words in place of the library's."""

import re
from collections.abc import Sequence

import typer

_INVALID = re.compile(r"Invalid value for '(?P<name>[^']+)': (?P<reason>.*)", re.DOTALL)
_REASONS = (
    (r"Input should be a valid integer.*", "{name} has to be a whole number{not_value}"),
    (r"Input should be a valid number.*", "{name} has to be a number{not_value}"),
    (r"Input should be greater than or equal to (\S+)", r"{name} has to be \1 or more{not_value}"),
    (r"Input should be less than or equal to (\S+)", r"{name} has to be \1 or less{not_value}"),
    (r"(?:Value error, )?'(.*)' is not one of (.*?)\.?", r"{name} can't be '\1'; it is one of \2"),
    (r"(?:Value error, )?[Pp]ath '(.*)' does not exist\.?", r"There is no file \1 ({name})"),
)


def complaint(error: typer.TyperException, arguments: Sequence[str]) -> str:
    """The message for an error in parsing `arguments`."""
    message: str = error.format_message()
    invalid = _INVALID.fullmatch(message)
    if invalid is None:
        return message
    name = invalid["name"].split(" / ")[-1].replace("'", "")
    value = _value(name, arguments)
    not_value = f", not {value!r}" if value is not None else ""
    for pattern, words in _REASONS:
        match = re.fullmatch(pattern, invalid["reason"], re.DOTALL)
        if match:
            return match.expand(words).format(name=name, not_value=not_value)
    return f"{name}: {invalid['reason'].removeprefix('Value error, ')}"


def _value(name: str, arguments: Sequence[str]) -> str | None:
    """The value of an option in the arguments."""
    for argument, following in zip(arguments, [*arguments[1:], None], strict=True):
        if argument == name:
            return following
        if argument.startswith(f"{name}="):
            return argument.removeprefix(f"{name}=")
    return None
