"""`moorage policy`: what the API keys of this data folder may do."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from moorage.cli import reading
from moorage.cli.completion import connections
from moorage.cli.failures import UsageError
from moorage.cli.operator import operate
from moorage.cli.options import Home, Json, PolicyMode
from moorage.cli.output import counted, print_json, print_table

commands = typer.Typer(
    help="Policies: what a key may do, and for what a person is asked.", rich_markup_mode=None
)

KeyId = Annotated[str, typer.Argument(metavar="KEY", help="The key's id, from `moorage key list`.")]
Through = Annotated[
    str | None,
    typer.Option(
        "--connection",
        metavar="NAME",
        autocompletion=connections,
        help="The id or alias of a connection. Default: all.",
    ),
]


@commands.command()
def show(key_id: KeyId, *, connection: Through = None, home: Home = None, as_json: Json = False) -> None:
    """Show the policy of a key."""
    _print(operate(home, lambda operator: operator.policies.show(key_id, connection)), as_json=as_json)


@commands.command("set")
def set_(
    key_id: KeyId,
    *,
    mode: Annotated[
        PolicyMode | None,
        typer.Option("--mode", metavar="open|cautious|strict|readonly", help="A policy of a mode alone."),
    ] = None,
    file: Annotated[
        Path | None,
        typer.Option("--file", metavar="FILE", help="A file with a policy as JSON; - for the input."),
    ] = None,
    default: Annotated[bool, typer.Option("--default", help="Take the key's policy away.")] = False,
    connection: Through = None,
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Give a key a policy. It holds within a second, also in a running server."""
    if [mode is not None, file is not None, default].count(True) != 1:
        raise UsageError("this needs one of --mode, --file and --default", help="Such as: --mode cautious.")
    policy = None if default else {"mode": mode} if file is None else _read(file)
    _print(operate(home, lambda operator: operator.policies.set(key_id, connection, policy)), as_json=as_json)


@commands.command("try")
def try_(
    key_id: KeyId,
    method: Annotated[str, typer.Argument(metavar="METHOD", help="Such as DELETE.")],
    path: Annotated[
        str, typer.Argument(metavar="PATH", help="App and path, such as zoho-crm/crm/v8/Leads/1.")
    ],
    *,
    body: Annotated[str | None, typer.Option("--body", metavar="TEXT", help="The body of the call.")] = None,
    connection: Through = None,
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Say what would be decided about a call. Nothing is sent."""
    app, _, native = path.removeprefix("/").partition("/")
    described = {"app": app, "method": method.upper(), "path": f"/{native}", "key": key_id}
    described |= {
        name: value for name, value in (("body", body), ("connection", connection)) if value is not None
    }
    tried = operate(home, lambda operator: operator.policies.attempt(described))
    if as_json:
        print_json(tried)
        return
    operation = tried["operation"]
    typer.echo(f"{tried['action']}: {tried['reason']}")
    about = f" {', '.join(operation['modules'])}," if operation["modules"] else ""
    records = counted(operation["records"], "record")
    typer.echo(f"{operation['name']} ({operation['kind']}),{about} {records}")


def _read(file: Path) -> Any:
    text = reading.text(str(file))
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"--file {file}: it can't be read as JSON ({error})") from error


def _print(shown: Mapping[str, Any], *, as_json: bool) -> None:
    if as_json:
        print_json(shown)
        return
    if "connections" not in shown:
        _print_policy(shown["policy"])
        typer.echo(f"It is the policy of the {shown['source']}.")
        return
    if shown["policy"] is None:
        print_table(("ENVIRONMENT", "MODE"), sorted(shown["defaults"].items()))
    else:
        _print_policy(shown["policy"])
    for connection, policy in shown["connections"].items():
        typer.echo(f"\nFor the connection {connection}:")
        _print_policy(policy)


def _print_policy(policy: Mapping[str, Any]) -> None:
    typer.echo(f"mode: {policy['mode']}")
    for rule in policy["rules"]:
        fits = "; ".join(
            f"{name} {' '.join(value) if isinstance(value, list) else value}"
            for name, value in rule.items()
            if name not in {"name", "action"}
        )
        typer.echo(f"{rule['action']}: {rule['name']} ({fits or 'all calls'})")
    for budget in policy["budgets"]:
        typer.echo(f"at most {budget['most']} {budget['counts']} in {budget['per_seconds']} seconds")
    if policy["needs_name"]:
        typer.echo("each call has to name its connection")
