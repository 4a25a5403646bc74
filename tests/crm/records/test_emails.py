"""E-mails of a record: sent into the organisation's outbox, associated, drafted and read."""

import re

import pytest

from moorage.crm.storage.contract.files import NewFile
from tests.crm.conftest import FULL_SCOPE
from tests.crm.uploads import upload
from tests.waited import wait

SCOPE = f"{FULL_SCOPE},ZohoCRM.send_mail.leads.CREATE,ZohoCRM.templates.email.READ"


@pytest.fixture
def mailer(crm, caller_of):
    return caller_of("acme", SCOPE)


@pytest.fixture
def lead(crm):
    (lead,) = crm.insert("Leads", {"Last_Name": "Ash", "Email": "ash@example.com"})
    return f"Leads/{lead}"


def own_address(caller):
    (address,) = caller.get("settings/emails/actions/from_addresses").json["from_addresses"]
    return address["email"]


def mail(caller, **members):
    to = [{"user_name": "Ash", "email": "ash@example.com"}]
    return {"from": {"user_name": "Me", "email": own_address(caller)}, "to": to, "subject": "Tide"} | members


def send(caller, record, *mails):
    return caller.post(f"{record}/actions/send_mail", {"data": list(mails)})


def test_what_is_sent_is_listed_and_read_and_nowhere_else(mailer, lead, stranger):
    content = "<p>High at <b>4</b></p>"
    answer = send(
        mailer, lead, mail(mailer, content=content, cc=[{"user_name": "C", "email": "c@example.com"}])
    )
    assert answer.status == 200
    (outcome,) = answer.data
    assert outcome["message"] == "Your mail has been sent successfully."
    message = outcome["details"]["message_id"]
    assert outcome["details"] == {"message_id": message, "blocked_email_addresses": []}
    (listed,) = mailer.get(f"{lead}/Emails").json["Emails"]
    assert listed["subject"] == "Tide"
    assert listed["summary"] == "High at 4"
    assert listed["sent"] is True
    assert listed["status"][0]["type"] == "sent"
    assert listed["linked_record"]["module"]["api_name"] == "Leads"
    assert "content" not in listed
    (whole,) = mailer.get(f"{lead}/Emails/{message}").json["Emails"]
    assert whole["content"] == content
    assert whole["cc"] == [{"user_name": "C", "email": "c@example.com"}]
    assert mailer.get(f"{lead}/Emails/unknown").status == 204
    assert mailer.get(f"Contacts/{lead.split('/')[1]}/Emails").status == 204
    assert stranger.get(f"{lead}/Emails").status == 204
    mailer.delete(lead)
    assert mailer.get(f"{lead}/Emails/{message}").status == 204


def test_mails_are_listed_in_pages_newest_first(mailer, lead):
    for number in range(2):
        send(mailer, lead, *[mail(mailer, subject=f"{number}{n}") for n in range(7)])
    first = mailer.get(f"{lead}/Emails").json
    assert [each["subject"] for each in first["Emails"]] == [
        *(f"1{n}" for n in range(6, -1, -1)),
        "06",
        "05",
        "04",
    ]
    assert first["info"] == {
        "count": 10,
        "next_index": "10",
        "prev_index": None,
        "per_page": 10,
        "more_records": True,
    }
    second = mailer.get(f"{lead}/Emails", index=first["info"]["next_index"]).json
    assert len(second["Emails"]) == 4
    assert second["info"]["prev_index"] == "0"
    assert mailer.get(f"{lead}/Emails", index="x").status == 400


