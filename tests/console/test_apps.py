"""Apps: what each can, and how an operator sets its OAuth client."""


def test_apps_say_whether_they_can_be_connected(owner):
    page = owner.open("/console/apps")
    assert "Zoho CRM" in page.words
    assert [one["app"] for one in owner.twin("/console/apps?q=stripe")["apps"]] == ["stripe"]
    assert "No app has this" in owner.open("/console/apps?q=zzz").words


def test_an_app_says_how_to_set_its_client_and_where_people_come_back(owner, server):
    page = owner.open("/console/apps/zoho-crm")
    assert f"{server.gateway}/connect/callback" in page.words
    assert "moorage client set zoho-crm" in page.words
    assert "Harbour & Pine" in page.words
    assert "session_token" not in page.text
    assert "No OAuth client is needed" in owner.open("/console/apps/stripe").words


def test_an_app_that_is_not_there_is_not_found(owner):
    assert owner.open("/console/apps/nothing").status == 404
