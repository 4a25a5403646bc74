"""Words for agents: what parameters mean, and what people say in place of the words that actions have."""

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path

WORDS = Path(__file__).parent / "words.toml"


def meanings() -> Mapping[str, str]:
    """What parameters mean whose names say too little."""
    return _words()["parameters"]


@cache
def same_words() -> Mapping[str, list[str]]:
    """For words that people say, words of actions that mean the same."""
    return {said: words.split() for said, words in _words()["same"].items()}


@cache
def _words() -> Mapping[str, Mapping[str, str]]:
    return tomllib.loads(WORDS.read_text(encoding="utf-8"))
