"""Roll-up fields: aggregates over the records of another module that point to a record [Z rollup-summary].

Zoho calls the type `rollup_summary`. The field's document names the related list whose records count; the lookup by
which they point to a record is the one that has this list.
"""

from typing import Any, Literal, TypeAlias

import msgspec

from moorage.crm.metadata.documents import Body

ROLL_UP = "rollup_summary"  # The `data_type`.
# Types of fields whose values change although nobody writes the record: nothing can be kept that depends on them.
WORKED_OUT = frozenset({ROLL_UP, "formula"})
Function: TypeAlias = Literal["count", "sum", "average", "min", "max"]


class RollUp(msgspec.Struct, frozen=True):
    """`module` is the API name of the module that is rolled up, and `field` that of its field, None for a count."""

    function: Function
    module: str
    related_list: str
    field: str | None
    criteria: Body | None


def roll_up_of(body: Body) -> RollUp | None:
    """What the field of a document rolls up, if it does."""
    if body["data_type"] != ROLL_UP:
        return None
    roll_up: dict[str, Any] = body[ROLL_UP]
    expression = roll_up["expression"]
    return RollUp(
        function=expression["function"],
        module=roll_up["based_on_module"]["api_name"],
        related_list=roll_up["related_list"]["api_name"],
        field=next((each["api_name"] for each in expression["function_parameters"]), None),
        criteria=expression["criteria"],
    )
