"""Lookups into many records, and to many users: a field of links, whose rows are in a linking module."""

import pytest

from tests.crm.settings.making_fields import create, deleted, field, made, patched, shown, told

LINKS = "Interests"  # The field, and the lookup of a link to the product.


def interests(**more):
    links = {"connected_details": {"module": {"api_name": "Products"}}} | more
    return field("Interests", "multiselectlookup", multiselectlookup=links)


@pytest.fixture
def linked(crm):
    """The id of a field in the leads whose values are links to products."""
    (identity,) = made(crm, interests())
    return identity


@pytest.fixture
def products(crm):
    return crm.insert("Products", *({"Product_Name": name} for name in ("Buoy", "Rope", "Sail")))


def to(*ids):
    return [{LINKS: {"id": one}} for one in ids]


def links(crm, lead):
    return crm.only(f"Leads/{lead}")[LINKS]


def names(crm, lead):
    return [link[LINKS]["name"] for link in links(crm, lead)]


def related_lists(crm, module):
    answer = crm.get("settings/related_lists", module=module)
    return {one["api_name"]: one for one in answer.json["related_lists"]}


def test_a_field_of_links_says_how_they_are_kept_in_both_forms_that_clients_read(crm, linked):
    document = shown(crm, linked)
    about = crm.get("settings/modules/Leads_X_Products").json["modules"][0]
    fields = {
        one["api_name"]: one for one in crm.get("settings/fields", module="Leads_X_Products").json["fields"]
    }
    assert (document["json_type"], document["ui_type"], document["virtual_field"]) == ("jsonarray", 444, True)
    assert [document[name] for name in ("searchable", "sortable", "filterable", "mass_update")] == [False] * 4
    found = document["multiselectlookup"]
    products = crm.get("settings/modules/Products").json["modules"][0]
    assert found["linking_module"] == {"api_name": "Leads_X_Products", "id": about["id"]}
    assert found["connected_module"] == {"api_name": "Products", "id": products["id"]}
    assert (found["lookup_apiname"], found["connectedlookup_apiname"]) == ("Leads", LINKS)
    assert found["linking_details"] == {
        "module": {
            "visibility": 2,
            "plural_label": "Leads X Products",
            "api_name": "Leads_X_Products",
            "id": about["id"],
        },
        "lookup_field": {"api_name": "Leads", "field_label": "Leads", "id": fields["Leads"]["id"]},
        "connected_lookup_field": {"api_name": LINKS, "field_label": LINKS, "id": fields[LINKS]["id"]},
    }
    assert found["connected_details"]["module"]["api_name"] == "Products"
    assert (about["generated_type"], about["api_supported"]) == ("linking", True)
    assert about["parent_module"]["api_name"] == "Leads"
    assert fields["Leads"]["lookup"]["module"]["api_name"] == "Leads"
    assert fields[LINKS]["lookup"]["module"]["api_name"] == "Products"
    assert {"id", "Created_Time", "Modified_Time"} < fields.keys()


def test_the_other_module_has_a_related_list_of_what_links_to_it(crm, linked):
    found = shown(crm, linked)["multiselectlookup"]
    related = related_lists(crm, "Products")[found["api_name"]]
    assert found["related_list"] == {
        "display_label": "Leads", "api_name": found["api_name"], "id": related["id"],
    }  # fmt: skip
    assert (related["type"], related["connectedmodule"], related["linkingmodule"]) == (
        "multiselectlookup", "Leads", "Leads_X_Products",
    )  # fmt: skip
    assert related["module"]["api_name"] == "Leads_X_Products"


