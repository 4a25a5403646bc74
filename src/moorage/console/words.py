"""Rights in words: what the scopes of a key let it do, and what its policy says."""

from collections.abc import Mapping, Sequence
from typing import Any

MODES: Mapping[str, str] = {
    "readonly": "Reads go. Changes are refused.",
    "strict": "Reads go. Before each change, a person is asked.",
    "cautious": "Reads and writes go. Before something is taken away, a person is asked.",
    "open": "All calls go.",
}
ACTIONS: Mapping[str, str] = {"allow": "goes", "ask": "asks a person first", "deny": "is refused"}
KINDS: Mapping[str, str] = {"read": "reads", "write": "writes", "destructive": "takes something away"}
CONTROL: Mapping[str, str] = {
    "approvals:read": "see the waiting calls of all keys",
    "audit:read": "read the audit",
    "connections:read": "see connections",
    "connections:write": "make, change and delete connections",
    "keys:read": "see keys",
    "keys:write": "make, rotate and revoke keys",
    "organisations:read": "see embedded organisations",
    "organisations:write": "reset, fill and delete embedded organisations",
    "policies:read": "see policies",
    "policies:write": "change policies",
    "requests:bodies": "read bodies of requests",
    "requests:read": "read the request log",
}


def scope_in_words(scope: str, connections: Mapping[str, str]) -> str:
    """What a scope opens. `connections` has the names of connections, by their ids."""
    if scope in CONTROL:
        return CONTROL[scope]
    first, *rest = scope.split(":")
    if first != "proxy":
        return scope
    does = "read" if rest[-1:] == ["read"] else "call"
    target = next(iter(rest[: len(rest) - (does == "read")]), None)
    if target is None:
        return f"{does} all apps"
    return f"{does} {connections.get(target, target)}"


def scopes_in_words(scopes: Sequence[str], connections: Mapping[str, str]) -> str:
    """All scopes in one line: first what it may call, then how much of the control API it has."""
    calls = [scope_in_words(scope, connections) for scope in scopes if scope not in CONTROL]
    control = [scope for scope in scopes if scope in CONTROL]
    if len(control) > 3:
        named = f"{len(control)} of {len(CONTROL)} scopes of the control API"
    else:
        named = ", ".join(CONTROL[scope] for scope in control)
    return ", ".join([*calls, *([named] if named else [])]) or "nothing"


def policy_in_words(policy: Mapping[str, Any] | None) -> str:
    """A policy in one line. Without one, the environment of a connection decides."""
    if policy is None:
        return "by environment"
    parts = [policy["mode"]]
    for name, count in (("rule", len(policy["rules"])), ("budget", len(policy["budgets"]))):
        if count:
            parts.append(f"{count} {name}{'s' if count > 1 else ''}")
    return ", ".join(parts)


def rule_in_words(rule: Mapping[str, Any]) -> str:
    """To which calls a rule applies."""
    named = [
        f"{word} {', '.join(rule[name])}"
        for name, word in (("methods", "with"), ("modules", "of"), ("operations", "that are"))
        if name in rule
    ]
    kinds = [f"that {' or '.join(map(KINDS.__getitem__, rule['kinds']))}"] if "kinds" in rule else []
    path = [f"at {rule['path']}"] if "path" in rule else []
    return " ".join(["calls", *named, *path, *kinds]) if named or kinds or path else "all calls"


def span_in_words(seconds: int) -> str:
    """A length of time: `an hour`, or `90 seconds`."""
    return {60: "a minute", 3600: "an hour", 86400: "a day", 604800: "a week"}.get(
        seconds, f"{seconds} seconds"
    )
