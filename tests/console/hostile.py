"""Texts that harm a page which takes them for something else than text."""

import re

HOSTILE = (
    "<img src=x onerror=alert(1)>",
    "\"'><script>alert(1)</script>",
    "</textarea><svg/onload=alert(1)>",
    "{{ 7 * 7 }} {% raw %} ${7*7}",
    "javascript:alert(1)//\u202egnp.exe",
    "x" * 5000,
    "null\x00byte \ufeff \u2028",
)
_ACTIVE = re.compile(r"<(?:img|svg)[^>]*on\w+\s*=|<script>|(?:href|src|action)=\"javascript:", re.IGNORECASE)


def seen_as_text(page):
    """Whether a page shows such texts as text: no markup of theirs, and no expression that was computed."""
    outside = re.sub(r"<svg viewBox.*?</svg>", "", page.text, flags=re.DOTALL)
    return not _ACTIVE.search(outside) and "49 {%" not in page.text
