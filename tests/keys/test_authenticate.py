import pytest

from moorage.keys.model import checksum, new_secret, public_part
from tests.control import Caller


def sent(authorization):
    return [("Authorization", authorization)] if authorization is not None else []


@pytest.fixture
def revoked(control):
    """The key of somebody who had one."""
    former = Caller(control, "former")
    assert former.get("/connections").status == 200
    [key] = control.run(control.rooms.keys.list(former.account))
    control.run(control.rooms.keys.revoke(former.account, key.id))
    return former.key


def forged(key):
    """A key of the right form whose public part, which `GET /keys` shows, is that of another."""
    prefix = public_part(key)
    body = prefix.removeprefix("mk_") + new_secret("live")[len(prefix) : -6]
    return f"mk_{body}{checksum(body)}"


def test_no_malformed_unknown_and_revoked_keys_are_told_apart_to_nobody(control, owner, revoked):
    mistyped = owner.key[:-1] + ("a" if owner.key[-1] != "a" else "b")
    headers = [
        None,
        "",
        "Bearer",
        "Bearer ",
        "Bearer x",
        "Bearer " + "x" * 49,
        "Bearer " + "x" * 5000,
        f"Bearer {mistyped}",
        f"Bearer {forged(owner.key)}",
        f"Bearer {forged(revoked)}",
        f"Bearer {revoked}",
        f"Bearer {owner.key} x",
        f"Bearer {owner.key},",
        f"Bearer {owner.key.lower()}",
        "Bearer \xff\xfe\xfd\xfc\xfb\xfa\xf9\xf8\xf7\xf6\xf5\xf4\xf3\xf2\xf1\xf0",
        owner.key,
        f"Basic {owner.key}",
        f"Token {owner.key}",
        f"Zoho-oauthtoken {owner.key}",
        f"Bearer\t{owner.key}",
    ]
    for method, path in (("GET", "/connections"), ("POST", "/connections"), ("DELETE", "/connections/x")):
        answers = [control.call(method, path, headers=sent(header)) for header in headers]
        assert {answer.status for answer in answers} == {401}
        assert {answer.code for answer in answers} == {"key_invalid"}
        assert {answer.headers["www-authenticate"] for answer in answers} == {"Bearer"}
        assert all(answer.alike() == answers[0].alike() for answer in answers)


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER", "Bearer  "])
def test_the_schemes_case_and_the_space_around_a_key_do_not_matter(control, owner, scheme):
    header = sent(f"{scheme} {owner.key} ")
    assert control.call("GET", "/connections", headers=header).status == 200


def test_the_key_counts_nowhere_but_in_its_header(control, owner):
    for path in (f"/connections?key={owner.key}", f"/connections?access_token={owner.key}"):
        assert control.call("GET", path).status == 401
    assert control.call("GET", "/connections", headers=[("X-Api-Key", owner.key)]).status == 401
    assert control.call("GET", "/connections", headers=[("Cookie", f"key={owner.key}")]).status == 401


def test_nothing_is_read_of_a_request_before_its_key(control):
    assert control.call("POST", "/connections", body=b"{").status == 401
    assert control.call("GET", "/connections?limit=x").status == 401
    assert control.call("GET", "/connections/x").status == 401


def test_a_revoked_key_stops_at_once_where_it_was_revoked(control, owner, revoked):
    header = sent(f"Bearer {revoked}")
    assert control.call("GET", "/connections", headers=header).status == 401
    assert owner.get("/connections").status == 200


def test_use_is_noted_once_a_minute(control, owner):
    def last_used():
        [key] = control.run(control.rooms.keys.list(owner.account))
        return key.last_used_at

    assert last_used() is None
    owner.get("/connections")
    first = last_used()
    assert first == control.clock.now()
    control.clock.advance(59)
    owner.get("/connections")
    assert last_used() == first
    control.clock.advance(2)
    owner.get("/connections")
    assert last_used() == control.clock.now()


def test_the_secret_is_kept_nowhere(control, owner, tmp_path):
    owner.get("/connections")
    files = [file for file in tmp_path.rglob("*") if file.is_file()]
    assert files and not [file for file in files if owner.key.encode() in file.read_bytes()]
