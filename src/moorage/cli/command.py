"""The help of commands, with examples, and the words that a shell completes."""

import contextlib
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from typer.core import TyperCommand

from moorage import __file__ as package
from moorage.errors import SettingsInvalid
from moorage.settings import load

# Examples for the commands that people use first.
EXAMPLES = {
    "up": (
        "moorage up",
        "moorage up --detach --wait",
        "moorage up --home ~/.moorage-tests --port 0 --crm-port 0 --json",
    ),
    "stop": ("moorage stop --timeout 60",),
    "logs": ("moorage logs -n 20", "moorage logs --follow --json"),
    "backup": (
        "moorage backup moorage.backup --recovery-key",
        "moorage backup --check moorage.backup --passphrase-file passphrase",
    ),
    "restore": ("moorage restore moorage.backup --home ~/.moorage-restored",),
    "api": (
        "moorage api '/zoho-crm/crm/v8/Leads?fields=Last_Name,Company'",
        "moorage api /zoho-crm/crm/v8/Leads -f 'data[][Last_Name]=Hopper' -f 'data[][Company]=Navy'",
    ),
    "key create": (
        "moorage key create --name ci --mode test --expires-in 90d",
        "moorage key create --name reports --scope proxy:zoho-crm:read",
    ),
    "connection create": (
        "moorage connection create zoho-crm",
        "moorage connection create zoho-crm --organisation demo",
    ),
    "client set": ("moorage client set zoho-crm --client-id 1000.ABC --secret-file secret.txt",),
    "crm org create": ("moorage crm org create acme --name 'Acme Inc' --time-zone Europe/Oslo --empty",),
}


class Command(TyperCommand):
    """A command whose help shows our names for arguments and options, without Python's types."""

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        """Such as `[OPTIONS] PATH`. Optional arguments are in brackets."""
        names = [(argument.metavar or "", argument.required) for argument in self._arguments(ctx)]
        return ["[OPTIONS]", *(name if required else f"[{name}]" for name, required in names)]

    def format_options(self, ctx: Any, formatter: Any) -> None:
        arguments = self._arguments(ctx)
        if arguments:
            with formatter.section("Arguments"):
                formatter.write_dl([(argument.metavar, argument.help or "") for argument in arguments])
        records = [param.get_help_record(ctx) for param in self.get_params(ctx) if param not in arguments]
        with formatter.section("Options"):
            formatter.write_dl([record for record in records if record is not None])

    def format_epilog(self, ctx: Any, formatter: Any) -> None:
        examples = EXAMPLES.get(ctx.command_path.partition(" ")[2], ())
        if examples:
            with formatter.section("For example"):
                for line in examples:  # Each example is on one line, so that people can copy it.
                    formatter.write(f"{'':{formatter.current_indent}}{line}\n")

    def _arguments(self, ctx: Any) -> list[Any]:
        return [param for param in self.get_params(ctx) if param.param_type_name == "argument"]


def starting(words: Iterable[str]) -> Callable[[str], list[str]]:
    """A function that completes the beginning of one of these words."""

    def complete(incomplete: str) -> list[str]:
        return [word for word in words if word.startswith(incomplete)]

    return complete


def apps(incomplete: str) -> list[str]:
    """The apps whose names begin with `incomplete`: shipped ones, and those in the data folder. Reads no file."""
    shipped = Path(package).parent / "oauth" / "apps" / "providers"
    files = {file.name for file in shipped.iterdir()}
    # An error is ignored, because a message would appear in the line that the user is typing.
    with contextlib.suppress(OSError, SettingsInvalid):
        environ = {name: text for name, text in os.environ.items() if name == "MOORAGE_HOME"}
        files |= {file.name for file in (load(environ).home / "providers").iterdir()}
    names = {file.removesuffix(".toml") for file in files if file.endswith(".toml")}
    return sorted(name for name in names if name.startswith(incomplete))
