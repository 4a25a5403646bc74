"""Aggregates over the records that point to one, of which the values of roll-up fields are made."""

import msgspec

from moorage.crm.metadata.catalog import Field
from moorage.crm.metadata.roll_ups import Function
from moorage.crm.query.tree import Checked

MOST_PLACES = 9


class Aggregate(msgspec.Struct, frozen=True):
    """One value of a group of records, or of those among them that meet `criteria`.

    Criteria ask neither the full text, which follows at the end of a transaction, nor for the names of other records.

    A count has no field, and is 0 for no records. All other aggregates are of the values of a field, and None if there
    are none:

    sum        exact. Of decimals, which count as they are written in JSON, the nearest float; of whole numbers an int,
               or None if it has more than 18 digits, for which no column has room
    average    the nearest float to the exact average, rounded to `places` decimals, `MOST_PLACES` at most; a half is
               rounded away from zero
    min, max   a value as it is stored
    """

    function: Function
    field: Field | None = None
    criteria: Checked | None = None
    places: int = 0
