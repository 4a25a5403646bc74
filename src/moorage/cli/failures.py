"""Shows failures: a line for people, a JSON object for programs, an exit status for scripts."""

import json
import sys
from collections.abc import Sequence
from enum import IntEnum
from typing import Any

import typer

from moorage.cli import responses
from moorage.cli.parsing import complaint
from moorage.client import ApiError, Misconfigured, Unreachable
from moorage.errors import NO_ROOM, MoorageError


class Exit(IntEnum):
    """The exit statuses, which docs/cli.md explains."""

    OK = 0
    FAILED = 1
    USAGE = 2
    UNREACHABLE = 3
    UNAUTHORISED = 4
    NOT_FOUND = 5
    HOME_IN_USE = 6
    SETTINGS_INVALID = 7
    CANNOT_LISTEN = 8
    INTERRUPTED = 130


class UsageError(MoorageError):
    """The arguments contradict each other, or name a thing that does not exist."""

    code = "usage"


class Declined(MoorageError):
    """The user has answered a question with no."""

    code = "declined"


class NotConnected(MoorageError):
    """The connection for which a command waited did not become ACTIVE."""

    code = "not_connected"


_BY_CODE = {
    "usage": Exit.USAGE,
    "home_in_use": Exit.HOME_IN_USE,
    "log_missing": Exit.NOT_FOUND,
    "passphrase_wrong": Exit.UNAUTHORISED,
    "settings_invalid": Exit.SETTINGS_INVALID,
    "home_missing": Exit.SETTINGS_INVALID,
    "home_unusable": Exit.SETTINGS_INVALID,
    "vault_key_missing": Exit.SETTINGS_INVALID,
    "address_unavailable": Exit.CANNOT_LISTEN,
    "not_running": Exit.UNREACHABLE,
    "connection_unknown": Exit.NOT_FOUND,
    "organisation_unknown": Exit.NOT_FOUND,
    "key_unknown": Exit.NOT_FOUND,
    "app_unknown": Exit.NOT_FOUND,
    "app_unsupported": Exit.NOT_FOUND,
    "client_invalid": Exit.USAGE,
    "client_unknown": Exit.NOT_FOUND,
    "organisation_invalid": Exit.USAGE,
    "person_invalid": Exit.USAGE,
    "person_unknown": Exit.NOT_FOUND,
    "password_invalid": Exit.USAGE,
    "scopes_invalid": Exit.USAGE,
    "status_unknown": Exit.USAGE,
    "oauth_client_invalid": Exit.USAGE,
    "oauth_client_unknown": Exit.NOT_FOUND,
    "user_unknown": Exit.NOT_FOUND,
    "scope_unknown": Exit.USAGE,
}


def note(sentence: str) -> None:
    """Print a note on standard error, because standard output is for the result."""
    print(f"moorage: {sentence}", file=sys.stderr, flush=True)


def report(
    error: Exception,
    *,
    as_json: bool,
    status: Exit | None = None,
    arguments: Sequence[str] = (),
    path: str = "",
) -> Exit:
    """Write the failure to standard error. Returns the exit status: `status`, or the usual status of the error.

    `arguments` are the arguments that could not be parsed. `path` is the path that was called.
    """
    usual, facts, help_ = explain(error, arguments, path)
    status = usual if status is None else status
    print(f"moorage: {in_one_line(facts['message'], help_)}", file=sys.stderr)
    if as_json:
        print(json.dumps({"error": facts | {"help": help_, "exit_status": int(status)}}), file=sys.stderr)
    return status


def explain(
    error: Exception, arguments: Sequence[str] = (), path: str = ""
) -> tuple[Exit, dict[str, Any], str | None]:
    """The usual exit status of an error, the facts about it, and what helps, if that is known."""
    match error:
        case ApiError():
            return _explain_answer(error, path)
        case Unreachable():
            facts = {"code": "unreachable", "message": str(error)}
            return Exit.UNREACHABLE, facts, "Start the server with `moorage up`, or set MOORAGE_URL"
        case Misconfigured():
            return Exit.UNAUTHORISED, {"code": "misconfigured", "message": str(error)}, None
        case MoorageError():
            status = _BY_CODE.get(error.code, Exit.FAILED)
            return (
                status,
                {"code": error.code, "message": error.message},
                error.help and responses.in_commands(error.help),
            )
        case typer.TyperException():
            return (
                Exit(error.exit_code),
                {"code": "usage", "message": complaint(error, arguments)},
                _try_help(error),
            )
        case OSError(strerror=str(reason)):
            where = f"{error.filename}: " if error.filename is not None else ""
            advice = "Make room on that disk, and try again" if error.errno in NO_ROOM else None
            return Exit.FAILED, {"code": "system", "message": f"{where}{reason}"}, advice
        case _:
            return Exit.FAILED, {"code": "internal", "message": str(error)}, None


def _explain_answer(error: ApiError, path: str) -> tuple[Exit, dict[str, Any], str | None]:
    facts = {
        "code": error.code,
        "message": responses.sentence(error),
        "status": error.status,
        "detail": error.detail,
        "request_id": error.request_id,
    }
    usual = {401: Exit.UNAUTHORISED, 403: Exit.UNAUTHORISED, 404: Exit.NOT_FOUND}.get(
        error.status, Exit.FAILED
    )
    return _BY_CODE.get(error.code or "", usual), facts, responses.advice(error, path)


def _try_help(error: typer.TyperException) -> str | None:
    context = getattr(error, "ctx", None)
    return f"See `{context.command_path} --help`" if context is not None else None


def in_one_line(message: str, help_: str | None) -> str:
    """What is wrong, and what would be right, as sentences."""
    return f"{_sentence(message)} {_sentence(help_)}" if help_ else _sentence(message)


def _sentence(text: str) -> str:
    text = " ".join(text.split())
    return text if text.endswith((".", "?", "!")) else f"{text}."
