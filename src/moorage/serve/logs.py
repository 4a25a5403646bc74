"""Log lines go to standard error, one line each: readable at a terminal, JSON anywhere else."""

import logging
import sys

import structlog


def quiet_logs() -> None:
    """The logs of a command: only warnings, on standard error, because standard output is for the result."""
    structlog.configure(
        processors=[
            _without_told,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.dev.ConsoleRenderer(colors=False),
        ],
        wrapper_class=structlog.make_filtering_bound_logger("warning"),
        # Looked up for each line, because standard error may be replaced.
        logger_factory=lambda *_: structlog.PrintLogger(sys.stderr),
    )


def _without_told(
    _logger: object, _name: str, event: structlog.typing.EventDict
) -> structlog.typing.EventDict:
    """Drop the event for a database in trouble, because the command itself reports it."""
    if event["event"] == "storage.trouble":
        raise structlog.DropEvent
    return event


def configure_logs(level: str) -> None:
    """The logs of a server: our lines from `level` on (debug, info, warning, error), and warnings of libraries."""
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
