"""What can go wrong with traces."""

from moorage.errors import MoorageError


class TracingMissing(MoorageError):
    """The library that traces need is not installed."""

    code = "settings_invalid"

    def __init__(self) -> None:
        super().__init__(
            "MOORAGE_TRACES needs a library that is not installed",
            help="Install it with `pip install 'moorage[otel]'`, or leave MOORAGE_TRACES out.",
        )
