"""People who have connected go back to where they came from, if the operator allows it, and nowhere else."""

import pytest

from moorage.connections.return_urls import ReturnUrls
from moorage.errors import SettingsInvalid
from moorage.settings import load
from tests.audit.entries import entries_of
from tests.person import Person

APP = "https://app.example.com/connected"


@pytest.fixture
def database_settings():
    return {"MOORAGE_RETURN_URLS": f"{APP}, http://127.0.0.1:3000"}


@pytest.fixture
def acme(control):
    return control.organisation("acme")


def test_who_has_connected_goes_back_with_the_result(control, owner, acme):
    connection = owner.connect(return_url=f"{APP}/eu?x=1&y=a%20b")
    assert connection["return_url"] == f"{APP}/eu?x=1&y=a%20b"
    done = control.press(connection["url"], "acme")
    assert done.status == 303 and done.headers["referrer-policy"] == "no-referrer"
    assert done.headers["location"] == f"{APP}/eu?x=1&y=a%20b&connection_id={connection['id']}&status=ACTIVE"
    assert control.changes > 0
    plain = owner.connect(return_url="http://127.0.0.1:3000")
    done = control.press(plain["url"], "acme")
    assert done.headers["location"] == f"http://127.0.0.1:3000?connection_id={plain['id']}&status=ACTIVE"


def test_who_declines_may_try_again_or_go_back(control, owner, acme):
    connection = owner.connect(return_url=f"{APP}?a=1&b=2")
    declined = control.run(Person(control).connecting(connection["url"], "acme", decision="reject"))
    assert declined.status == 400 and "Try again" in declined.text
    back = f"{APP}?a=1&amp;b=2&amp;connection_id={connection['id']}&amp;status=FAILED"
    assert f'<a href="{back}">' in declined.text


def test_its_query_is_for_those_who_may_connect(control, owner):
    connection = owner.connect(return_url=f"{APP}?state=secret")["id"]
    key = owner.call("POST", "/keys", {"name": "r", "scopes": ["connections:read"]}).json["secret"]
    read = control.call("GET", f"/connections/{connection}", key=key)
    assert read.json["connection"]["return_url"] is None and "secret" not in read.text
    assert "state=secret" not in str(entries_of(control, owner.account))


def test_without_one_a_page_says_it(control, owner, acme):
    connection = owner.connect()
    assert control.press(connection["url"], "acme").status == 200


def test_an_address_that_is_no_longer_allowed_is_not_followed(control, owner, acme):
    connection = owner.connect(return_url=APP)
    control.rooms.connect._returns = ReturnUrls(())
    assert control.press(connection["url"], "acme").status == 200


NOWHERE = [
    "", "/", "x", "//app.example.com/connected", "https:/app.example.com/connected", "https:app.example.com",
    "javascript:alert(1)", "data:text/html,x", "ftp://app.example.com/connected", f"HTTPS{APP[5:]}",
    "http://app.example.com/connected", "https://app.example.com:444/connected", "https://APP.example.com/connected",
    "https://app.example.com.evil.com/connected", "https://evil.com/https://app.example.com/connected",
    "https://app.example.com@evil.com/connected", "https://evil.com#@app.example.com/connected",
    "https://evil.com\\@app.example.com/connected", "https://app.example.com\\.evil.com/connected",
    "https://user:pw@app.example.com/connected", "https://app.example.com/", "https://app.example.com",
    f"{APP}x", f"{APP}/../x", f"{APP}/./x", f"{APP}/..", f"{APP}/%2e%2e/x", f"{APP}/.%2E/x", f"{APP}\\..\\x",
    f"{APP}/..;/x", f"{APP}/%2F..", f"{APP}/a b", f"{APP}\n", f"\t{APP}", f"{APP}/\r\nSet-Cookie:a=b", f"{APP}\0",
    f"{APP}#x", f"{APP}?a=b#c", f"{APP}?connection_id=1", f"{APP}?x=1&status=ACTIVE", f"{APP}?%73tatus=ACTIVE",
    f"{APP}?a=<b>", f"{APP}?x=1;status=ACTIVE", f"{APP}/\u0131", "https://app.ex\u0430mple.com/connected", "https://app\u3002example.com/connected",
    f"{APP}?{'x' * 1000}", "https://app.example.com:0443/connected", "https://[::1]/connected", "http://127.1:3000",
    "http://0x7f000001:3000", "http://127.0.0.1:3000.evil.com", "http://127.0.0.1:30000", "http://127.0.0.1",
]  # fmt: skip


@pytest.mark.parametrize("url", NOWHERE, ids=lambda url: repr(url)[:60])
def test_no_other_address_is_taken(url):
    assert not ReturnUrls((APP, "http://127.0.0.1:3000")).allows(url)


def test_an_address_that_is_not_allowed_is_refused_and_nothing_is_made(owner):
    for url in ("https://evil.com", f"{APP}/../x"):
        answer = owner.call("POST", "/connections", {"app": "zoho-crm", "return_url": url})
        assert (answer.status, answer.code) == (400, "return_url_refused")
        assert APP in answer.json["detail"] and "MOORAGE_RETURN_URLS" in answer.json["detail"]
    for value in (7, ["x"], {}):
        answer = owner.call("POST", "/connections", {"app": "zoho-crm", "return_url": value})
        assert (answer.status, answer.code) == (400, "body_invalid")
    assert owner.get("/connections").json["connections"] == []


@pytest.mark.parametrize(
    "url",
    [
        APP,
        f"{APP}/",
        f"{APP}/a/b.html",
        f"{APP}?",
        f"{APP}?a=b&c",
        "https://app.example.com:443/connected",
        f"{APP}//a",
    ],
)
def test_what_is_at_or_below_an_allowed_address_is_taken(url):
    assert ReturnUrls((APP,)).allows(url) and ReturnUrls((f"{APP}/", APP)).allows(url)


@pytest.mark.parametrize("text", ["x", "https://", "https://*.example.com", "https://a.com/%2e", "https://a.com/..",
                                  "https://A.com", "https://a.com/x?y", "ftp://a.com", "https://u@a.com"])  # fmt: skip
def test_a_setting_that_could_be_read_in_two_ways_is_refused(tmp_path, text):
    with pytest.raises(SettingsInvalid, match="MOORAGE_RETURN_URLS"):
        load({"MOORAGE_RETURN_URLS": text}, home=tmp_path)


def test_by_default_there_is_none(tmp_path):
    assert load({}, home=tmp_path).return_urls == ()
