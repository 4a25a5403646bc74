"""How a text, an address or a phone number is looked for in a field, and how many words that may cost."""

from moorage.crm.metadata.catalog import Catalog, Field
from moorage.crm.query.tree import (
    AllOf,
    AnyOf,
    Checked,
    Digits,
    Equal,
    Fragment,
    Named,
    Not,
    Phrase,
    WordStarts,
)
from moorage.crm.query.words import CRITERIA_TERMS, count_terms, has_terms, require_few

PHONE_FORMATTING = " -().+"  # Signs of a phone number that only format it.
_PHONE_FORMATTING = str.maketrans("", "", PHONE_FORMATTING)


def phrase(field: Field, text: str, *, start: bool = False) -> Checked:
    """The words of a text; one that has none, and a field that the full text doesn't hold, are compared by letters."""
    if field.in_full_text and has_terms(text):
        return Phrase(field, text, start)
    return Fragment(field, text, "start") if start else Equal(field, text)


def email_is(field: Field, text: str) -> Checked:
    """A whole address means exactly that one; a part of one, such as its domain, is looked for as words."""
    local, at, domain = text.partition("@")
    whole = at and local and "." in domain.strip(".") and " " not in text
    return Equal(field, text) if whole else phrase(field, text)


def phone_is(field: Field, text: str, *, start: bool = False) -> Checked | None:
    """None when nothing but formatting is left of the number."""
    digits = text.translate(_PHONE_FORMATTING)
    return Digits(field, digits, start) if digits else None


def require_few_words(checked: Checked, catalog: Catalog) -> None:
    """Raises Fault INVALID_QUERY for conditions that look for too many words."""
    require_few(_count(checked, catalog), CRITERIA_TERMS)


def _count(checked: Checked, catalog: Catalog) -> int:
    match checked:
        case AllOf(parts) | AnyOf(parts):
            return sum(_count(part, catalog) for part in parts)
        case Not(part):
            return _count(part, catalog)
        case Phrase(_, text):
            return count_terms(text)
        case WordStarts(phrases):
            return sum(map(count_terms, phrases))
        case Named(field, name):
            # The full text leads to the records of that name, in each module that the field can point to.
            return count_terms(name) * sum(display.in_full_text for _, display in catalog.named_by(field))
    return 0
