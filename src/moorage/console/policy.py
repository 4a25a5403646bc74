"""The policy of a key: its mode, its rules in their order, its budgets, and a call that is tried against them."""

import asyncio
import hashlib
import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from msgspec.structs import replace

from moorage.console import policy_trial
from moorage.console.calls import Refused
from moorage.console.keys import names_of, path_of
from moorage.console.visit import Done, Page, Shown, Visit, get, post
from moorage.console.words import ACTIONS, KINDS, MODES, rule_in_words, span_in_words

READ, WRITE = "policies:read", "policies:write"
SPANS = {"60": "a minute", "3600": "an hour", "86400": "a day", "604800": "a week"}
_LISTS = ("methods", "modules", "operations")
_NEW: Mapping[str, Any] = {"mode": "cautious", "rules": [], "budgets": [], "needs_name": False}
_TRIAL_FORM = 256 * 1024  # Bytes, as a body grows when a form is encoded.
Document = dict[str, Any]


async def show(visit: Visit) -> Shown:
    return await _page(visit)


async def _page(visit: Visit, typed: Mapping[str, str] | None = None, fault: Refused | None = None) -> Shown:
    """The policy for all connections, or for the one in the query; with what somebody typed, and what is wrong."""
    chosen = visit.form.get("connection") or visit.query.get("connection", "")
    key, policies, names, apps = await asyncio.gather(
        visit.control("GET", path_of(visit)),
        visit.control("GET", f"{path_of(visit)}/policy"),
        names_of(visit),
        visit.control("GET", "/apps"),
    )
    own, app_names = policies.document["connections"], [app["app"] for app in apps.document["apps"]]
    policy = own.get(chosen) if chosen else policies.document["policy"]
    values = {
        "key": {"id": key.document["key"]["id"], "name": key.document["key"]["name"]},
        "connection": chosen,
        "names": names,
        "with_own": {one: names.get(one, one) for one in own},
        "policy": policy,
        "rules": [{**rule, "words": rule_in_words(rule)} for rule in (policy or {}).get("rules", [])],
        "budgets": [
            {**one, "words": span_in_words(one["per_seconds"])} for one in (policy or {}).get("budgets", [])
        ],
        "defaults": policies.document["defaults"],
        "seen": _digest(policy),
        "modes": MODES,
        "kinds": KINDS,
        "actions": ACTIONS,
        "spans": SPANS,
        "changes": visit.may(WRITE),
        "apps": app_names,
        "typed": dict(typed or {}),
        "fault": fault and fault.told,
        **await policy_trial.tried(visit, chosen, policy_trial.typed(visit, app_names)),
    }
    return Shown("policy.html", values, 200 if fault is None else fault.status)


async def attempt(visit: Visit) -> Shown:
    shown = await _page(visit)
    untried = shown.values["untried"]
    return shown if untried is None else replace(shown, status=untried["status"])


async def back(visit: Visit) -> Done:
    """For somebody who loads the page again that the box has answered with."""
    return Done(f"{path_of(visit)}/policy")


def _digest(policy: Document | None) -> str:
    return hashlib.sha256(json.dumps(policy, sort_keys=True).encode()).hexdigest()[:16]


async def change(visit: Visit) -> Shown | Done:
    """One change of the policy, as the form's button says. It holds at once."""
    connection = visit.form.get("connection", "")
    where = {"connection": connection} if connection else None
    what, _, place = visit.form.get("do", "").partition(":")
    try:
        policy = await _seen(visit, connection)
        if what == "take":
            await visit.control("DELETE", f"{path_of(visit)}/policy", where)
        else:
            changed = _changed(policy, what, place, visit.form)
            await visit.control("PUT", f"{path_of(visit)}/policy", where, changed)
    except Refused as refused:
        if refused.status not in {400, 403, 409, 422}:
            raise
        return await _page(visit, visit.form, refused)
    query = f"?connection={quote(connection, safe='')}" if connection else ""
    return Done(f"{path_of(visit)}/policy{query}", "The policy has changed. It holds from now on.")


async def _seen(visit: Visit, connection: str) -> Document | None:
    """The policy as it is. Raises Refused if somebody else has changed it since the page was made."""
    answer = await visit.control("GET", f"{path_of(visit)}/policy")
    policies = answer.document
    policy: Document | None = policies["policy"]
    if connection:
        policy = policies["connections"].get(connection)
    if visit.form.get("seen") != _digest(policy):
        raise Refused(
            409,
            "policy_changed",
            "Somebody else has changed this policy.",
            "Look at it, and change it again.",
        )
    return policy


def _changed(policy: Document | None, what: str, place: str, form: Mapping[str, str]) -> Document:
    """The policy after a change. Raises Refused for a change that does not exist."""
    document = {**_NEW, **(policy or {})}
    rules, budgets = document["rules"], document["budgets"]
    index = int(place) if place.isascii() and place.isdecimal() and len(place) < 4 else -1
    match what:
        case "mode":
            return {**document, "mode": form.get("mode", ""), "needs_name": "needs_name" in form}
        case "rule" if form.get("place") == "first":
            return {**document, "rules": [_rule(form), *rules]}
        case "rule":
            return {**document, "rules": [*rules, _rule(form)]}
        case "remove":
            return {**document, "rules": _without(rules, index)}
        case "up" if 0 < index < len(rules):
            moved = [*rules[: index - 1], rules[index], rules[index - 1], *rules[index + 1 :]]
            return {**document, "rules": moved}
        case "budget":
            return {**document, "budgets": [*budgets, _budget(form)]}
        case "unbudget":
            return {**document, "budgets": _without(budgets, index)}
    raise Refused(400, "body_invalid", "The form has no such button.", "Open the page again.")


def _without(values: list[Any], index: int) -> list[Any]:
    return [value for place, value in enumerate(values) if place != index]


def _rule(form: Mapping[str, str]) -> Document:
    rule: Document = {"name": form.get("name", "").strip(), "action": form.get("action", "")}
    for name in _LISTS:
        words = [word.strip() for word in form.get(name, "").split(",") if word.strip()]
        if words:
            rule[name] = [word.upper() for word in words] if name == "methods" else words
    if form.get("path", "").strip():
        rule["path"] = form["path"].strip()
    kinds = [kind for kind in KINDS if f"kind.{kind}" in form]
    if kinds:
        rule["kinds"] = kinds
    return rule


def _budget(form: Mapping[str, str]) -> Document:
    """What can't be a number is 0, which the API refuses in words."""
    most, per = form.get("most", ""), form.get("per", "")
    return {
        "counts": form.get("counts", ""),
        "most": int(most) if most.isascii() and most.isdecimal() and len(most) < 16 else 0,
        "per_seconds": int(per) if per in SPANS else 0,
    }


PAGES: tuple[Page, ...] = (
    get("/keys/{key_id}/policy", show, READ),
    post("/keys/{key_id}/policy", change, WRITE),
    get("/keys/{key_id}/policy/try", back, READ),
    post("/keys/{key_id}/policy/try", attempt, READ, _TRIAL_FORM),
)
