"""The page about policies says what the code does."""

import json
import re
from pathlib import Path

from moorage.http.errors import render
from moorage.policies import Classifier
from moorage.policies.documents import policy_document, policy_of
from moorage.policies.errors import PolicyDenied
from moorage.policies.model import ACTIONS, KINDS, MODES, Operation, Policy
from moorage.policies.trial import KNOWN, trial_of
from moorage.policies.verdict import verdict

PAGE = (Path(__file__).parents[2] / "docs" / "policies.md").read_text()
BLOCKS = [json.loads(block) for block in re.findall(r"^```json\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)]
WORDS = {"go": "allow", "a person is asked": "ask", "are denied": "deny"}


def test_every_policy_on_the_page_can_be_used():
    policies = [block for block in BLOCKS if "mode" in block]
    assert len(policies) == 2
    for document in policies:
        shown = policy_document(policy_of(document, Classifier({"zoho-crm": {}}).names))
        assert shown | document == shown


def test_the_refusal_on_the_page_is_what_callers_get():
    [shown] = [block for block in BLOCKS if "error" in block]
    operation = Classifier().classify("zoho-crm", "DELETE", b"/crm/v8/Leads/1")
    error = PolicyDenied(verdict(Policy("readonly"), operation), operation.name)
    assert json.loads(render(error, "x").body) == shown


def test_the_call_that_is_tried_on_the_page_can_be_tried():
    [described] = [block for block in BLOCKS if "method" in block]
    assert trial_of(described).path.endswith("?ids=1,2")
    rows = re.findall(r"^\| (`.*?`) \| ", PAGE.partition("## Try it")[2], re.MULTILINE)
    assert {name for row in rows for name in re.findall(r"`(\w+)`", row)} == set(KNOWN)


def test_the_modes_do_what_the_table_says():
    rows = re.findall(r"^\| `(\w+)` \| (.*?) \| (.*?) \| (.*?) \|$", PAGE, re.MULTILINE)
    assert [row[0] for row in rows] == list(MODES)
    for mode, *told in rows:
        for kind, words in zip(KINDS, told, strict=True):
            action = verdict(Policy(mode), Operation("x", kind)).action
            assert action == WORDS[words] and action in ACTIONS