def test_callers_name_the_parts_of_links_in_every_known_form(crm):
    newer = interests(
        connected_details={"module": {"api_name": "Products"}, "field": {"field_label": "Interested leads"}},
        linking_details={"module": {"plural_label": "What they like"}},
        related_list={"display_label": "Admirers"},
    )
    products = crm.get("settings/modules/Products").json["modules"][0]["id"]
    older = field(
        "Wants",
        "multiselectlookup",
        multiselectlookup={
            "display_label": "Wanted by",
            "connected_module": {"id": products},
            "linking_module": {"api_name": "Wishes"},
        },
    )
    plain = field("Has", "multiselectlookup", multiselectlookup={"module": {"api_name": "Products"}})
    shown_links = [shown(crm, one)["multiselectlookup"] for one in made(crm, newer, older, plain)]
    assert [
        (one["linking_module"]["api_name"], one["lookup_apiname"], one["display_label"])
        for one in shown_links
    ] == [
        ("What_they_like", "Interested_leads", "Admirers"),
        ("Wishes", "Leads", "Wanted by"),
        ("Leads_X_Products", "Leads", "Leads"),
    ]
    assert {"Admirers", "Wanted_by"} < related_lists(crm, "Products").keys()


def test_links_are_made_changed_and_removed(crm, linked, products):
    buoy, rope, sail = products
    (lead,) = crm.insert("Leads", {"Last_Name": "a", LINKS: to(buoy, rope)})
    first, second = links(crm, lead)
    assert first[LINKS] == {"name": "Buoy", "id": buoy}
    assert first["Leads"]["id"] == lead and first["Created_Time"] == "2026-02-06T01:10:56-08:00"
    assert crm.only(f"Leads/{lead}")["$has_more"] == {LINKS: False}
    assert LINKS not in crm.get("Leads", fields=f"Last_Name,{LINKS}").data[0]
    changes = [{"id": first["id"], LINKS: sail}, {"id": second["id"], "_delete": None}, *to(buoy)]
    assert crm.put(f"Leads/{lead}", {"data": [{LINKS: changes}]}).status == 200
    assert names(crm, lead) == ["Sail", "Buoy"]
    assert crm.put(f"Leads/{lead}", {"data": [{LINKS: to(rope)}]}).status == 200
    assert names(crm, lead) == ["Sail", "Buoy", "Rope"]
    assert crm.put(f"Leads/{lead}", {"data": [{LINKS: []}]}).status == 200
    assert links(crm, lead) == []


def test_a_link_stays_with_its_record_whatever_record_it_names(crm, linked, products):
    buoy, rope, _ = products
    lead, other = crm.insert("Leads", {"Last_Name": "a", LINKS: to(buoy)}, {"Last_Name": "b"})
    (link,) = links(crm, lead)
    sent = [{"id": link["id"], LINKS: {"id": rope}, "Leads": {"id": other}}, to(buoy)[0] | {"Leads": other}]
    assert crm.put(f"Leads/{lead}", {"data": [{LINKS: sent}]}).status == 200
    assert (names(crm, lead), links(crm, other)) == (["Rope", "Buoy"], [])
    of_nobody = to(products[2])[0] | {"Leads": {"id": "7243485000000999999"}}
    assert crm.put(f"Leads/{lead}", {"data": [{LINKS: [of_nobody]}]}).status == 200
    assert names(crm, lead) == ["Rope", "Buoy", "Sail"]


def test_two_links_to_the_same_record_are_refused(crm, linked, products):
    buoy, rope, _ = products
    fields = {"linking_fields": ["Leads", LINKS], "api_name": LINKS}
    refused = crm.post("Leads", {"data": [{"Last_Name": "a", LINKS: to(buoy, rope, buoy), "Tag": ["new"]}]})
    assert (refused.status, refused.data[0]) == (400, {
        "code": "DUPLICATE_LINKING_DATA", "message": "duplicate linking data", "status": "error",
        "details": fields | {"json_path": f"$.data[0].{LINKS}[2]"},
    })  # fmt: skip
    (lead,) = crm.insert("Leads", {"Last_Name": "a", LINKS: to(buoy, rope)})
    first, second = (link["id"] for link in links(crm, lead))
    for sent, place in (
        (to(buoy), "[0]"),
        ([{"id": second, LINKS: {"id": buoy}}], "[0]"),
        ([{"id": second, "_delete": None}, *to(rope, buoy)], "[2]"),
    ):
        refused = crm.put("Leads", {"data": [{"id": lead, LINKS: sent}]})
        assert refused.data[0]["code"] == "DUPLICATE_LINKING_DATA"
        details = fields | {"id": first, "json_path": f"$.data[0].{LINKS}{place}"}
        assert refused.data[0]["details"] == details
    assert names(crm, lead) == ["Buoy", "Rope"]
    replaced = [{"id": first, "_delete": None}, *to(buoy)]
    assert crm.put("Leads", {"data": [{"id": lead, LINKS: replaced}]}).status == 200
    assert names(crm, lead) == ["Rope", "Buoy"]


