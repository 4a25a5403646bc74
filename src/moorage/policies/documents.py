"""Policies in the form of the API."""

import re
from collections.abc import Collection, Iterable
from typing import Any, Literal, TypeVar, get_args, get_origin, get_type_hints

import msgspec
from msgspec.structs import fields

from moorage.http.errors import quoted
from moorage.http.timestamps import wire_time_of
from moorage.near import did_you_mean
from moorage.policies.errors import PolicyInvalid
from moorage.policies.model import Budget, Operation, Policy, Rule

METHOD = re.compile(r"[A-Z]{1,20}")
MOST_RULES = 50
MOST_BUDGETS = 6
_MOST_WORDS = 100
_LONGEST = 500
_LONGEST_NAME = 100
_LONGEST_TIME = 31 * 24 * 3600
_MOST = 1_000_000_000
_MOST_STARS = 10
_PER = "per_seconds"  # The name of `per` in documents, as a number says nothing of its unit.

T = TypeVar("T")


def policy_document(policy: Policy) -> dict[str, Any]:
    return {
        "mode": policy.mode,
        "rules": [_rule_document(rule) for rule in policy.rules],
        "budgets": [
            {"counts": budget.counts, "most": budget.most, _PER: budget.per} for budget in policy.budgets
        ],
        "needs_name": policy.needs_name,
    }


def spending_document(budget: Budget, spent: tuple[int, int], now: int) -> dict[str, Any]:
    """A budget with what is spent of it. `spent` is the last span in which something was, and how much."""
    span = now // budget.per
    return {
        "counts": budget.counts,
        "most": budget.most,
        _PER: budget.per,
        "spent": spent[1] if spent[0] == span else 0,
        "ends_at": wire_time_of((span + 1) * budget.per * 1_000_000),
    }


def _rule_document(rule: Rule) -> dict[str, Any]:
    """Only what the rule names, so that it reads as it was written."""
    values = {field.name: getattr(rule, field.name) for field in fields(rule)}
    return {
        name: list(value) if isinstance(value, tuple) else value
        for name, value in values.items()
        if value is not None
    }


def operation_document(operation: Operation) -> dict[str, Any]:
    return {
        "name": operation.name,
        "kind": operation.kind,
        "module": operation.module,
        "modules": list(operation.modules),
        "records": operation.records,
    }


def policy_of(document: Any, operations: Collection[str] | None = None) -> Policy:
    """The policy of a document. Raises PolicyInvalid, also if a rule names none of these `operations`."""
    document = _object(document, "policy", [field.name for field in fields(Policy)])
    rules = [
        _rule(rule, index, operations) for index, rule in enumerate(_list(document, "rules", MOST_RULES))
    ]
    budgets = [
        _budget(budget, index) for index, budget in enumerate(_list(document, "budgets", MOST_BUDGETS))
    ]
    _refuse_repeated([rule.name for rule in rules], "two rules have the name")
    _refuse_repeated([f"{each.counts} in {each.per} seconds" for each in budgets], "two budgets are for")
    plain = {name: value for name, value in document.items() if name not in {"rules", "budgets"}}
    policy = _converted(plain, Policy, "policy")
    return Policy(policy.mode, tuple(rules), tuple(budgets), policy.needs_name)


def _rule(document: Any, index: int, operations: Collection[str] | None) -> Rule:
    place = f"rules[{index}]"
    rule = _converted(_object(document, place, [field.name for field in fields(Rule)]), Rule, place)
    if not rule.name.strip() or len(rule.name) > _LONGEST_NAME or not rule.name.isprintable():
        raise PolicyInvalid(
            f"{place}.name has to have up to {_LONGEST_NAME} printable characters.",
            help="A rule's name is told to whoever it refuses.",
        )
    for name in ("methods", "modules", "operations", "kinds"):
        words = getattr(rule, name)
        if words is not None:
            _check_words(words, f"{place}.{name}")
    for method in rule.methods or ():
        if not METHOD.fullmatch(method):
            raise PolicyInvalid(
                f"{place}.methods can't have {quoted(method)}.", help="Write methods as GET or POST."
            )
    if rule.path is not None:
        _check_path(rule.path, f"{place}.path")
    if operations is not None:
        for operation in rule.operations or ():
            if operation not in operations:
                raise PolicyInvalid(
                    f"{place}.operations names {quoted(operation)}, which no app has."
                    f"{did_you_mean(operation, operations)}",
                    help="An operation's name is its method and its path template; POST /policies/try tells it.",
                )
    return rule


