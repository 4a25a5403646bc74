"""What is special about a module holds for that module alone, and for no field of the same name elsewhere."""

import importlib
import pkgutil

import pytest

from moorage.crm.metadata.standard.standard_modules import standard
from moorage.crm.records import modules
from moorage.crm.records.modules.rules import ModuleRules

FIELDS = {module.api_name: {field.api_name for field in module.fields} for module in standard().modules}


def own_field(crm, module, label, data_type="text"):
    body = {"fields": [{"field_label": label, "data_type": data_type}]}
    answer = crm.call("POST", "settings/fields", {"module": module}, body)
    assert answer.status == 201, answer.body


def test_every_module_with_rules_is_a_standard_one():
    assert modules._RULES.keys() <= FIELDS.keys()


@pytest.mark.parametrize("module", modules._RULES)
def test_rules_name_fields_that_their_module_has(module):
    rules = modules._RULES[module]
    named = {*rules.dependent, *rules.added_up, rules.usual_order[0]}
    named |= {rules.duplicate_field} if rules.duplicate_field else set()
    assert named <= FIELDS[module]


def test_every_file_of_rules_is_registered():
    files = [file.name for file in pkgutil.iter_modules(modules.__path__)]
    defined = []
    for file in files:
        members = vars(importlib.import_module(f"{modules.__name__}.{file}"))
        defined += [value for value in members.values() if isinstance(value, ModuleRules)]
    assert len(defined) >= 12
    assert all(any(rules is known for known in modules._RULES.values()) for rules in defined)


def test_a_full_name_of_ones_own_is_kept_as_it_was_sent(crm):
    own_field(crm, "Accounts", "Full Name")
    (account,) = crm.insert("Accounts", {"Account_Name": "Acme", "Full_Name": "Acme of Lund"})
    assert crm.only(f"Accounts/{account}")["Full_Name"] == "Acme of Lund"


@pytest.mark.parametrize(("data_type", "value"), [("text", "none"), ("currency", 5)])
def test_a_duty_of_ones_own_is_no_part_of_a_quotes_total(crm, data_type, value):
    own_field(crm, "Quotes", "Excise Duty", data_type)
    (product,) = crm.insert("Products", {"Product_Name": "Rope"})
    item = {"Product_Name": product, "Quantity": 2, "List_Price": 10}
    (quote,) = crm.insert("Quotes", {"Subject": "x", "Quoted_Items": [item], "Excise_Duty": value})
    assert crm.only(f"Quotes/{quote}")["Grand_Total"] == 20
    assert crm.put(f"Quotes/{quote}", {"data": [{"Excise_Duty": value, "Tax": 1}]}).status == 200
    assert crm.only(f"Quotes/{quote}")["Grand_Total"] == 21