@pytest.mark.parametrize(
    ("value", "path", "code"),
    [
        ("x", "", "INVALID_DATA"),
        ([7], "[0]", "INVALID_DATA"),
        ([{}], f"[0].{LINKS}", "MANDATORY_NOT_FOUND"),
        ([{LINKS: None}], f"[0].{LINKS}", "MANDATORY_NOT_FOUND"),
        ([{LINKS: {"id": "5"}}], f"[0].{LINKS}", "INVALID_DATA"),
        ([{LINKS: {"id": "five"}}], f"[0].{LINKS}.id", "INVALID_DATA"),
        ([{"id": "5", LINKS: {"id": "5"}}], f"[0].{LINKS}", "INVALID_DATA"),
        ([{"id": "5", "_delete": None}], "[0].id", "INVALID_DATA"),
    ],
)
def test_links_that_can_not_be_are_refused_where_they_stand(crm, linked, value, path, code):
    (lead,) = crm.insert("Leads", {"Last_Name": "a"})
    answer = crm.put("Leads", {"data": [{"id": lead, LINKS: value}]})
    assert (answer.status, answer.data[0]["code"]) == (400, code)
    assert answer.data[0]["details"]["json_path"] == f"$.data[0].{LINKS}{path}"
    assert links(crm, lead) == []


def test_a_link_names_its_own_record_by_no_other_way(crm, linked, products):
    first, second = crm.insert("Leads", {"Last_Name": "a"}, {"Last_Name": "b"})
    sent = [{"Leads": {"id": first}, LINKS: {"id": products[0]}}]
    assert crm.put(f"Leads/{second}", {"data": [{LINKS: sent}]}).status == 200
    assert (names(crm, first), names(crm, second)) == ([], ["Buoy"])


@pytest.mark.parametrize("gone", ["Leads", "Products"])
def test_a_link_leaves_with_either_of_its_records(crm, linked, products, gone):
    buoy, rope, _ = products
    lead, other = crm.insert(
        "Leads", {"Last_Name": "a", LINKS: to(buoy, rope)}, {"Last_Name": "b", LINKS: to(rope)}
    )
    assert crm.delete(f"{gone}/{lead if gone == 'Leads' else buoy}").status == 200
    assert len(crm.get("Leads_X_Products", fields=LINKS).data) == (1 if gone == "Leads" else 2)
    assert names(crm, other) == ["Rope"]
    if gone == "Products":
        assert names(crm, lead) == ["Rope"]


def test_records_link_to_others_of_their_own_module(crm):
    links = {"connected_module": {"api_name": "Leads"}}
    (identity,) = made(crm, field("Friends", "multiselectlookup", multiselectlookup=links))
    found = shown(crm, identity)["multiselectlookup"]
    assert (found["lookup_apiname"], found["connectedlookup_apiname"]) == ("Leads", "Friends")
    one, two = crm.insert("Leads", {"Last_Name": "a"}, {"Last_Name": "b"})
    for lead, friends in ((one, [one, two]), (two, [one])):
        sent = [{"Friends": {"id": friend}} for friend in friends]
        assert crm.put(f"Leads/{lead}", {"data": [{"Friends": sent}]}).status == 200
    assert [f["Friends"]["id"] for f in crm.only(f"Leads/{one}")["Friends"]] == [one, two]
    assert crm.call("DELETE", "Leads", {"ids": f"{one}"}).status == 200
    assert crm.only(f"Leads/{two}")["Friends"] == []
    assert crm.get("Leads_X_Leads", fields="Friends").status == 204