def test_a_scheduled_mail_waits_for_its_time(mailer, lead, clock):
    send(mailer, lead, mail(mailer, scheduled_time="2026-02-06T09:20:56Z"))
    assert mailer.get(f"{lead}/Emails").status == 204
    (waiting,) = mailer.get(f"{lead}/Emails", type="scheduled_in_crm").json["Emails"]
    assert waiting["status"][0]["type"] == "scheduled"
    clock.advance(600)
    assert mailer.get(f"{lead}/Emails", type="scheduled_in_crm").status == 204
    assert len(mailer.get(f"{lead}/Emails", type="sent_from_crm").json["Emails"]) == 1
    assert len(mailer.get(f"{lead}/Emails", type="user_emails").json["Emails"]) == 1
    assert mailer.get(f"{lead}/Emails", type="user_emails", owner_id="1").status == 204
    assert mailer.get(f"{lead}/Emails", type="x").json["details"]["param_name"] == "type"


@pytest.mark.parametrize(
    ("members", "code", "path"),
    [
        ({"from": None}, "MANDATORY_NOT_FOUND", "from"),
        ({"from": {"email": "else@example.com"}}, "INVALID_DATA", "from.email"),
        ({"to": []}, "MANDATORY_NOT_FOUND", "to"),
        ({"to": [{"user_name": "A"}]}, "MANDATORY_NOT_FOUND", "to[0].email"),
        ({"to": [{"email": "a b@c.com"}]}, "INVALID_DATA", "to[0].email"),
        ({"subject": "x" * 251}, "INVALID_DATA", "subject"),
        ({"mail_format": "rtf"}, "INVALID_DATA", "mail_format"),
        ({"scheduled_time": "2026-02-06T09:10:56Z"}, "INVALID_DATA", "scheduled_time"),
        ({"template": {"id": "1"}}, "INVALID_DATA", "template.id"),
        ({"inventory_details": {}}, "MANDATORY_NOT_FOUND", "inventory_details.inventory_template"),
        ({"attachments": [{"id": "unknown"}]}, "INVALID_DATA", "attachments[0].id"),
    ],
)
def test_what_is_wrong_with_a_mail_is_said(mailer, lead, members, code, path):
    answer = send(mailer, lead, mail(mailer) | members)
    assert answer.status == 400
    assert (answer.data[0]["code"], answer.data[0]["details"]["json_path"]) == (code, f"$.data[0].{path}")
    assert mailer.get(f"{lead}/Emails").status == 204


def test_a_template_and_a_content_are_ambiguous_and_a_record_must_be_there(mailer, lead):
    answer = send(mailer, lead, mail(mailer, content="x", template={"id": "1"}))
    assert answer.data[0]["code"] == "AMBIGUITY_DURING_PROCESSING"
    answer = send(mailer, "Leads/7243485000000999999", mail(mailer))
    assert (answer.status, answer.json["details"]) == (400, {"resource_path_index": 1})


def test_a_file_is_attached_by_its_id_and_belongs_to_the_mail(mailer, lead):
    organisation = mailer.service.organisations.open(mailer.organisation)

    def upload(transaction):
        content = transaction.files.begin_content()
        transaction.files.add_parts(content, [b"tide"])
        content = transaction.files.finish_content(content, "digest", 4)
        return transaction.files.add([NewFile("high tide.txt", 1, 4, content)])[0].key

    async def uploaded():
        return await organisation.store.write(upload)

    answer = send(mailer, lead, mail(mailer, attachments=[{"id": wait(uploaded())}]))
    message = answer.data[0]["details"]["message_id"]
    (whole,) = mailer.get(f"{lead}/Emails/{message}").json["Emails"]
    (attached,) = whole["attachments"]
    assert (attached["name"], attached["size"], whole["has_attachment"]) == ("high tide.txt", "4", True)

    async def is_kept():
        return await organisation.store.files.find(attached["id"]) is not None

    assert wait(is_kept())
    mailer.delete(lead)
    assert wait(is_kept())
    assert mailer.delete(f"settings/recycle_bin/{lead.split('/')[1]}").status == 200
    assert not wait(is_kept())


