"""Writes docs/zoho-coverage.md from the code (`script/pages`)."""

from collections.abc import Iterator
from pathlib import Path

from moorage.crm.api import routes
from moorage.crm.api.absent import Operations, of_any_module, pairs, read_operations, shape

PAGE = Path(__file__).parents[2] / "docs" / "zoho-coverage.md"
TEXT = """\
# Zoho's operations: what is missing, what is here

With this page you can see whether the embedded CRM answers an operation of Zoho CRM API v8.

Zoho describes version 8 of its API in files for programs, one for each family of calls. As of June 2025 they name
{described} operations in {families} families. An operation that stands in several files counts once.
**{answered} are here, {missing} are missing.** [Those that are here](crm/README.md#calls) are explained with their
scopes.

A missing operation answers 404 `INVALID_URL_PATTERN`, and the header `Moorage-Hint` names it. `{{module}}` is any
module. `{{external_value}}` is the id that a record has in another program, sent with the header
[`X-EXTERNAL`](crm/fields.md#ids-of-other-programs). `{{download_url}}` is an address that another answer gave.

`script/pages` writes this page from the code and from `crm/api/operations.json`; a test compares them.

## Missing

| family | path | methods |
| --- | --- | --- |
{absent_table}

## Missing, and not in the description

Only Zoho's pages or clients name these.

| path | methods |
| --- | --- |
{undescribed_table}

## Here

| family | path | methods |
| --- | --- | --- |
{present_table}
"""


# The addresses of files that answers give, by family.
_DOWNLOADS = {
    "backup": "/crm/bulk/v8/backup/{id}/{file_name}",
    "bulk_write": "/crm/bulk/v8/write/{job_id}/result",
}


def _with_downloads(operations: Operations) -> Operations:
    described = {
        family: {
            _DOWNLOADS.get(family, path) if path == "/{download_url}" else path: methods
            for path, methods in paths.items()
        }
        for family, paths in operations.described.items()
    }
    return Operations(described, operations.undescribed)


class Coverage:
    def __init__(self) -> None:
        self.operations = _with_downloads(read_operations())
        self._routes = {(route.method, shape(route.pattern)) for route in routes()}
        described = {pair for family in self.operations.described.values() for pair in pairs(family)}
        self.answered = {pair for pair in described if self._answers(*pair)}
        self.missing = described - self.answered

    def _answers(self, method: str, path: str) -> bool:
        return bool({(method, shape(path)), (method, shape(of_any_module(path)))} & self._routes)

    def _rows(self, paths: dict[str, str], *, answered: bool) -> Iterator[str]:
        for path, methods in paths.items():
            chosen = [method for method in methods.split() if self._answers(method, path) is answered]
            if chosen:
                yield f"| `{path}` | {', '.join(chosen)} |"

    def _table(self, *, answered: bool) -> str:
        families = self.operations.described.items()
        return "\n".join(
            f"| {family} {row}" for family, paths in families for row in self._rows(paths, answered=answered)
        )

    def page(self) -> str:
        return TEXT.format(
            described=len(self.answered | self.missing),
            families=len(self.operations.described),
            answered=len(self.answered),
            missing=len(self.missing),
            absent_table=self._table(answered=False),
            undescribed_table="\n".join(self._rows(self.operations.undescribed, answered=False)),
            present_table=self._table(answered=True),
        )


if __name__ == "__main__":
    PAGE.write_text(Coverage().page())
