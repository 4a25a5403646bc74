"""Modules, fields, layouts, related lists, custom views, roles and profiles through their handlers."""

from datetime import UTC, datetime

import pytest

from moorage.crm.query.compare import Context
from moorage.crm.query.view_criteria import view_conditions

CREATED = datetime(2026, 2, 6, 9, 10, 56, tzinfo=UTC)
OF_A_MODULE = ["fields", "layouts", "related_lists", "custom_views"]


@pytest.mark.parametrize("family", OF_A_MODULE)
class TestWhateverBelongsToAModule:
    def test_the_module_is_required(self, refused, family):
        assert refused(f"settings/{family}") == ("REQUIRED_PARAM_MISSING", {"param_name": "module"})
        assert refused(f"settings/{family}?module=")[0] == "REQUIRED_PARAM_MISSING"

    @pytest.mark.parametrize("name", ["Leeds", "leads", "%00", "Leads%20", "se_module"])
    def test_an_unknown_module_is_refused(self, refused, family, name):
        assert refused(f"settings/{family}?module={name}") == ("INVALID_MODULE", {"param_name": "module"})

    def test_a_module_without_any_is_no_content(self, ask, family):
        assert ask(f"settings/{family}?module=Home").status == 204

    def test_one_is_the_one_of_the_list(self, read, family):
        listed = read(f"settings/{family}?module=Deals")[family][-1]
        (alone,) = read(f"settings/{family}/{listed['id']}?module=Deals")[family]
        assert alone.items() >= listed.items()

    def test_one_of_another_module_is_no_content(self, ask, read, family):
        identity = read(f"settings/{family}?module=Deals")[family][0]["id"]
        assert ask(f"settings/{family}/{identity}?module=Leads").status == 204

    def test_one_that_does_not_exist_is_no_content(self, ask, family):
        assert ask(f"settings/{family}/7243485000000999999?module=Leads").status == 204

    @pytest.mark.parametrize("text", ["abc", "-1", "9" * 40])
    def test_what_is_no_id_is_refused(self, refused, family, text):
        code, details = refused(f"settings/{family}/{text}?module=Leads")
        assert (code, details) == ("INVALID_DATA", {"resource_path_index": 2})

    def test_asking_twice_gives_the_same_bytes(self, ask, family):
        target = f"settings/{family}?module=Contacts"
        assert ask(target).body == ask(target).body


class TestModules:
    def test_the_list_has_tabs_without_records_too(self, read):
        names = [m["api_name"] for m in read("settings/modules")["modules"]]
        assert {"Home", "Leads", "Quoted_Items", "Notes"} <= set(names)

    @pytest.mark.parametrize("status", ["visible", "user_hidden", "system_hidden"])
    def test_a_status_chooses(self, read, status):
        modules = read(f"settings/modules?status={status}")["modules"]
        assert {m["status"] for m in modules} == {status}

    def test_several_statuses_choose_what_has_any_of_them(self, read):
        modules = read("settings/modules?status=user_hidden,%20system_hidden")["modules"]
        assert {m["status"] for m in modules} == {"user_hidden", "system_hidden"}

    def test_a_status_nothing_has_is_no_content(self, ask):
        assert ask("settings/modules?status=scheduled_for_deletion").status == 204

    @pytest.mark.parametrize("status", ["", "hidden", "visible,", "visible,x"])
    def test_an_unknown_status_is_refused_with_the_known_ones(self, refused, status):
        code, details = refused(f"settings/modules?status={status}")
        assert code == "PATTERN_NOT_MATCHED"
        assert details["param_name"] == "status"
        assert "visible" in details["supported_values"]

    def test_a_module_is_found_by_name_and_by_id(self, read):
        (by_name,) = read("settings/modules/Deals")["modules"]
        (by_id,) = read(f"settings/modules/{by_name['id']}")["modules"]
        assert by_id == by_name

    def test_a_module_shows_what_surrounds_it(self, read):
        (leads,) = read("settings/modules/Leads")["modules"]
        assert leads["display_field"] == "Full_Name"
        assert leads["custom_view"]["system_name"] == "ALLVIEWS"
        assert leads["related_lists"][0]["href"] == "Leads/{ENTITYID}/Notes"
        assert leads["lookup_field_properties"]["fields"][0]["api_name"] == "Full_Name"

    def test_every_module_can_be_read_alone(self, read):
        for module in read("settings/modules")["modules"]:
            (alone,) = read(f"settings/modules/{module['api_name']}")["modules"]
            assert alone.items() >= module.items()

    @pytest.mark.parametrize("name", ["Leeds", "leads", "0", "9" * 40, "%00", "7243485000000000001"])
    def test_an_unknown_one_is_refused(self, refused, name):
        assert refused(f"settings/modules/{name}") == ("INVALID_MODULE", {"resource_path_index": 2})

    def test_nothing_changed_since(self, ask):
        answer = ask("settings/modules", since="2026-02-06T09:10:57Z")
        assert (answer.status, answer.body) == (304, b"")

    def test_everything_changed_since(self, read):
        since = "2026-02-06T01:10:56-08:00"
        assert read("settings/modules", since=since) == read("settings/modules")

    def test_a_time_in_another_form_is_refused(self, refused):
        assert refused("settings/modules", since="Fri, 06 Feb 2026 09:10:56 GMT")[0] == "INVALID_DATA"

    def test_clients_that_go_through_all_modules_pass_over_tabs_without_records(self, ask, read):
        for module in read("settings/modules")["modules"]:
            has_fields = ask(f"settings/fields?module={module['api_name']}").status == 200
            assert module["api_supported"] is has_fields, module["api_name"]


