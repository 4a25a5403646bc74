"""Tags that an organisation had before tags were companions."""

import apsw

from moorage.crm.storage.old_tags import creation


def put_old_tag(crm, tmp_path, tag, name):
    module = crm.service.organisations.open(crm.organisation).catalog.modules["Leads"]
    connection = apsw.Connection(str(tmp_path / "crm" / "orgs" / "acme.db"))
    connection.execute(creation("", "INTEGER"))
    connection.execute("INSERT INTO tags VALUES (?, ?, ?)", (tag, module.number, name))
    connection.close()


def test_they_are_listed_and_named_as_any_other(crm, tmp_path):
    put_old_tag(crm, tmp_path, 7, "Old")
    [lead] = crm.insert("Leads", {"Last_Name": "n", "Tag": [{"name": "old"}]})
    assert crm.only(f"Leads/{lead}", fields="Tag")["Tag"] == [{"name": "Old", "id": "7", "color_code": None}]
    assert [tag["id"] for tag in crm.get("settings/tags", module="Leads").json["tags"]] == ["7"]


def test_a_list_and_a_deletion_find_them(crm, tmp_path):
    put_old_tag(crm, tmp_path, 7, "Old")
    assert crm.delete("settings/tags/7").status == 200
    put_old_tag(crm, tmp_path, 8, "Older")
    assert [tag["name"] for tag in crm.get("settings/tags", module="Leads").json["tags"]] == ["Older"]
