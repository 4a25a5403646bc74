"""Decides what a policy says of an operation."""

from moorage.policies.model import (
    ACTIONS,
    ANY_MODULE,
    SAFE_METHODS,
    Action,
    Kind,
    Mode,
    Operation,
    Policy,
    Rule,
    Verdict,
)

_BY_MODE: dict[Mode, dict[Kind, Action]] = {
    "open": {"read": "allow", "write": "allow", "destructive": "allow"},
    "cautious": {"read": "allow", "write": "allow", "destructive": "ask"},
    "strict": {"read": "allow", "write": "ask", "destructive": "ask"},
    "readonly": {"read": "allow", "write": "deny", "destructive": "deny"},
}
_DOES: dict[Kind, str] = {"read": "reads", "write": "writes", "destructive": "is destructive"}
_SAYS: dict[Action, str] = {
    "allow": "allows it",
    "ask": "asks a person first",
    "deny": "does not allow it",
}


def verdict(policy: Policy, operation: Operation) -> Verdict:
    """What the policy says of an operation; if that has parts, the strictest of what it says of them.

    In doubt a rule that asks or denies fits, and one that allows does not.
    """
    if not operation.parts:
        return _by_rules(policy, operation) or _by_mode(policy.mode, operation)
    verdicts = [verdict(policy, part) for part in operation.parts]
    whole = _by_rules(policy, operation)
    return max([*verdicts, *([whole] if whole is not None else [])], key=_strictness)


def _strictness(decided: Verdict) -> int:
    return ACTIONS.index(decided.action)


def _by_rules(policy: Policy, operation: Operation) -> Verdict | None:
    for rule in policy.rules:
        if _fits(rule, operation):
            return Verdict(rule.action, f"The rule {rule.name!r} {_SAYS[rule.action]}.", rule.name)
    return None


def by_mode(mode: Mode, kind: Kind) -> Action:
    """What a mode says of calls of a kind that no rule fits."""
    return _BY_MODE[mode][kind]


def _by_mode(mode: Mode, operation: Operation) -> Verdict:
    action = by_mode(mode, operation.kind)
    return Verdict(action, f"The call {_what_it_does(operation)}, and the mode {mode} {_SAYS[action]}.")


def _what_it_does(operation: Operation) -> str:
    if operation.opaque and operation.kind == "destructive":
        return "may do anything, because it asks for another method or can't be looked into"
    if operation.kind == "write" and operation.name in SAFE_METHODS:
        return "is of an unknown operation, which counts as writing"
    return _DOES[operation.kind]


def _fits(rule: Rule, operation: Operation) -> bool:
    if operation.opaque:
        return rule.action != "allow"
    return (
        (rule.methods is None or operation.method in rule.methods)
        and (rule.kinds is None or operation.kind in rule.kinds)
        and (rule.operations is None or operation.name in rule.operations)
        and (rule.path is None or _path_fits(rule, operation.path))
        and (rule.modules is None or _modules_fit(rule, operation.modules))
    )


def _path_fits(rule: Rule, path: str) -> bool:
    assert rule.path is not None
    if rule.action == "allow":
        return path_fits(rule.path, path)
    return path_fits(rule.path.casefold(), path.casefold())


def _modules_fit(rule: Rule, modules: tuple[str, ...]) -> bool:
    named = {module.casefold() for module in rule.modules or ()}
    if rule.action == "allow":
        return bool(modules) and ANY_MODULE not in modules and named.issuperset(map(str.casefold, modules))
    return ANY_MODULE in modules or not named.isdisjoint(map(str.casefold, modules))


def path_fits(pattern: str, path: str) -> bool:
    """True if a pattern fits a path. It has at most one `**`, which is a whole segment. Needs time in proportion."""
    first, several, last = (part.split("/") if part else [] for part in pattern.partition("/**"))
    segments = path.split("/")
    if not several:
        return len(segments) == len(first) and all(map(_segment_fits, first, segments))
    last = last[1:]
    if len(segments) < len(first) + len(last):
        return False
    end = segments[len(segments) - len(last) :]
    return all(map(_segment_fits, first, segments)) and all(map(_segment_fits, last, end))


def _segment_fits(pattern: str, segment: str) -> bool:
    start, *middle = pattern.split("*")
    if not middle:
        return pattern == segment
    end = middle.pop()
    if not segment.startswith(start) or not segment.endswith(end) or len(segment) < len(start) + len(end):
        return False
    at = len(start)
    for text in middle:
        at = segment.find(text, at, len(segment) - len(end))
        if at < 0:
            return False
        at += len(text)
    return True
