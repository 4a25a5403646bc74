"""Formulas over a record of one field of each kind, and one that is empty."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from moorage.crm.metadata.formulas.formula import Formula, Result, formula
from moorage.crm.metadata.formulas.parts import Source

ZONE = ZoneInfo("America/Los_Angeles")
NOW = int(datetime(2026, 2, 6, 9, 10, 56, tzinfo=UTC).timestamp())  # 01:10:56 in the zone.
STORAGES = {
    "Amount": "real",
    "Count": "integer",
    "Big": "bigint",
    "Name": "text",
    "Ticked": "boolean",
    "Day": "date",
    "Time": "datetime",
    "No_Number": "real",
    "No_Text": "text",
    "No_Day": "date",
    "No_Time": "datetime",
}
ROW = {
    "Amount": 12.5,
    "Count": 3,
    "Big": 10**17,
    "Name": "Quay 7",
    "Ticked": 1,
    "Day": "2026-01-31",
    "Time": NOW,
}
LENGTHS = {"double": 16, "currency": 16, "text": 255, "date": 20, "datetime": 120, "boolean": 5}


def source(name):
    """Each field's column has its name."""
    return Source(name, STORAGES[name]) if name in STORAGES else f"There is no field {name}."


def of(expression, return_type="double", *, decimals=9, **more) -> Formula:
    return formula(expression, source, Result(return_type, LENGTHS[return_type], decimals), **more)


def value(expression, return_type="double", *, row=ROW, zone=ZONE, **more):
    return of(expression, return_type, **more).value(row, zone, NOW)