def test_an_email_of_elsewhere_is_associated_once(mailer, lead, stranger):
    email = mail(mailer, original_message_id="<1@mail>", sent=False, date_time="2026-02-05T10:00:00Z")
    answer = mailer.post(f"{lead}/actions/associate_email", {"Emails": [email]})
    assert answer.status == 201
    (listed,) = mailer.get(f"{lead}/Emails").json["Emails"]
    assert (listed["sent"], listed["source"], listed["time"]) == (
        False,
        "associated",
        "2026-02-05T02:00:00-08:00",
    )
    again = mailer.post(f"{lead}/actions/associate_email", {"Emails": [email]})
    assert again.json["Emails"][0]["code"] == "DUPLICATE_DATA"
    found = mailer.get("actions/email_available", orginal_message_id="<1@mail>").json
    assert (found["available"], found["record"]["id"]) == (True, lead.split("/")[1])
    assert stranger.get("actions/email_available", orginal_message_id="<1@mail>").json == {"available": False}
    assert mailer.get("actions/email_available").json["code"] == "REQUIRED_PARAM_MISSING"
    for name in ("original_message_id", "sent", "date_time"):
        other = {key: value for key, value in (email | {"original_message_id": "2"}).items() if key != name}
        answer = mailer.post(f"{lead}/actions/associate_email", {"Emails": [other]})
        assert answer.json["Emails"][0]["details"]["api_name"] == name


def drafts(caller, lead):
    answer = caller.get(f"{lead}/__email_drafts")
    return answer.json["__email_drafts"] if answer.status == 200 else []


def test_drafts_are_made_changed_read_and_deleted_by_their_user(mailer, lead, caller_of, stranger):
    to = [{"user_name": "Ash", "email": "ash@example.com"}]
    path, body = f"{lead}/__email_drafts", {"to": to, "subject": "Tide", "content": "<i>High</i>"}
    answer = mailer.post(path, {"__email_drafts": [body, {"reply_to": "nobody"}]})
    assert answer.status == 207
    made, refused = answer.json["__email_drafts"]
    assert refused["details"]["json_path"] == "$.__email_drafts[1].reply_to"
    draft = made["details"]["id"]
    (shown,) = drafts(mailer, lead)
    assert (shown["id"], shown["to"], shown["summary"]) == (draft, to, "High")
    assert shown["from"] == own_address(mailer)
    changed = {"subject": "Ebb", "schedule_details": {"time": "2026-02-07T10:00:00Z"}}
    assert mailer.put(f"{path}/{draft}", {"__email_drafts": [changed]}).status == 200
    assert mailer.put(path, {"__email_drafts": [{"id": draft, "cc": to}]}).status == 200
    (shown,) = mailer.get(f"{path}/{draft}").json["__email_drafts"]
    assert (shown["subject"], shown["content"], shown["cc"]) == ("Ebb", "<i>High</i>", to)
    assert shown["schedule_details"] == {"time": "2026-02-07T02:00:00-08:00"}
    for caller in (stranger, caller_of("acme", user=1)):
        assert caller.get(path).status == 204
        assert caller.delete(f"{path}/{draft}").status == 400
    assert mailer.put(path, {"__email_drafts": [{"subject": "x"}]}).json["__email_drafts"][0]["code"] == (
        "MANDATORY_NOT_FOUND"
    )
    assert mailer.delete(f"{path}/{draft}").status == 200
    assert mailer.delete(f"{path}/{draft}").json["details"] == {"resource_path_index": 3}
    assert drafts(mailer, lead) == []


def test_a_record_has_a_limited_number_of_drafts(mailer, lead):
    for _ in range(5):
        mailer.post(f"{lead}/__email_drafts", {"__email_drafts": [{"subject": "x"}] * 10})
    answer = mailer.post(f"{lead}/__email_drafts", {"__email_drafts": [{"subject": "x"}]})
    assert answer.json["__email_drafts"][0]["code"] == "LIMIT_EXCEEDED"


