"""An agent that is played by a script, and what its tasks may cost.

It counts what a model pays: the arguments that it writes, and the results that it reads.
"""

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any


@dataclass(frozen=True)
class Task:
    """What a person says, and what an agent does. `steps` fails unless the outcome is right."""

    said: str
    steps: "Steps"
    most_calls: int
    most_bytes: int


@dataclass
class Agent:
    """A client of the tools that counts. `see` shows records as they are now, at no cost."""

    client: Any
    see: Callable[[str], Any]
    calls: int = 0
    bytes: int = 0

    async def __call__(self, tool: str, **arguments: Any) -> "Result":
        """Use a tool, which must do what it is asked for."""
        result = await self.tried(tool, **arguments)
        assert not result.failed, (tool, arguments, result.text)
        return result

    async def tried(self, tool: str, **arguments: Any) -> "Result":
        """Use a tool, which may refuse."""
        answer = await self.client.call_tool(tool, arguments)
        result = Result(answer.structured_content or {}, answer.content[0].text, bool(answer.is_error))
        self.calls += 1
        self.bytes += len(_json(arguments)) + result.size
        return result

    async def one(self, module: str, words: str, *fields: str) -> dict[str, Any]:
        """The only record that has these words."""
        found = await self("search_records", module=module, words=words, fields=list(fields))
        [record] = found.records
        return record

    async def asked(self, coql: str, **options: Any) -> list[dict[str, Any]]:
        return (await self("query_records", coql=coql, **options)).records

    async def write(self, module: str, mode: str, *records: dict[str, Any], **options: Any) -> "Result":
        return await self("write_records", module=module, mode=mode, records=list(records), **options)


Steps = Callable[[Agent], Awaitable[None]]


@dataclass(frozen=True)
class Result:
    """What a model reads: some clients give it the data, others the text, so the longer of the two counts."""

    data: dict[str, Any]
    text: str
    failed: bool

    @property
    def size(self) -> int:
        return max(len(_json(self.data)) if self.data else 0, len(self.text.encode()))

    @property
    def records(self) -> list[dict[str, Any]]:
        return rows_of(self.data)


def rows_of(table: dict[str, Any]) -> list[dict[str, Any]]:
    """The rows of a table, each with its values by column."""
    return [dict(zip(table["columns"], row, strict=True)) for row in table["rows"]]


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def declaring(tasks: list[Task]) -> Callable[..., Callable[[Steps], Steps]]:
    """A decorator that adds tasks to a list, each with the most calls of tools and bytes that it may take."""

    def task(said: str, *, calls: int, size: int) -> Callable[[Steps], Steps]:
        def declare(steps: Steps) -> Steps:
            tasks.append(Task(said, steps, calls, size))
            return steps

        return declare

    return task


def day(offset: int) -> str:
    return (datetime.now(UTC) + timedelta(days=offset)).date().isoformat()


def name_in(lookup: str) -> str:
    """The name in a related record, which is shown as `name (id)`."""
    return lookup.rpartition(" (")[0]


def id_in(lookup: str) -> str:
    return lookup.rpartition(" (")[2].removesuffix(")")
