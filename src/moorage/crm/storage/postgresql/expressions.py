"""Expressions that indexes and conditions have to write alike, because else no index would be used."""

from moorage.crm.metadata.catalog import Field
from moorage.crm.query.texts import PHONE_FORMATTING


def nocase(text: str) -> str:
    """A text regardless of (ASCII) case. With this collation, only A to Z become small letters."""
    return f'lower({text} COLLATE "C")'


# The name of a deleted record, as it is compared.
BIN_TEXT = nocase("coalesce(display_name, '')")


def compared(field: Field, value: str) -> str:
    """A value of the field as it is compared."""
    return nocase(value) if field.storage == "text" else value


def phone_digits(text: str) -> str:
    """A phone number without the signs that don't count."""
    return f"translate({text}, '{PHONE_FORMATTING}', '')"
