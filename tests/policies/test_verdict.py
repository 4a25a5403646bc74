"""Rules against a small evaluator written a second time, and tricks against both."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from moorage.policies import Classifier
from moorage.policies.model import ACTIONS, KINDS, MODES, Operation, Policy, Rule, Verdict
from moorage.policies.verdict import path_fits, verdict

MODULES = ["Leads", "Deals"]
METHODS = ["GET", "PUT", "DELETE"]
PATHS = ["/crm/v8/Leads", "/crm/v8/deals/1", "/x"]
PATTERNS = ["/crm/**", "/crm/v8/*", "/crm/v8/Leads", "/**", "/crm/v8/D*s/*"]
BY_MODE = {"open": "aaa", "cautious": "aak", "strict": "akk", "readonly": "add"}


def some(values):
    return st.none() | st.lists(st.sampled_from(values), min_size=1, max_size=2).map(tuple)


RULES = st.builds(
    Rule, name=st.sampled_from("abcd"), action=st.sampled_from(ACTIONS), methods=some(METHODS),
    path=st.none() | st.sampled_from(PATTERNS), modules=some(MODULES), operations=some(METHODS), kinds=some(KINDS),
)  # fmt: skip
POLICIES = st.builds(Policy, mode=st.sampled_from(MODES), rules=st.lists(RULES, max_size=4).map(tuple))


@st.composite
def operations(draw, *, whole=True):
    method = draw(st.sampled_from(METHODS))
    parts = draw(st.lists(operations(whole=False), max_size=3)) if whole else []
    modules = draw(st.lists(st.sampled_from([*MODULES, "*"]), max_size=2, unique=True))
    return Operation(
        method, draw(st.sampled_from(KINDS)), modules=tuple(modules), method=method, path=draw(st.sampled_from(PATHS)),
        parts=tuple(parts), opaque=draw(st.booleans()),
    )  # fmt: skip


def slowly(policy, operation):
    """The action, by the words of the page."""
    if operation.parts:
        own = [rule.action for rule in policy.rules if fits(rule, operation)][:1]
        return max([*own, *(slowly(policy, part) for part in operation.parts)], key=ACTIONS.index)
    for rule in policy.rules:
        if fits(rule, operation):
            return rule.action
    letter = BY_MODE[policy.mode][KINDS.index(operation.kind)]
    return {"a": "allow", "k": "ask", "d": "deny"}[letter]


def fits(rule, operation):
    if operation.opaque:
        return rule.action != "allow"
    lenient = rule.action != "allow"
    conditions = [
        rule.methods is None or operation.method in rule.methods,
        rule.kinds is None or operation.kind in rule.kinds,
        rule.operations is None or operation.name in rule.operations,
    ]
    if rule.path is not None:
        pattern = re.escape(rule.path).replace(r"/\*\*", "(/.*)?").replace(r"\*", "[^/]*")
        conditions.append(bool(re.fullmatch(pattern, operation.path, re.IGNORECASE if lenient else 0)))
    if rule.modules is not None:
        known = [module for module in operation.modules if module in rule.modules]
        if lenient:
            conditions.append("*" in operation.modules or known != [])
        else:
            conditions.append(operation.modules != () and known == list(operation.modules))
    return all(conditions)


@settings(max_examples=40, deadline=None)
@given(POLICIES, operations())
def test_a_verdict_is_what_the_page_says(policy, operation):
    decided = verdict(policy, operation)
    assert decided.action == slowly(policy, operation)
    assert decided.rule is None or decided.rule in {rule.name for rule in policy.rules}
    assert decided.reason


@settings(max_examples=20, deadline=None)
@given(POLICIES, operations())
def test_nothing_that_may_do_anything_is_allowed_more_than_what_it_may_be(policy, operation):
    """So a call whose body nobody has looked at is decided no milder than after a look."""
    opaque = Operation("POST", "destructive", modules=("*",), method=operation.method, opaque=True)
    if verdict(policy, opaque).action == "allow":
        assert verdict(policy, operation).action == "allow"


CALLS = [
    ("POST", "/crm/v8/Leads/actions/mass_delete"), ("DELETE", "/crm/v8/Leads/1"), ("DELETE", "/crm/v8/Leads"),
    ("POST", "/crm/v8/Leads/1/actions/convert"), ("PUT", "/crm/v8/Leads"),
    ("POST", "/crm/v8/settings/tags/1/actions/merge"),
]  # fmt: skip


def spelled(draw, path):
    """A path that some server may read as this one."""
    letters = []
    for letter in path:
        way = draw(st.integers(0, 20))
        if letter == "/":
            letters.append(
                {0: "//", 1: "/./", 2: "%2f", 3: "/.;x/", 4: ";a=b/", 5: "%252F", 6: "%5c"}.get(way, "/")
            )
        elif way == 0:
            letters.append(f"%{ord(letter):02x}")
        elif way == 1:
            letters.append(f"%25{ord(letter):02X}")
        elif way == 2:
            letters.append(letter.swapcase())
        else:
            letters.append(letter)
    return (
        "/" + "".join(letters).removeprefix("/") + draw(st.sampled_from(["", "/", ";", "%20", "%00", "?a"]))
    )


@settings(max_examples=30, deadline=None)
@given(st.data(), st.sampled_from(CALLS), st.sampled_from(["v2", "v2.1", "v7", "v8", "v11"]))
def test_no_spelling_makes_a_call_less_than_it_is(data, call, version):
    method, path = call
    classify = Classifier().classify
    plain = classify("zoho-crm", method, path.encode(), b"", b"")
    target = spelled(data.draw, path.replace("v8", version, 1)).encode()
    told = classify("zoho-crm", method, *target.partition(b"?")[::2], b"")
    assert KINDS.index(told.kind) >= KINDS.index(plain.kind), target
    rule = Rule("no leads", "deny", path=path.replace("/1", "/*"))
    if verdict(Policy(rules=(rule,)), plain).action == "deny":
        assert verdict(Policy(rules=(rule,)), told).action == "deny", target


@pytest.mark.parametrize(
    ("pattern", "fitting", "others"),
    [
        ("/a/*/c", ["/a/b/c", "/a//c"], ["/a/c", "/a/b/b/c", "/a/b/c/"]),
        ("/a/**", ["/a", "/a/b", "/a/b/c", "/a/"], ["/ab", "/"]),
        ("/a/**/z", ["/a/z", "/a/b/z", "/a/b/c/z"], ["/a", "/a/b", "/z"]),
        ("/**", ["/", "/a/b"], []),
        ("/a*b*c", ["/abc", "/axbxc", "/abbcc"], ["/acb", "/ab", "/abcd", "/xabc"]),
        ("/a.c", ["/a.c"], ["/abc"]),
    ],
)
def test_what_a_path_in_a_rule_fits(pattern, fitting, others):
    assert [path for path in fitting if not path_fits(pattern, path)] == []
    assert [path for path in others if path_fits(pattern, path)] == []


def test_the_reason_names_the_rule_or_the_mode():
    rule = Rule("no mail", "deny", methods=("POST",))
    asked = Operation("POST", "write", method="POST")
    assert verdict(Policy(rules=(rule,)), asked) == Verdict(
        "deny", "The rule 'no mail' does not allow it.", "no mail"
    )
    assert (
        verdict(Policy("strict"), asked).reason == "The call writes, and the mode strict asks a person first."
    )


def test_the_reason_says_why_a_call_is_not_what_its_method_says():
    hidden = Classifier().classify("zoho-crm", "GET", b"/crm/v8/Leads", b"_method=DELETE")
    assert "asks for another method" in verdict(Policy("readonly"), hidden).reason
    unknown = Classifier().classify("zoho-crm", "GET", b"/crm/v8/functions/f/actions/execute")
    assert "unknown operation" in verdict(Policy("readonly"), unknown).reason


def test_the_first_rule_that_fits_decides():
    rules = Rule("leads", "allow", modules=("Leads",)), Rule("all", "deny")
    asked = Operation("PUT", "write", modules=("Leads",), method="PUT")
    assert verdict(Policy(rules=rules), asked).rule == "leads"
    assert verdict(Policy(rules=rules[::-1]), asked).rule == "all"