def _check_words(words: tuple[str, ...], place: str) -> None:
    if not 0 < len(words) <= _MOST_WORDS or not all(0 < len(word) <= _LONGEST for word in words):
        raise PolicyInvalid(
            f"{place} has to have 1 to {_MOST_WORDS} texts of up to {_LONGEST} characters.",
            help="Leave it out if the rule is for all.",
        )


def _check_path(path: str, place: str) -> None:
    segments = path.split("/")
    stars = [segment for segment in segments if "**" in segment]
    is_whole = all(segment == "**" for segment in stars) and len(stars) <= 1
    if not path.startswith("/") or len(path) > _LONGEST or not is_whole or path.count("*") > _MOST_STARS:
        raise PolicyInvalid(
            f"{place} can't be {quoted(path)}.",
            help="Write a path such as /crm/v8/Leads/*, in which * stands for a part of a segment. One whole segment"
            " may be **, which stands for any number of them.",
        )


def _budget(document: Any, index: int) -> Budget:
    place = f"budgets[{index}]"
    known = _object(document, place, ["counts", "most", _PER])
    budget = _converted(
        {"per" if name == _PER else name: value for name, value in known.items()}, Budget, place
    )
    if not 0 < budget.most <= _MOST or not 0 < budget.per <= _LONGEST_TIME:
        raise PolicyInvalid(
            f"{place} has to allow 1 to {_MOST} in 1 to {_LONGEST_TIME} seconds.",
            help=f'Write {{"counts": "records", "most": 100, "{_PER}": 3600}}.',
        )
    return budget


def _object(value: Any, place: str, known: Collection[str]) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise PolicyInvalid(f"{place} has to be an object.", help=f"It takes {', '.join(known)}.")
    for name in value:
        if name not in known:
            raise PolicyInvalid(
                f"{place} has a key {quoted(str(name))}, which is not known.{did_you_mean(str(name), known)}",
                help=f"It takes {', '.join(known)}.",
            )
    return value


def _list(document: dict[str, Any], name: str, most: int) -> list[Any]:
    values = document.get(name, [])
    if not isinstance(values, list) or len(values) > most:
        raise PolicyInvalid(
            f"{name} has to be a list of at most {most}.", help="Leave it out if there are none."
        )
    return values


def _converted(document: dict[str, Any], kind: type[T], place: str) -> T:
    for name, annotation in get_type_hints(kind).items():
        _check_choice(document.get(name), _choices(annotation), f"{place}.{name}")
    try:
        return msgspec.convert(document, kind)
    except msgspec.ValidationError as error:
        said = str(error).replace("`$.", f"`{place}.").replace("`$`", f"`{place}`")
        raise PolicyInvalid(f"{place}: {said}.", help="`moorage help policies` explains each key.") from None


def _choices(annotation: Any) -> list[str]:
    """The words that a member takes, alone or in a list; none if it takes any text."""
    inner = get_args(annotation)
    if get_origin(annotation) is Literal:
        return list(inner)
    return [word for each in inner for word in _choices(each)]


def _check_choice(value: Any, choices: list[str], place: str) -> None:
    for word in value if isinstance(value, list) else [value]:
        if choices and isinstance(word, str) and word not in choices:
            raise PolicyInvalid(
                f"{place} can't be {quoted(word)}.{did_you_mean(word, choices)}",
                help=f"Use {', '.join(choices)}.",
            )


def _refuse_repeated(names: Iterable[str], what: str) -> None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise PolicyInvalid(f"{what[0].upper()}{what[1:]} {quoted(name)}.", help="Give each another one.")
        seen.add(name)