def test_there_are_no_templates_and_each_user_has_an_address(mailer):
    assert mailer.get("settings/email_templates", module="Leads").status == 204
    assert mailer.get("settings/email_templates", module="Nowhere").json["code"] == "INVALID_MODULE"
    assert mailer.get("settings/email_templates/1").status == 204
    assert mailer.get("settings/email_templates/x").status == 400
    users = mailer.get("users").json["users"]
    other = mailer.get("settings/emails/actions/from_addresses", user_id=users[1]["id"]).json
    assert other["from_addresses"] == [
        {
            "email": users[1]["email"],
            "type": "primary",
            "id": users[1]["id"],
            "user_name": users[1]["full_name"],
            "default": True,
        }
    ]
    assert mailer.get("settings/emails/actions/from_addresses", user_id="1").status == 400


PNG = b"\x89PNG\r\n\x1a\n...."


@pytest.fixture
def user(mailer):
    return mailer.get("users", type="CurrentUser").json["users"][0]["id"]


def test_attachments_and_images_of_an_email_are_downloaded_by_whoever_may_read_it(
    mailer, lead, user, stranger
):
    tide, image = (
        upload(mailer, "files", data, name)["id"] for data, name in ((b"4", b"a.txt"), (PNG, b"b.png"))
    )
    content = f"<p>High</p><img width='5' src='{image}'><img src='https://x.example/c.png'>"
    sent = send(mailer, lead, mail(mailer, content=content, attachments=[{"id": tide}]))
    message = sent.data[0]["details"]["message_id"]
    (email,) = mailer.get(f"{lead}/Emails/{message}").json["Emails"]
    (own,) = re.findall(r"""<img width='5' src="(\w+)" img_id="(\w+)">""", email["content"])
    assert own[0] == own[1] != image
    assert "<img src='https://x.example/c.png'>" in email["content"]
    (attached,) = email["attachments"]
    named = {"user_id": user, "message_id": message}
    path, images = (
        f"{lead}/Emails/actions/download_attachments",
        f"{lead}/Emails/actions/download_inline_images",
    )
    asked = {**named, "id": attached["id"], "name": "a.txt"}
    assert mailer.get(path, **asked).body == b"4"
    assert mailer.get(images, **named, id=own[0]).body == PNG
    assert mailer.get(path, **asked | {"id": own[0]}).status == 204
    assert mailer.get(path, **asked | {"id": tide}).status == 204
    assert mailer.get(path, **asked | {"user_id": "1"}).status == 204
    assert mailer.get(images, **named, id=attached["id"]).status == 204
    assert stranger.get(path, **asked).status == 204
    for name in asked:
        without = mailer.get(path, **{key: value for key, value in asked.items() if key != name})
        assert (without.json["code"], without.json["details"]) == (
            "REQUIRED_PARAM_MISSING",
            {"param_name": name},
        )