def test_the_lookups_of_a_link_have_different_names(crm):
    links = {"connected_module": {"api_name": "Products"}}
    (identity,) = made(crm, field("Leads", "multiselectlookup", multiselectlookup=links))
    found = shown(crm, identity)["multiselectlookup"]
    assert (found["lookup_apiname"], found["connectedlookup_apiname"]) == ("Leads1", "Leads")


def test_links_are_listed_searched_and_counted(crm, linked, products):
    buoy, rope, _ = products
    lead, other = crm.insert(
        "Leads", {"Last_Name": "a", LINKS: to(buoy, rope)}, {"Last_Name": "b", LINKS: to(rope)}
    )
    (first, _) = (link["id"] for link in links(crm, lead))
    module = "Leads_X_Products"
    assert [row["Leads"]["id"] for row in crm.get(module, fields=f"Leads,{LINKS}").data] == [
        other,
        lead,
        lead,
    ]
    assert crm.only(f"{module}/{first}")[LINKS]["id"] == buoy
    assert len(crm.get(f"{module}/search", criteria=f"({LINKS}:equals:{rope})").data) == 2
    assert len(crm.get(f"{module}/search", criteria="(Leads.id:equals:" + lead + ")").data) == 2
    assert crm.get(f"{module}/search", word="buoy").status == 204
    assert crm.get(f"{module}/actions/count").json == {"count": 3}


class TestAlone:
    """Links that are written as records of their module."""

    MODULE = "Leads_X_Products"

    @pytest.fixture
    def leads(self, crm, linked):
        return crm.insert("Leads", {"Last_Name": "a"}, {"Last_Name": "b"})

    def link(self, lead, product):
        return {"Leads": {"id": lead}, LINKS: {"id": product}}

    def test_a_link_is_made_changed_and_removed(self, crm, leads, products):
        lead, other = leads
        buoy, rope, sail = products
        first, _ = crm.insert(self.MODULE, self.link(lead, buoy), self.link(lead, rope))
        assert names(crm, lead) == ["Buoy", "Rope"]
        change = {"data": [{LINKS: {"id": sail}, "Leads": {"id": other}}]}
        assert crm.put(f"{self.MODULE}/{first}", change).status == 200
        assert (names(crm, lead), names(crm, other)) == (["Sail", "Rope"], [])
        assert crm.delete(f"{self.MODULE}/{first}").status == 200
        assert names(crm, lead) == ["Rope"]
        upserted = crm.post(f"{self.MODULE}/upsert", {"data": [self.link(lead, buoy)]})
        assert (upserted.data[0]["action"], names(crm, lead)) == ("insert", ["Rope", "Buoy"])

    def test_a_link_that_is_there_is_refused(self, crm, leads, products):
        lead, other = leads
        buoy, rope, _ = products
        (first,) = crm.insert(self.MODULE, self.link(lead, buoy))
        sent = [self.link(lead, buoy), self.link(lead, rope), self.link(other, buoy), self.link(lead, rope)]
        answer = crm.post(self.MODULE, {"data": sent})
        assert (answer.status, [outcome["code"] for outcome in answer.data]) == (
            207, ["DUPLICATE_LINKING_DATA", "SUCCESS", "SUCCESS", "DUPLICATE_LINKING_DATA"],
        )  # fmt: skip
        second = answer.data[1]["details"]["id"]
        for number, there in ((0, first), (3, second)):
            assert answer.data[number]["details"] == {
                "linking_fields": ["Leads", LINKS], "id": there,
                "api_name": LINKS, "json_path": f"$.data[{number}].{LINKS}",
            }  # fmt: skip
        changed = crm.put(self.MODULE, {"data": [{"id": second, LINKS: buoy}, {"id": first, LINKS: buoy}]})
        assert [outcome["code"] for outcome in changed.data] == ["DUPLICATE_LINKING_DATA", "SUCCESS"]

    @pytest.mark.parametrize(
        ("link", "name", "code"),
        [
            ({LINKS: {"id": "5"}}, "Leads", "MANDATORY_NOT_FOUND"),
            ({"Leads": {"id": "5"}}, LINKS, "MANDATORY_NOT_FOUND"),
            ({"Leads": None, LINKS: {"id": "5"}}, "Leads", "MANDATORY_NOT_FOUND"),
            ({"Leads": {"id": "5"}, LINKS: {"id": "5"}}, "Leads", "INVALID_DATA"),
        ],
    )
    def test_a_link_has_both_of_its_records(self, crm, leads, link, name, code):
        answer = crm.post(self.MODULE, {"data": [link]})
        assert (answer.status, answer.data[0]["code"]) == (400, code)
        assert answer.data[0]["details"]["json_path"] == f"$.data[0].{name}"

    def test_a_record_has_no_more_links_than_it_can_show(self, crm, leads):
        lead, _ = leads
        many = crm.insert("Products", *[{"Product_Name": str(n)} for n in range(100)])
        more = crm.insert("Products", *[{"Product_Name": str(n)} for n in range(100, 200)])
        (last,) = crm.insert("Products", {"Product_Name": "last"})
        for products in (many, more):
            crm.insert(self.MODULE, *[self.link(lead, product) for product in products])
        refused = crm.post(self.MODULE, {"data": [self.link(lead, last)]})
        assert refused.data[0]["details"] == {
            "maximum_length": 200, "api_name": "Leads", "json_path": "$.data[0].Leads",
        }  # fmt: skip
        assert len(links(crm, lead)) == 200

    def test_nothing_looks_up_links(self, crm, leads):
        lookup = {"module": {"api_name": self.MODULE}, "display_label": "b"}
        refused = create(crm, field("a", "lookup", lookup=lookup))
        assert told(refused) == [("INVALID_DATA", "$.fields[0].lookup.module.api_name")]
        assert crm.get(f"settings/modules/{self.MODULE}").json["modules"][0]["lookupable"] is False


