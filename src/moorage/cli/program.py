"""All commands joined, and what becomes of their failures."""

import sys
from typing import Annotated

import typer

from moorage import __version__
from moorage.cli import api, app, client, connection, crm, doctor, init, key, status, up, vault
from moorage.cli import help as help_command
from moorage.cli.failures import Declined, Exit, report
from moorage.cli.options import Json
from moorage.cli.output import print_json
from moorage.client import ClientError
from moorage.errors import MoorageError

program = typer.Typer(name="moorage", add_completion=True, rich_markup_mode=None)
program.command("up")(up.up)
program.command("init")(init.init)
program.command("status")(status.status)
program.add_typer(key.commands, name="key")
program.add_typer(connection.commands, name="connection")
program.add_typer(app.commands, name="app")
program.add_typer(client.commands, name="client")
program.command("api")(api.api)
program.command("help")(help_command.help_)
program.command("doctor")(doctor.doctor)
program.add_typer(crm.commands, name="crm")
program.add_typer(vault.commands, name="vault")


@program.callback(invoke_without_command=True)
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


@program.command()
def version(*, as_json: Json = False) -> None:
    """Print the version."""
    if as_json:
        print_json({"version": __version__, "python": sys.version.split()[0]})
    else:
        typer.echo(f"moorage {__version__}")


def run(arguments: list[str]) -> int:
    """Run one command line; the exit status."""
    # Looked for here, not in the parsed options, so that an error of parsing is machine-readable too.
    as_json = "--json" in arguments
    command = typer.main.get_command(program)
    try:
        return command.main(arguments, prog_name="moorage", standalone_mode=False) or Exit.OK
    except (MoorageError, ClientError, typer.TyperException) as error:
        return report(error, as_json=as_json, arguments=arguments)
    except typer.Abort:
        return report(Declined("Nothing was done"), as_json=as_json)
    except OSError as error:
        return report(error, as_json=as_json)