def test_lists_show_drafts_and_the_emails_of_all_contacts(crm, caller_of):
    (account,) = crm.insert("Accounts", {"Account_Name": "Acme"})
    contacts = crm.insert(
        "Contacts", *({"Last_Name": name, "Account_Name": {"id": account}} for name in ("Ida", "Ole"))
    )
    (deal,) = crm.insert(
        "Deals", {"Deal_Name": "Oars", "Stage": "Qualification", "Contact_Name": {"id": contacts[1]}}
    )
    everything = SCOPE.replace("ZohoCRM.send_mail.leads.CREATE", "ZohoCRM.send_mail.all.CREATE")
    mailer = caller_of("acme", everything)
    for contact in contacts:
        send(mailer, f"Contacts/{contact}", mail(mailer, subject=f"To {contact}"))
    draft = {"from": own_address(mailer), "to": [{"email": "ida@x.example"}], "subject": "Draft"}
    assert mailer.post(f"Contacts/{contacts[0]}/__email_drafts", {"__email_drafts": [draft]}).status == 201

    def subjects(record, kind):
        answer = mailer.get(f"{record}/Emails", type=kind)
        return [email["subject"] for email in answer.json["Emails"]] if answer.status == 200 else []

    sent, drafts = "all_contacts_sent_crm_emails", "all_contacts_draft_crm_emails"
    assert subjects(f"Accounts/{account}", sent) == [f"To {contact}" for contact in reversed(contacts)]
    assert subjects(f"Accounts/{account}", drafts) == ["Draft"]
    assert subjects(f"Deals/{deal}", sent) == [f"To {contacts[1]}"]
    assert subjects(f"Contacts/{contacts[0]}", "drafts") == ["Draft"]
    assert subjects(f"Accounts/{account}", "sent_from_crm") == []
    other = caller_of("acme", everything, user=1)
    assert other.get(f"Contacts/{contacts[0]}/Emails", type="drafts").status == 204
    (listed,) = mailer.get(f"Contacts/{contacts[0]}/Emails", type="drafts").json["Emails"]
    assert (listed["sent"], listed["status"][0]["type"]) == (False, "draft")
    refused = mailer.get(f"Contacts/{contacts[0]}/Emails", type=sent).json
    assert (refused["code"], sent in refused["details"]["supported_values"]) == ("INVALID_DATA", False)


def test_who_has_sent_emails_shares_them(mailer, lead, caller_of):
    other = caller_of("acme", SCOPE, user=1)
    send(other, lead, mail(other))
    send(mailer, lead, mail(mailer))
    (shared,) = mailer.get(f"{lead}/__emails_sharing_details").json["__emails_sharing_details"]
    name = other.get("users", type="CurrentUser").json["users"][0]
    assert shared["share_from_users"] == [{"name": name["full_name"], "id": name["id"], "type": "public"}]
    assert shared["available_types"] == ["sent_from_crm", "scheduled_in_crm", "drafts", "user_emails"]
    assert mailer.get("Leads/1/__emails_sharing_details").json["code"] == "INVALID_DATA"
    for action in ("share_emails", "unshare_emails"):
        one = mailer.post(f"{lead}/actions/{action}", {})
        assert (one.json["code"], one.json["message"]) == (
            "NOT_ALLOWED",
            "Email Configuration does not exist",
        )
        many = mailer.post(f"Leads/actions/{action}", {"ids": [lead.split("/")[1], "1"]})
        assert (many.status, [each["code"] for each in many.data]) == (400, ["NOT_ALLOWED", "INVALID_DATA"])
        assert mailer.post(f"Leads/actions/{action}", {}).json["code"] == "MANDATORY_NOT_FOUND"


def test_each_user_has_settings_of_their_own_for_composing(mailer, caller_of):
    path, own = "/crm/email/v8/settings/compose", own_address(mailer)
    shown = mailer.get(path, type="emailin").json["email_compose"]
    assert [(each["type"], each["font"]["size"]) for each in shown] == [("emailin", 10)]
    assert shown[0]["default_from_address"]["email"] == own
    font = {"size": 14, "family": "Georgia"}
    changed = mailer.put(
        path,
        {
            "email_compose": [
                {"type": "mass_mail", "font": font, "default_from_address": {"email": own}},
                {"type": "emailin", "default_replyto_address": {"email": "a@b.example"}},
                {"type": "other"},
            ]
        },
    )
    assert changed.status == 207
    done, *refused = changed.json["email_compose"]
    assert (done["code"], done["details"]) == ("SUCCESS", {"type": "mass_mail"})
    assert [each["details"]["json_path"] for each in refused] == [
        "$.email_compose[1].default_replyto_address.email",
        "$.email_compose[2].type",
    ]
    fonts = [each["font"] for each in mailer.get(path).json["email_compose"]]
    assert fonts[2] == font != fonts[0]
    other = caller_of("acme", SCOPE, user=1)
    assert other.get(path, type="mass_mail").json["email_compose"][0]["font"] != font
    assert mailer.get(path, type="x").json["details"]["param_name"] == "type"