class TestWhatZohosSdkDependsOn:
    """It reads the fields of every module its lookups point to, and follows what must not be null."""

    def test_every_module_says_how_it_came_to_be(self, read):
        for module in read("settings/modules")["modules"]:
            assert module["generated_type"] in {"default", "subform", "field_tracker"}

    def test_whatever_a_field_points_to_is_a_module(self, read):
        modules = {m["api_name"]: m for m in read("settings/modules")["modules"]}
        for module in modules.values():
            if not module["api_supported"]:
                continue
            for field in read(f"settings/fields?module={module['api_name']}")["fields"]:
                several = field["multi_module_lookup"].get("modules", [])
                single = [field["lookup"]["module"]] if field["lookup"] else []
                # What points into several modules says so by this name, which the SDK knows.
                targets = [*several, *(target for target in single if target["api_name"] != "se_module")]
                assert several or targets == single
                for target in targets:
                    assert modules[target["api_name"]]["id"] == target["id"]
                if field["data_type"] == "subform":
                    rows = field["associated_module"]
                    assert modules[rows["module"]]["id"] == rows["id"]

    def test_every_related_list_has_an_address_and_a_module(self, ask, read):
        modules = {m["api_name"] for m in read("settings/modules")["modules"]}
        for module in modules:
            if ask(f"settings/related_lists?module={module}").status == 204:
                continue
            for related_list in read(f"settings/related_lists?module={module}")["related_lists"]:
                assert related_list["href"] == f"{module}/{{ENTITYID}}/{related_list['api_name']}"
                assert related_list["module"] is None or related_list["module"]["api_name"] in modules


class TestFields:
    def test_all_of_them_are_used(self, read):
        assert read("settings/fields?module=Leads&type=all") == read("settings/fields?module=Leads")

    def test_none_is_unused(self, ask):
        assert ask("settings/fields?module=Leads&type=unused").status == 204

    def test_another_type_is_refused(self, refused):
        code, details = refused("settings/fields?module=Leads&type=some")
        assert (code, details["param_name"]) == ("PATTERN_NOT_MATCHED", "type")

    def test_what_a_layout_decides_is_left_to_it(self, read):
        for field in read("settings/fields?module=Deals")["fields"]:
            assert not {"default_value", "required"} & set(field)

    def test_a_profile_may_write_what_the_api_may(self, read):
        fields = {f["api_name"]: f for f in read("settings/fields?module=Leads")["fields"]}
        permissions = {
            name: {p["permission_type"] for p in field["profiles"]} for name, field in fields.items()
        }
        assert permissions["Owner"] == permissions["Company"] == {"read_write"}
        assert permissions["Full_Name"] == permissions["Created_By"] == permissions["id"] == {"read_only"}

    def test_a_field_names_the_layouts_that_show_it(self, read):
        fields = {f["api_name"]: f for f in read("settings/fields?module=Leads")["fields"]}
        assert [link["name"] for link in fields["Company"]["layout_associations"]] == ["Standard"]
        assert fields["id"]["layout_associations"] == []

    def test_a_lead_says_where_its_values_go(self, read):
        fields = {f["api_name"]: f for f in read("settings/fields?module=Leads")["fields"]}
        mapping = fields["Company"]["convert_mapping"]
        assert mapping == {"Contacts": None, "Deals": None, "Accounts": "Account_Name"}

    def test_where_they_go_there_are_fields_for_them(self, read):
        targets = {
            name: {f["api_name"] for f in read(f"settings/fields?module={name}")["fields"]}
            for name in ("Contacts", "Accounts", "Deals")
        }
        for field in read("settings/fields?module=Leads")["fields"]:
            for module, name in field["convert_mapping"].items():
                assert name is None or name in targets[module]

    def test_a_subform_has_no_length(self, read):
        fields = {f["api_name"]: f for f in read("settings/fields?module=Quotes")["fields"]}
        assert "length" not in fields["Quoted_Items"]
        assert fields["Quoted_Items"]["virtual_field"] is True