def test_records_are_not_searched_or_sorted_by_their_links(crm, linked):
    refused = crm.get("Leads/search", criteria=f"({LINKS}:equals:5)")
    assert (refused.status, refused.json["code"]) == (400, "INVALID_QUERY")
    refused = crm.get("Leads/search", criteria="(Last_Name:equals:a)", sort_by=LINKS)
    assert (refused.status, refused.json["code"]) == (400, "INVALID_DATA")


def test_a_link_has_fields_of_its_own(crm, linked, products):
    made(crm, field("Since", "date"), field("Hot", "boolean"), module="Leads_X_Products")
    sent = [{LINKS: {"id": products[0]}, "Since": "2026-02-06"}]
    (lead,) = crm.insert("Leads", {"Last_Name": "a", LINKS: sent})
    (link,) = links(crm, lead)
    assert (link["Since"], link["Hot"]) == ("2026-02-06", False)
    change = [{"id": link["id"], "Hot": True}]
    assert crm.put(f"Leads/{lead}", {"data": [{LINKS: change}]}).status == 200
    (changed,) = links(crm, lead)
    assert (changed["Since"], changed["Hot"], changed[LINKS]["id"]) == ("2026-02-06", True, products[0])


def test_older_clients_that_name_rows_whole_lose_no_links(crm, linked, products):
    buoy, rope, _ = products
    (lead,) = crm.insert("Leads", {"Last_Name": "a", LINKS: to(buoy)})
    answer = crm.call("PUT", f"/crm/v2/Leads/{lead}", None, {"data": [{LINKS: to(rope)}]})
    assert (answer.status, names(crm, lead)) == (200, ["Buoy", "Rope"])


