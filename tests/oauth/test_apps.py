"""What `GET /apps` tells of the apps that can be connected."""

from moorage.oauth.model import Client


def listed(owner):
    return {app["app"]: app for app in owner.get("/apps").json["apps"]}


def test_every_app_is_listed_with_what_it_takes(control, owner):
    apps = listed(owner)
    assert apps.keys() == control.rooms.providers.names
    zoho = apps["zoho-crm"]
    assert (zoho["title"], zoho["method"], zoho["client"]) == ("Zoho CRM", "OAUTH2", "zoho")
    assert zoho["callback_url"] == "http://gateway.test/connect/callback"
    assert zoho["data_centres"] == ["us", "eu", "in", "cn", "jp", "au", "ca", "sa"]
    assert zoho["environments"] == ["production", "sandbox", "developer"]
    assert zoho["scopes"] == control.rooms.providers.get("zoho-crm").scopes


def test_it_tells_what_can_be_connected_now(control, owner):
    assert (listed(owner)["zoho-crm"]["connectable"], listed(owner)["zoho-crm"]["embedded"]) == (False, False)
    control.organisation("acme")
    assert (listed(owner)["zoho-crm"]["connectable"], listed(owner)["zoho-crm"]["embedded"]) == (True, True)
    control.crm.organisations.delete("acme")
    control.run(control.rooms.oauth_clients.set("zoho", "eu", Client("id", "secret")))
    assert (listed(owner)["zoho-crm"]["connectable"], listed(owner)["zoho-crm"]["embedded"]) == (True, False)
    assert "secret" not in owner.get("/apps").text


def test_a_stranger_gets_nothing(control):
    assert control.call("GET", "/apps").status == 401
