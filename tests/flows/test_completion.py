"""What a shell completes that only a server knows."""

from moorage.cli.completion import connections, organisations


def test_a_shell_completes_the_names_that_the_server_knows(server, monkeypatch):
    monkeypatch.setenv("MOORAGE_URL", server.gateway)
    monkeypatch.setenv("MOORAGE_API_KEY", server.api_key)
    body = {"app": "zoho-crm", "organisation": "demo", "alias": "quayside"}
    assert server.call("POST", "/connections", body)[0] == 200
    try:
        assert connections("qua") == ["quayside"]
        assert organisations("de") == ["demo"]
    finally:  # The server is shared, and others count its connections.
        assert server.call("DELETE", "/connections/quayside")[0] == 200
