"""Requests that count as writes although their method reads, because they ask to be treated as another method."""

import pytest

from moorage.keys.model import Principal
from moorage.keys.scopes import parse
from moorage.policies import Classifier, Guard
from moorage.policies.model import OPEN
from moorage.policies.spending import Purses
from moorage.policies.strictness import Held

HEADERS = [
    "X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override", "X-Method", "x-original-method",
    "X-Forwarded-Method",
    "X_Method", "X-MethodOverride", "X-HTTP-MethodOverride", "Method-Override", "HTTP-Method", "X-HTTP-Verb",
    "X-Http-Verb-Override", "X-HTTP-Override", "X-Override-Method", "X-Requested-Method", "X-Rewrite-Method",
    "X-Real-Method", "X-Tunneled-Method", "X-REST-Method", "_method",
]  # fmt: skip
OTHER_HEADERS = [
    "Access-Control-Request-Method", "X-Payment-Method", "X-Auth-Method", "Accept", "Override", "X-Verbose",
    "Methodology",
]  # fmt: skip
PARAMETERS = [
    "_method", "_METHOD", "_method[]", "_method%5B%5D", "_method[0]", "%5Fmethod", "%20_method", "+_method", ".method",
    "[method", "_method%00x", "$method", "$httpmethod", "_HttpMethod", "_http_method", "httpMethod", "_verb",
    "http_method_override", "X-HTTP-Method-Override", "X-Method", "method_override", "methodOverride",
    "original_method",
]  # fmt: skip
OTHER_PARAMETERS = ["method", "verb", "payment_method", "_methods", "a_method", "$filter", "x", "methods[]"]


READER = Guard(
    Principal("k", "acme", parse(["proxy:read"])), "acme", Held(OPEN, ""),
    reads_only=True, classifier=Classifier(), purses=Purses(None, None),
)  # fmt: skip


def reads(native, *headers, method=b"GET"):
    names = tuple(name.encode() for name in headers)
    return READER.decide_whole(method, native.encode(), b"", names).error is None


@pytest.mark.parametrize("name", HEADERS)
def test_a_header_that_names_another_method(name):
    assert not reads("/a", name) and not reads("/a", name.upper()) and not reads("/a", name.replace("-", "_"))


@pytest.mark.parametrize("name", OTHER_HEADERS)
def test_a_header_of_another_meaning_does_not_count(name):
    assert reads("/a", name)


@pytest.mark.parametrize("name", PARAMETERS)
def test_a_parameter_that_names_another_method(name):
    for query in (f"{name}=DELETE", name, f"a=b&{name}=PUT", f"a=b;{name}=PUT", f"a?{name}=PUT"):
        assert not reads(f"/a?{query}"), query


@pytest.mark.parametrize("name", ["_method", "_Method", "%5fmethod", "_method[]", "X-HTTP-Method-Override"])
def test_a_parameter_of_a_segment(name):
    for path in (
        f"/a;{name}=DELETE",
        f"/a;{name}=DELETE/b",
        f"/a;b=c;{name}",
        f"/a%3b{name}=DELETE",
        f"/a%253B{name}",
    ):
        assert not reads(path), path
        assert not reads(f"{path}?x=y"), path


@pytest.mark.parametrize("name", OTHER_PARAMETERS)
def test_a_parameter_of_another_meaning_does_not_count(name):
    assert reads(f"/a;{name}=DELETE/b?{name}=DELETE&q=_method&r=a%26_method=DELETE")


@pytest.mark.parametrize(("method", "counts"), [(b"GET", True), (b"HEAD", True), (b"OPTIONS", True), (b"POST", False),
                                                (b"PUT", False), (b"PROPFIND", False), (b"QUERY", False)])  # fmt: skip
def test_only_methods_that_read(method, counts):
    assert reads("/a", method=method) == counts
