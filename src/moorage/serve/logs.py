"""Where log lines go: standard error, one line each; readable at a terminal, JSON anywhere else."""

import logging
import sys

import structlog


def quiet_logs() -> None:
    """For a command: warnings alone, on standard error, as its result has standard output to itself."""
    structlog.configure(
        processors=[
            _without_told,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.dev.ConsoleRenderer(colors=False),
        ],
        wrapper_class=structlog.make_filtering_bound_logger("warning"),
        # Looked up at each line, so that whoever takes standard error's place gets it.
        logger_factory=lambda *_: structlog.PrintLogger(sys.stderr),
    )


def _without_told(
    _logger: object, _name: str, event: structlog.typing.EventDict
) -> structlog.typing.EventDict:
    """Of a database in trouble a command itself tells its user."""
    if event["event"] == "storage.trouble":
        raise structlog.DropEvent
    return event


def configure_logs(level: str) -> None:
    """For this process: our own lines from `level` on (debug, info, warning, error), and the libraries' warnings."""
    timestamp = structlog.processors.TimeStamper(fmt="iso", utc=True)
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        timestamp,
        structlog.processors.format_exc_info,
    ]
    renderer: structlog.typing.Processor = structlog.processors.JSONRenderer()
    if sys.stderr.isatty():
        renderer = structlog.dev.ConsoleRenderer()
    structlog.configure(
        processors=[*shared, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    stream = logging.StreamHandler(sys.stderr)
    stream.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    logging.basicConfig(handlers=[stream], level=logging.WARNING, force=True)
