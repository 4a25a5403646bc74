"""The table of Zoho CRM's operations has exactly those that the embedded CRM knows."""

from moorage.crm.api import routes
from moorage.crm.api.absent import listed, of_any_module, shape
from moorage.policies import Classifier
from moorage.policies.table import shipped

classify = Classifier().classify


def shapes(pairs):
    return {(method, shape(path)) for method, path in pairs if path.startswith("/crm/")}


def test_the_table_and_the_crm_know_the_same_operations():
    known = shapes((method, pattern) for method, pattern, _ in shipped("zoho-crm"))
    crm = shapes(listed())
    assert known - crm == set()
    assert crm - known == set()


def test_every_route_of_the_crm_is_known_by_its_name():
    for route in routes():
        path = route.pattern.replace("{module}", "Leads").replace("{", "").replace("}", "")
        name = classify("zoho-crm", route.method, path.encode()).name
        assert shape(name) in {
            shape(f"{route.method} {pattern}") for pattern in (route.pattern, of_any_module(route.pattern))
        }, route.pattern


def test_no_operation_is_listed_as_two_kinds():
    rows = [(method, pattern) for method, pattern, _ in shipped("zoho-crm")]
    assert len(rows) == len(set(rows))
