import json

POLICY = {"mode": "cautious"}


def test_policies_are_got_set_and_deleted_for_all_connections_or_one(server, moorage):
    server.answers(200, {"policy": POLICY})
    assert moorage.policies.get("key_1") == {"policy": POLICY}
    moorage.policies.set("a/b", POLICY, connection="sales eu")
    moorage.policies.delete("key_1")
    assert [(request.method, request.target) for request in server.seen] == [
        ("GET", "/keys/key_1/policy"),
        ("PUT", "/keys/a%2Fb/policy?connection=sales%20eu"),
        ("DELETE", "/keys/key_1/policy"),
    ]
    assert json.loads(server.seen[1].body) == POLICY


def test_a_call_is_tried_as_it_was_described(server, moorage):
    server.answers(200, {"action": "ask"})
    tried = moorage.policies.attempt("zoho-crm", "DELETE", "/crm/v8/Leads/1", key_id="key_1", policy=POLICY)
    assert tried == {"action": "ask"}
    assert json.loads(server.seen[0].body) == {
        "app": "zoho-crm", "method": "DELETE", "path": "/crm/v8/Leads/1", "headers": [], "key": "key_1",
        "policy": POLICY,
    }  # fmt: skip


def test_a_key_is_made_with_a_policy(server, moorage):
    server.answers(200, {"key": {}, "secret": "mk_s"})
    moorage.keys.create("ci", policy=POLICY)
    assert json.loads(server.seen[0].body) == {"name": "ci", "policy": POLICY}
