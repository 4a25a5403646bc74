"""How a field is searched for a text, an address or a phone number, and how many words such a search may have."""

from typing import Any

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
from moorage.crm.query.words import CRITERIA_WORDS, count_words, has_words, require_few

PHONE_FORMATTING = " -().+"  # Signs of a phone number that don't count.
_PHONE_FORMATTING = str.maketrans("", "", PHONE_FORMATTING)
_LOWER = {code: code + 32 for code in range(ord("A"), ord("Z") + 1)}


def folded(value: Any) -> Any:
    """Two values are the same if their folded values are equal: the ASCII case of text does not matter."""
    return value.translate(_LOWER) if isinstance(value, str) else value


def phrase(field: Field, text: str, *, start: bool = False) -> Checked:
    """A search for the words of a text. Without words, or outside the full text, the text is compared as it is."""
    if field.in_full_text and has_words(text):
        return Phrase(field, text, start)
    return Fragment(field, text, "start") if start else Equal(field, text)


def email_is(field: Field, text: str) -> Checked:
    """A whole address finds exactly this address; a part, such as the domain, is searched for as words."""
    local, at, domain = text.partition("@")
    whole = at and local and "." in domain.strip(".") and " " not in text
    return Equal(field, text) if whole else phrase(field, text)


def phone_is(field: Field, text: str, *, start: bool = False) -> Checked | None:
    """A search for a number; None for a text without digits or letters."""
    digits = text.translate(_PHONE_FORMATTING)
    return Digits(field, digits, start) if digits else None


def require_few_words(checked: Checked, catalog: Catalog) -> None:
    """Raise Fault INVALID_QUERY for conditions with too many words."""
    require_few(_count(checked, catalog), CRITERIA_WORDS)


def _count(checked: Checked, catalog: Catalog) -> int:
    match checked:
        case AllOf(parts) | AnyOf(parts):
            return sum(_count(part, catalog) for part in parts)
        case Not(part):
            return _count(part, catalog)
        case Phrase(_, text):
            return count_words(text)
        case WordStarts(phrases):
            return sum(map(count_words, phrases))
        case Named(field, name):
            # The full text is searched for the name in each module that the field can point to.
            return count_words(name) * sum(display.in_full_text for _, display in catalog.named_by(field))
    return 0
