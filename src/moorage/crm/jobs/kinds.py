"""The kinds of bulk jobs, each with what makes its worker."""

from collections.abc import Callable, Mapping

from moorage.crm.jobs.model import Worker

KINDS: Mapping[str, Callable[[], Worker]] = {}