def test_a_deleted_field_takes_links_module_and_related_list_along(crm, linked, products):
    (lead,) = crm.insert("Leads", {"Last_Name": "a", LINKS: to(products[0])})
    before = set(related_lists(crm, "Products"))
    assert deleted(crm, linked).status == 200
    assert crm.get("settings/modules/Leads_X_Products").json["code"] == "INVALID_MODULE"
    assert len(before - set(related_lists(crm, "Products"))) == 1
    assert LINKS not in crm.only(f"Leads/{lead}")
    assert crm.delete(f"Products/{products[0]}").status == 200
    made(crm, interests())
    assert links(crm, lead) == []
    assert crm.put(f"Leads/{lead}", {"data": [{LINKS: to(products[1])}]}).status == 200
    assert names(crm, lead) == ["Rope"]


BAD = {
    "no links": (field("a", "multiselectlookup"), "DEPENDENT_FIELD_MISSING", "multiselectlookup"),
    "no module": (
        field("a", "multiselectlookup", multiselectlookup={"display_label": "b"}),
        "MANDATORY_NOT_FOUND", "multiselectlookup.connected_details",
    ),
    "an unknown module": (
        interests(connected_details={"module": {"api_name": "Nothing"}}),
        "INVALID_DATA", "multiselectlookup.connected_details.module.api_name",
    ),
    "rows of others": (
        interests(connected_details={"module": {"api_name": "Quoted_Items"}}),
        "INVALID_DATA", "multiselectlookup.connected_details.module.api_name",
    ),
    "a taken module": (
        interests(linking_module={"api_name": "vendors"}),
        "DUPLICATE_DATA", "multiselectlookup.linking_module.api_name",
    ),
    "a reserved module": (
        interests(linking_module={"api_name": "Settings"}),
        "RESERVED_KEYWORD_NOT_ALLOWED", "multiselectlookup.linking_module.api_name",
    ),
    "an impossible module": (
        interests(linking_details={"module": {"api_name": "a b"}}),
        "INVALID_DATA", "multiselectlookup.linking_details.module.api_name",
    ),
    "some layouts": (
        interests(connected_details={"module": {"api_name": "Products"}, "layouts": [{"id": "5"}]}),
        "NOT_SUPPORTED", "multiselectlookup.connected_details.layouts",
    ),
    "access by links": (interests(record_access=True), "NOT_SUPPORTED", "multiselectlookup.record_access"),
    "another type's member": (
        field("a", "text", multiselectlookup={"module": {"api_name": "Products"}}),
        "NOT_SUPPORTED", "multiselectlookup",
    ),
    "text for an object": (interests(linking_module="x"), "INVALID_DATA", "multiselectlookup.linking_module"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_what_links_can_not_be_is_refused_by_name_and_leaves_nothing(kept_crm, case):
    asked, code, place = BAD[case]
    before = (
        kept_crm.get("settings/modules").body,
        kept_crm.get("settings/related_lists", module="Products").body,
    )
    assert told(create(kept_crm, asked)) == [(code, f"$.fields[0].{place}")]
    assert before == (
        kept_crm.get("settings/modules").body, kept_crm.get("settings/related_lists", module="Products").body,
    )  # fmt: skip


def test_a_field_of_links_is_renamed_and_leads_where_it_led(crm, linked):
    assert patched(crm, linked, {"field_label": "Likes", "length": 9}).status == 200
    assert (shown(crm, linked)["field_label"], shown(crm, linked)["length"]) == ("Likes", 200)
    change = {"multiselectlookup": {"module": {"api_name": "Vendors"}}}
    assert told(patched(crm, linked, change)) == [("NOT_ALLOWED", "$.fields[0].multiselectlookup")]
    unchanged = {"multiselectlookup": shown(crm, linked)["multiselectlookup"], "field_label": "Wants"}
    assert patched(crm, linked, unchanged).status == 200
    lookups = [f["id"] for f in crm.get("settings/fields", module="Leads_X_Products").json["fields"]]
    for lookup in lookups:
        assert deleted(crm, lookup, "Leads_X_Products").json["code"] == "NOT_ALLOWED"


def test_snapshots_keep_links(crm, linked, products, service, tmp_path):
    (lead,) = crm.insert("Leads", {"Last_Name": "a", LINKS: to(*products[:2])})
    service.organisations.snapshot("acme", tmp_path / "with.db")
    crm.put(f"Leads/{lead}", {"data": [{LINKS: []}]})
    assert deleted(crm, linked).status == 200
    service.organisations.restore("acme", tmp_path / "with.db")
    assert names(crm, lead) == ["Buoy", "Rope"]
    service.organisations.reset("acme")
    assert crm.get("settings/modules/Leads_X_Products").status == 400


class TestUsers:
    @pytest.fixture
    def crew(self, crm):
        (identity,) = made(crm, field("Crew", "multiuserlookup"))
        return identity

    @pytest.fixture
    def users(self, crm):
        return crm.get("users", type="ActiveUsers").json["users"]

    def test_a_field_of_links_to_users_says_how_they_are_kept(self, crm, crew):
        document = shown(crm, crew)
        found = document["multiuserlookup"]
        assert found["linking_module"]["api_name"] == "Leads_X_Users"
        assert (found["lookup_apiname"], found["connectedlookup_apiname"]) == ("Leads", "Crew")
        assert found["connected_module"] == {"api_name": "Users"}
        assert found["linking_details"]["connected_lookup_field"]["api_name"] == "Crew"
        assert found["related_list"] == dict.fromkeys(("display_label", "api_name", "id"))
        fields = crm.get("settings/fields", module="Leads_X_Users").json["fields"]
        assert {one["api_name"]: one["data_type"] for one in fields}["Crew"] == "userlookup"

    def test_links_to_users_are_made_refused_and_removed(self, crm, crew, users):
        first, second = users[0]["id"], users[1]["id"]
        (lead,) = crm.insert("Leads", {"Last_Name": "a", "Crew": [{"Crew": {"id": first}}, {"Crew": second}]})
        rows = crm.only(f"Leads/{lead}")["Crew"]
        assert rows[0]["Crew"] == {
            "name": users[0]["full_name"], "id": first, "email": users[0]["email"],
        }  # fmt: skip
        for sent, code in (
            ([{"Crew": {"id": first}}], "DUPLICATE_LINKING_DATA"),
            ([{"Crew": {"id": "5"}}], "INVALID_DATA"),
            ([{}], "MANDATORY_NOT_FOUND"),
        ):
            refused = crm.put("Leads", {"data": [{"id": lead, "Crew": sent}]})
            assert (refused.status, refused.data[0]["code"]) == (400, code)
        gone = [{"id": rows[0]["id"], "_delete": None}]
        assert crm.put(f"Leads/{lead}", {"data": [{"Crew": gone}]}).status == 200
        assert [row["Crew"]["id"] for row in crm.only(f"Leads/{lead}")["Crew"]] == [second]
        found = crm.get("Leads_X_Users/search", criteria=f"(Crew:equals:{second})")
        assert [row["Leads"]["id"] for row in found.data] == [lead]
        assert crm.delete(f"Leads/{lead}").status == 200
        assert crm.get("Leads_X_Users", fields="Crew").status == 204

    def test_the_caller_names_the_module_and_the_field_is_deleted_with_it(self, crm):
        links = {"linking_details": {"module": {"plural_label": "Boat crews"}}}
        (identity,) = made(crm, field("Crew", "multiuserlookup", multiuserlookup=links), module="Deals")
        assert shown(crm, identity, "Deals")["multiuserlookup"]["linking_module"]["api_name"] == "Boat_crews"
        assert deleted(crm, identity, "Deals").status == 200
        assert crm.get("settings/modules/Boat_crews").status == 400

    def test_the_members_of_a_service_stay_as_they_were(self, crm, users):
        members = [{"Members": {"id": users[0]["id"]}}]
        (service,) = crm.insert("Services__s", {"Service_Name": "Tow", "Duration": 30, "Members": members})
        assert crm.only(f"Services__s/{service}")["Members"] == members
        assert "$has_more" not in crm.only(f"Services__s/{service}")
