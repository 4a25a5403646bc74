"""Joins all commands, runs a command line, and reports its failure."""

import os
import sys
from collections.abc import Collection
from importlib import import_module
from typing import Annotated

import typer

from moorage import __version__
from moorage.cli.command import Command
from moorage.cli.failures import Declined, Exit, report
from moorage.cli.options import Json
from moorage.cli.output import print_json
from moorage.client import ClientError
from moorage.errors import MoorageError

# In the order of the help. Each has a module of the same name, which has `commands` or the command itself.
_COMMANDS = (
    "up", "init", "open", "status", "stop", "reload", "logs", "config", "key", "policy", "people", "connection", "app",
    "client", "api", "mcp", "requests", "approvals", "doctor", "audit", "crm", "vault", "move", "backup",
    "restore", "help",
)  # fmt: skip
_ANYWHERE = ("--url", "--home")  # Options with a value that may stand before the command, too.


def program(names: Collection[str] = _COMMANDS) -> typer.Typer:
    """The program with these commands. Fewer commands make it start faster, because each takes time to set up."""
    joined = typer.Typer(
        name="moorage",
        rich_markup_mode=None,
        context_settings={"help_option_names": ["-h", "--help"]},
        epilog="`moorage help` lists the pages of the documentation, which come with this program.",
    )
    joined.callback(invoke_without_command=True)(moorage)
    for name in names:
        module = import_module(f"moorage.cli.{name}")
        group: typer.Typer | None = getattr(module, "commands", None)
        if group is not None:
            joined.add_typer(group, name=name)
        else:
            joined.command(name)(getattr(module, name))
    joined.command("version")(version)
    _use_our_help(joined)
    return joined


def _use_our_help(group: typer.Typer) -> None:
    """Let each command use our `Command`, and let lists of commands show the whole first line of each."""
    for command in group.registered_commands:
        lines = (command.callback.__doc__ or "").strip().splitlines() if command.callback else []
        command.short_help = lines[0] if lines else None
        command.cls = Command
    for inner in group.registered_groups:
        assert inner.typer_instance is not None
        inner.short_help = inner.typer_instance.info.help
        _use_our_help(inner.typer_instance)


def moorage(
    context: typer.Context,
    *,
    show_version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    """A self-hosted managed-OAuth API gateway with a CRM inside."""
    if show_version:
        version()
    elif context.invoked_subcommand is None:
        typer.echo(context.get_help())


def version(*, as_json: Json = False) -> None:
    """Print the version."""
    if as_json:
        print_json({"version": __version__, "python": sys.version.split()[0]})
    else:
        typer.echo(f"moorage {__version__}")


def run(arguments: list[str]) -> int:
    """Run one command line. Returns the exit status."""
    arguments = _in_order(arguments)
    # Read here and not from the parsed options, so that an error in parsing is printed as JSON, too.
    as_json = "--json" in arguments
    command = typer.main.get_command(program(_needed(arguments)))
    try:
        return command.main(arguments, prog_name="moorage", standalone_mode=False) or Exit.OK
    except (MoorageError, ClientError, typer.TyperException) as error:
        return report(error, as_json=as_json, arguments=arguments)
    except typer.Abort as abort:  # The answer to a question was no, the end of the input, or Ctrl-C.
        interrupted = isinstance(abort.__context__, KeyboardInterrupt)
        return report(
            Declined("Nothing was done"), as_json=as_json, status=Exit.INTERRUPTED if interrupted else None
        )
    except OSError as error:
        return report(error, as_json=as_json)


def _needed(arguments: list[str]) -> Collection[str]:
    """The called command, if that is certain. Otherwise all commands, for a list or for a suggestion."""
    completes = any(name.startswith("_MOORAGE_COMPLETE") for name in os.environ)
    word = arguments[0] if arguments else ""
    if word == "version":
        return ()
    return (word,) if word in _COMMANDS and word != "help" and not completes else _COMMANDS


def _in_order(arguments: list[str]) -> list[str]:
    """The arguments, with options that stand before the command moved behind it."""
    options: list[str] = []
    rest = list(arguments)
    while rest and rest[0].startswith("-"):
        option = rest.pop(0)
        if option == "--version":
            return ["version", *options, *rest]
        if option == "--json" or option.startswith(tuple(f"{name}=" for name in _ANYWHERE)):
            options.append(option)
        elif option in _ANYWHERE and rest:
            options += [option, rest.pop(0)]
        else:
            return arguments
    if not rest:
        return arguments
    end = rest.index("--") if "--" in rest else len(rest)
    return [*rest[:end], *options, *rest[end:]]
