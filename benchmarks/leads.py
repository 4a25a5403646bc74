"""Generated leads: the same ones for the same numbers, in every run and on every machine."""

import random
from collections.abc import Iterator
from functools import cache
from itertools import accumulate
from typing import Any

FIVE_FIELDS = ("Last_Name", "Email", "Company", "Lead_Status", "Created_Time")
TWENTY_FIELDS = (
    *FIVE_FIELDS,
    *("First_Name", "Full_Name", "Phone", "Mobile", "Lead_Source", "Industry", "City", "State", "Country"),
    *("Modified_Time", "Annual_Revenue", "No_of_Employees", "Email_Opt_Out", "Owner", "Description"),
)

_SYLLABLES = (
    *("an", "bel", "cor", "dan", "el", "far", "gor", "har", "il", "jen", "kar", "lin", "mor"),
    *("nel", "ol", "pet", "quin", "ros", "sam", "tor", "ul", "vin", "wal", "xen", "yor", "zim"),
)
_VOCABULARY_SIZE = 20_000

_SOURCES = ("Advertisement", "Cold Call", "Employee Referral", "Partner", "Trade Show", "Web Download")
_STATUSES = ("Attempted to Contact", "Contacted", "Junk Lead", "Lost Lead", "Not Contacted", "Pre-Qualified")
_INDUSTRIES = ("ERP", "Large Enterprise", "Optical Networking", "Service Provider", "Storage Equipment")
_RATINGS = ("Acquired", "Active", "Market Failed", None)
_DESIGNATIONS = ("VP Sales", "CTO", "Buyer", "Owner", "Head of Procurement")
_COUNTRIES = ("United States", "Germany", "India", "France", "España", "日本")


def leads(first: int, count: int) -> Iterator[dict[str, Any]]:
    """The leads numbered from `first` on, as a caller of the API sends them; about 25 fields and 900 bytes each."""
    words = _vocabulary()
    weights = [1 / (rank + 10) for rank in range(len(words))]
    cumulative = list(accumulate(weights))
    for number in range(first, first + count):
        yield _lead(number, words, cumulative)


@cache
def _vocabulary() -> list[str]:
    """Made-up words, in the order of how common they are in texts."""
    chance = random.Random(7)
    words: dict[str, None] = {}
    while len(words) < _VOCABULARY_SIZE:
        words["".join(chance.choices(_SYLLABLES, k=chance.randint(2, 4)))] = None
    return list(words)


def _lead(number: int, words: list[str], cumulative: list[float]) -> dict[str, Any]:
    # Seeded by its number, so that a lead is the same whichever others are generated with it.
    chance = random.Random(number)
    first, last = chance.choice(words).title(), chance.choice(words).title()
    site = f"{last.lower()}{number % 5000}.example.com"
    return {
        "First_Name": first,
        "Last_Name": last,
        "Company": f"{chance.choice(words).title()} {chance.choice(words).title()} Ltd",
        "Designation": chance.choice(_DESIGNATIONS),
        "Email": f"{first}.{last}{number}@example.com".lower(),
        "Secondary_Email": f"{last}{number}@mail.example.com".lower() if chance.random() < 0.4 else None,
        "Phone": _phone(chance),
        "Mobile": _phone(chance),
        "Website": f"https://{site}",
        "Twitter": last.lower(),
        "Lead_Source": chance.choice(_SOURCES),
        "Lead_Status": chance.choice(_STATUSES),
        "Industry": chance.choice(_INDUSTRIES),
        "Rating": chance.choice(_RATINGS),
        "Street": f"{chance.randint(1, 9999)} {chance.choice(words).title()} Street",
        "City": chance.choice(words[:500]).title(),
        "State": chance.choice(words[:50]).title(),
        "Zip_Code": str(chance.randint(10_000, 99_999)),
        "Country": chance.choice(_COUNTRIES),
        "No_of_Employees": chance.randint(1, 10_000),
        "Annual_Revenue": round(chance.random() * 1_000_000, 2),
        "Email_Opt_Out": chance.random() < 0.1,
        "Description": " ".join(chance.choices(words, cum_weights=cumulative, k=chance.randint(10, 50))),
    }


def _phone(chance: random.Random) -> str:
    return f"+1-{chance.randint(200, 999)}-{chance.randint(0, 9_999_999):07d}"
