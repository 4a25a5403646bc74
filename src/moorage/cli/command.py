"""The help of commands, with examples."""

from typing import Any

from typer.core import TyperCommand

from moorage.cli.examples import EXAMPLES


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
