"""Finds actions by words in any order. The rarer a word is among all actions, the more it counts."""

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cache

import msgspec

from moorage.mcp.maton.actions.catalogue import Action, actions
from moorage.mcp.maton.actions.words import same_words

_WORD = re.compile(r"[a-z0-9]+")
_SHORTEST_BEGINNING = 4  # Letters by which a longer word is found.
# How much a word counts in the path of an action, in its title, and in its id.
_IN_PATH, _IN_TITLE, _IN_ID = 1.0, 2.0, 4.0
_SAID = 0.4  # How much a word counts itself for which actions have another.
_PART_OF_THE_BEST = 0.6  # How well an action must fit, compared with that which fits best.

_EMPTY = frozenset(
    [
        "a",
        "all",
        "an",
        "and",
        "by",
        "crm",
        "for",
        "from",
        "in",
        "is",
        "it",
        "its",
        "my",
        "of",
        "on",
        "or",
        "the",
        "to",
        "v8",
        "what",
        "with",
        "zoho",
    ]
)


class _Index(msgspec.Struct, frozen=True):
    """`weights` has for each word how much it counts in which actions, and `rarity` how rare it is."""

    weights: Mapping[str, Mapping[str, float]]
    rarity: Mapping[str, float]


def search(pattern: str, offered: Sequence[Action]) -> Sequence[Action]:
    """Those of the offered actions that fit best, the best first; all without a word. `|` separates alternatives."""
    alternatives = [words for part in pattern.split("|") if (words := _words(part))]
    if not alternatives:
        return offered
    among = {action.id for action in offered}
    scores: dict[str, float] = {}
    for words in alternatives:
        for action_id, score in _fitting(words, among).items():
            scores[action_id] = max(score, scores.get(action_id, 0.0))
    fitting = [action for action in offered if action.id in scores]
    return sorted(fitting, key=lambda action: -scores[action.id])


def _fitting(words: Iterable[str], among: set[str]) -> Mapping[str, float]:
    """The actions that fit these words well, with how well. A word that no action has does not count."""
    scores: dict[str, float] = {}
    for word in words:
        for action_id, weight in _weights(word).items():
            if action_id in among:
                scores[action_id] = scores.get(action_id, 0.0) + weight
    least = max(scores.values(), default=0.0) * _PART_OF_THE_BEST
    return {action_id: score for action_id, score in scores.items() if score >= least}


def _weights(word: str) -> Mapping[str, float]:
    """How much a word counts in which actions: itself, or a word that means the same."""
    index, weights = _index(), dict[str, float]()
    meant = same_words().get(word, [])
    said = (_known(word, index), _SAID if meant else 1.0)
    for known, part in [said, *((same, 1.0) for same in meant)]:
        for action_id, weight in index.weights.get(known, {}).items():
            counts = weight * index.rarity[known] * part
            weights[action_id] = max(counts, weights.get(action_id, 0.0))
    return weights


def _known(word: str, index: _Index) -> str:
    """The word, or the shortest known one that begins with it."""
    if word in index.weights or len(word) < _SHORTEST_BEGINNING:
        return word
    return min((known for known in index.weights if known.startswith(word)), key=len, default=word)


@cache
def _index() -> _Index:
    weights: dict[str, dict[str, float]] = {}
    for action in actions().values():
        for text, weight in ((action.path, _IN_PATH), (action.title, _IN_TITLE), (action.id, _IN_ID)):
            for word in _words(text):
                # The place in which a word counts most comes last.
                weights.setdefault(word, {})[action.id] = weight
    count = len(actions())
    return _Index(weights, {word: math.log(1 + count / len(of_word)) for word, of_word in weights.items()})


def _words(text: str) -> set[str]:
    return {_singular(word) for word in _WORD.findall(text.casefold())} - _EMPTY


def _singular(word: str) -> str:
    if word.endswith("ies") and len(word) > 4:
        return f"{word[:-3]}y"
    return word[:-1] if word.endswith("s") and not word.endswith("ss") and len(word) > 3 else word