class TestLayouts:
    def test_sections_show_their_fields_whole_and_in_order(self, read):
        (layout,) = read("settings/layouts?module=Leads")["layouts"]
        section = next(s for s in layout["sections"] if s["api_name"] == "Lead_Information")
        names = [field["api_name"] for field in section["fields"]]
        assert names[0] == "Owner"
        assert [field["sequence_number"] for field in section["fields"]] == list(range(1, len(names) + 1))
        last_name = section["fields"][names.index("Last_Name")]
        assert last_name["required"] is True
        assert last_name["section_id"] == section["sequence_number"]
        assert last_name["data_type"] == "text"

    def test_no_section_is_empty(self, ask, read):
        for module in read("settings/modules")["modules"]:
            if ask(f"settings/layouts?module={module['api_name']}").status == 204:
                continue
            (layout,) = read(f"settings/layouts?module={module['api_name']}")["layouts"]
            for section in layout["sections"]:
                assert section["fields"], (module["api_name"], section["name"])

    def test_each_profile_of_a_layout_shows_that_layout_first(self, read):
        (layout,) = read("settings/layouts?module=Leads")["layouts"]
        shown = {"id": layout["id"], "name": layout["name"], "type": "layout"}
        assert layout["profiles"]
        assert all(profile["_default_view"] == shown for profile in layout["profiles"])

    def test_a_default_value_is_shown(self, read):
        (layout,) = read("settings/layouts?module=Deals")["layouts"]
        fields = {f["api_name"]: f for section in layout["sections"] for f in section["fields"]}
        assert fields["Pipeline"]["default_value"] == "Standard (Standard)"
        assert fields["Stage"]["default_value"] is None

    def test_only_leads_say_what_they_become(self, read):
        (leads,) = read("settings/layouts?module=Leads")["layouts"]
        (deals,) = read("settings/layouts?module=Deals")["layouts"]
        assert set(leads["convert_mapping"]) == {"Contacts", "Accounts", "Deals"}
        assert leads["convert_mapping"]["Deals"]["id"] == deals["id"]
        assert deals["convert_mapping"] is None


class TestRelatedLists:
    def test_a_layout_of_the_module_may_be_named(self, read):
        (layout,) = read("settings/layouts?module=Leads")["layouts"]
        assert read(f"settings/related_lists?module=Leads&layout_id={layout['id']}")["related_lists"]

    @pytest.mark.parametrize("text", ["1", "abc", ""])
    def test_another_layout_is_refused(self, refused, text):
        code, details = refused(f"settings/related_lists?module=Leads&layout_id={text}")
        assert (code, details) == ("INVALID_DATA", {"param_name": "layout_id"})


class TestCustomViews:
    def test_the_list_says_which_is_the_default(self, read):
        document = read("settings/custom_views?module=Tasks")
        default = next(view for view in document["custom_views"] if view["default"])
        assert document["info"]["default"] == default["id"]
        assert default["name"] == "All Tasks"

    def test_the_list_is_paged(self, read, ask):
        document = read("settings/custom_views?module=Leads&per_page=2&page=2")
        assert len(document["custom_views"]) == 2
        assert document["info"]["more_records"] is True
        assert ask("settings/custom_views?module=Leads&page=2").status == 204

    def test_a_view_shows_criteria_and_columns(self, read):
        listed = read("settings/custom_views?module=Deals")["custom_views"]
        identity = next(view["id"] for view in listed if view["name"] == "Closing This Month")
        (view,) = read(f"settings/custom_views/{identity}?module=Deals")["custom_views"]
        assert view["criteria"]["comparator"] == "equal"
        assert view["criteria"]["value"] == "${THISMONTH}"
        assert view["sort_by"]["api_name"] == "Closing_Date"
        assert view["fields"][0]["api_name"] == "Deal_Name"

    def test_the_criteria_of_every_view_can_be_held_against_its_module(self, organisation):
        user = organisation.metadata.all("user")[0].id
        context = Context(organisation.zone, CREATED, user, organisation.catalog)
        for module in organisation.catalog.modules.values():
            for view in organisation.metadata.all("custom_view", module.id):
                criteria = view.body["criteria"]
                assert (view_conditions(criteria, module, context) is None) == (criteria is None)


@pytest.mark.parametrize("family", ["roles", "profiles"])
class TestRolesAndProfiles:
    def test_a_role_alone_is_as_in_the_list(self, read, family):
        for listed in read(f"settings/{family}")[family]:
            (alone,) = read(f"settings/{family}/{listed['id']}")[family]
            assert alone.items() >= listed.items()

    def test_a_role_that_does_not_exist_is_no_content(self, ask, family):
        assert ask(f"settings/{family}/7243485000000999999").status == 204

    @pytest.mark.parametrize("text", ["abc", "0", "9" * 40])
    def test_what_is_no_id_is_refused(self, refused, family, text):
        assert refused(f"settings/{family}/{text}") == ("INVALID_DATA", {"resource_path_index": 2})


def test_a_profile_alone_groups_all_its_permissions(read):
    listed = read("settings/profiles")["profiles"][1]
    (profile,) = read(f"settings/profiles/{listed['id']}")["profiles"]
    grouped = [
        id_
        for section in profile["sections"]
        for category in section["categories"]
        for id_ in category["permissions_details"]
    ]
    assert sorted(grouped) == sorted(permission["id"] for permission in profile["permissions_details"])
    assert "permissions_details" not in listed
