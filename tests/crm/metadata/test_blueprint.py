"""The documents a new organisation starts with."""

import itertools
import re
from datetime import UTC, datetime

import msgspec
import pytest

from moorage.crm.metadata.catalog import Catalog
from moorage.crm.metadata.documents import Document, Metadata
from moorage.crm.metadata.ids import ID_SPACE
from moorage.crm.metadata.rows import Rows
from moorage.crm.metadata.standard import DEMO, OrganisationSpec, Person, blueprint
from moorage.crm.metadata.standard.blueprint_draft import BlueprintDraft
from moorage.crm.metadata.standard.module_template import module_documents
from moorage.crm.metadata.standard.modules import add_modules

CREATED = datetime(2026, 2, 6, 9, 10, 56, tzinfo=UTC)
PREFIX = 7243485
EVERY_MODULE_WITH_FIELDS = 31
LISTED_ONLY = 23


def documents_of(spec: OrganisationSpec = DEMO) -> list[Document]:
    return blueprint(spec, PREFIX, CREATED, itertools.count(1).__next__)


@pytest.fixture(scope="module")
def documents() -> list[Document]:
    return documents_of()


@pytest.fixture(scope="module")
def metadata(documents: list[Document]) -> Metadata:
    return Metadata(documents)


@pytest.fixture(scope="module")
def catalog(metadata: Metadata) -> Catalog:
    return Catalog(metadata)


def with_users(*users: Person, **more: object) -> OrganisationSpec:
    return OrganisationSpec(name="Tiny", domain="tiny.example", users=users, **more)  # type: ignore[arg-type]


ALONE = Person("Ines", "Okafor", "ines@tiny.example", "CEO", "Administrator")


def fields_of(metadata: Metadata, module: str) -> dict[str, dict]:
    owner = next(d for d in metadata.all("module") if d.name == module)
    return {d.name: d.body for d in metadata.all("field", owner.id)}


class TestIdentifiers:
    def test_the_organisation_comes_first(self, documents):
        assert documents[0].kind == "org"

    def test_ids_that_the_specification_shows_are_given_to_the_same_things(self, documents):
        ids = {(d.kind, d.name): d.id % ID_SPACE for d in documents if d.kind != "field"}
        assert ids["role", "CEO"] == 26_005
        assert ids["role", "Manager"] == 26_008
        assert ids["profile", "Administrator"] == 26_011
        assert ids["profile", "Standard"] == 26_014
        assert ids["module", "Leads"] == 2_175
        assert documents[0].id % ID_SPACE == 20_005
        assert next(d.id for d in documents if d.kind == "user") % ID_SPACE == 590_001

    def test_every_document_shows_its_own_id_as_text(self, documents):
        assert [d.id for d in documents if d.body["id"] != str(d.id)] == []

    def test_no_id_is_given_twice_anywhere_inside(self, documents):
        seen = []
        for document in documents:
            if document.kind == "field":
                seen += [value["id"] for value in document.body["pick_list_values"]]
            elif document.kind == "layout":
                seen += [section["id"] for section in document.body["sections"]]
        seen += [str(d.id) for d in documents]
        assert len(seen) == len(set(seen))

    def test_two_of_the_same_spec_are_equal(self, documents):
        assert documents_of() == documents

    @pytest.mark.parametrize("unique", [(), ("Leads.Email", "Accounts.Account_Name")])
    def test_those_of_modules_are_as_if_they_were_made_for_this_organisation_alone(self, unique):
        alone = BlueprintDraft(4_105_117, itertools.count(100_007).__next__, "2026-02-06T09:10:56-08:00")
        add_modules(alone, unique)
        made = list(module_documents(unique, 100_007, alone.prefix, alone.created))
        assert made == alone.documents
        assert [each.json for each in made] == [each.json for each in alone.documents]

    def test_documents_survive_being_stored_as_json(self, documents):
        for document in documents:
            assert msgspec.json.decode(msgspec.json.encode(document.body)) == document.body

    def test_they_leave_room_for_records(self, documents):
        assert documents[-1].id % ID_SPACE < 100_000


class TestModules:
    def test_every_standard_module_is_there(self, metadata, catalog):
        assert len(catalog.modules) == EVERY_MODULE_WITH_FIELDS
        assert len(metadata.all("module")) == EVERY_MODULE_WITH_FIELDS + LISTED_ONLY

    def test_the_generated_type_is_never_empty(self, metadata):
        assert [d.name for d in metadata.all("module") if not d.body["generated_type"]] == []

    def test_a_subform_names_the_module_it_belongs_to(self, metadata, catalog):
        quotes = catalog.modules["Quotes"]
        items = next(d for d in metadata.all("module") if d.name == "Quoted_Items")
        assert items.body["parent_module"] == {"api_name": "Quotes", "id": str(quotes.id)}
        assert catalog.modules["Quoted_Items"].parent == "Quotes"

    def test_only_what_can_be_converted_says_so(self, metadata):
        names = {d.name for d in metadata.all("module") if d.body["convertable"]}
        assert names == {"Leads", "Quotes", "Sales_Orders"}


class TestFields:
    @pytest.mark.parametrize(
        ("module", "mandatory"),
        [
            ("Leads", {"Last_Name"}),
            ("Contacts", {"Last_Name"}),
            ("Accounts", {"Account_Name"}),
            ("Deals", {"Deal_Name", "Stage"}),
            ("Tasks", {"Subject"}),
            ("Calls", {"Subject", "Call_Type", "Call_Start_Time", "Call_Duration"}),
            ("Events", {"Event_Title", "Start_DateTime", "End_DateTime"}),
            ("Quotes", {"Subject", "Quoted_Items"}),
            ("Sales_Orders", {"Subject", "Account_Name", "Ordered_Items"}),
            ("Purchase_Orders", {"Subject", "Vendor_Name", "Purchase_Items"}),
            ("Invoices", {"Subject", "Invoiced_Items"}),
        ],
    )
    def test_the_mandatory_fields_are_those_of_the_documentation(self, catalog, module, mandatory):
        assert {f.api_name for f in catalog.modules[module].fields.values() if f.mandatory} == mandatory

    def test_fields_of_features_that_are_off_are_left_out(self, metadata):
        names = fields_of(metadata, "Leads")
        assert not {"Currency", "Territories", "Layout", "Visitor_Score", "Data_Source"} & set(names)

    def test_every_lookup_points_to_a_module_that_exists(self, metadata):
        ids = {str(d.id): d.name for d in metadata.all("module")}
        for module in metadata.all("module"):
            for field in metadata.all("field", module.id):
                target = field.body.get("lookup", {}).get("module")
                if target and target["api_name"] != "se_module":
                    assert ids[target["id"]] == target["api_name"]

    def test_a_plain_lookup_has_one_target(self, catalog):
        field = catalog.modules["Contacts"].fields["Account_Name"]
        assert (field.lookup, field.lookup_modules) == ("Accounts", ())

    @pytest.mark.parametrize(
        ("module", "name"),
        [
            ("Tasks", "What_Id"),
            ("Events", "What_Id"),
            ("Calls", "What_Id"),
            ("Notes", "Parent_Id"),
            ("Attachments", "Parent_Id"),
            ("Appointments__s", "Appointment_For"),
        ],
    )
    def test_a_field_into_several_modules_lists_them(self, catalog, module, name):
        field = catalog.modules[module].fields[name]
        assert field.lookup is None
        assert {"Leads", "Deals"} <= set(field.lookup_modules) <= set(catalog.modules)

    def test_the_pseudo_module_has_an_id_but_is_no_module(self, metadata):
        lookup = fields_of(metadata, "Tasks")["What_Id"]["lookup"]
        assert lookup["module"]["api_name"] == "se_module"
        assert metadata.find("module", int(lookup["module"]["id"])) is None

    def test_whoever_shows_notes_or_attachments_can_be_their_parent(self, metadata, catalog):
        for name in ("Notes", "Attachments"):
            parents = set(catalog.modules[name].fields["Parent_Id"].lookup_modules)
            showing = {
                m.api_name
                for m in catalog.modules.values()
                if name in {d.name for d in metadata.all("related_list", m.id)}
            }
            assert showing <= parents

    def test_a_subform_names_the_module_of_its_rows(self, metadata, catalog):
        rows = catalog.modules["Quoted_Items"]
        associated = fields_of(metadata, "Quotes")["Quoted_Items"]["associated_module"]
        assert associated == {"module": "Quoted_Items", "id": str(rows.id)}
        assert catalog.modules["Quotes"].fields["Quoted_Items"].rows == Rows("Quoted_Items", "Parent_Id")

    def test_a_stage_knows_its_probability(self, catalog):
        probabilities = catalog.modules["Deals"].fields["Stage"].probabilities
        assert probabilities["Qualification"] == 10
        assert probabilities["Closed Won"] == 100
        assert probabilities["Closed Lost"] == 0

    def test_a_pipeline_maps_to_the_stages_by_id(self, metadata):
        fields = fields_of(metadata, "Deals")
        stages = {value["id"] for value in fields["Stage"]["pick_list_values"]}
        (map_,) = fields["Pipeline"]["pick_list_values"][0]["maps"]
        assert map_["api_name"] == "Stage"
        assert {value["id"] for value in map_["pick_list_values"]} == stages

    def test_uniqueness_is_what_the_spec_asks_for(self):
        catalog = Catalog(Metadata(documents_of(with_users(ALONE, unique=("Leads.Email",)))))
        assert catalog.modules["Leads"].fields["Email"].unique
        assert not catalog.modules["Contacts"].fields["Email"].unique

    def test_a_unique_field_that_does_not_exist_is_refused(self):
        with pytest.raises(ValueError, match=r"Leads\.Emial"):
            documents_of(with_users(ALONE, unique=("Leads.Emial",)))

    @pytest.mark.parametrize(
        "name",
        ["Leads.Tag", "Leads.Owner", "Leads.Full_Name", "Leads.Email_Opt_Out", "Leads.id", "Leads.Created_Time",
         "Deals.Pipeline", "Deals.Probability", "Quotes.Quoted_Items", "Quoted_Items.Quantity"],
    )  # fmt: skip
    def test_what_the_crm_itself_writes_can_not_be_unique(self, name):
        with pytest.raises(ValueError, match=f"can't be unique: {re.escape(name)}; fields can that callers"):
            documents_of(with_users(ALONE, unique=("Leads.Email", name)))


class TestLayouts:
    def test_every_placed_field_is_a_field_of_the_module(self, metadata):
        for module in metadata.all("module"):
            ids = {str(d.id) for d in metadata.all("field", module.id)}
            for layout in metadata.all("layout", module.id):
                placed = [f for section in layout.body["sections"] for f in section["fields"]]
                assert set(placed) <= ids
                assert len(placed) == len(set(placed))

    def test_the_sections_of_leads_stand_in_order(self, metadata, catalog):
        (layout,) = metadata.all("layout", catalog.modules["Leads"].id)
        names = [section["api_name"] for section in layout.body["sections"]]
        assert names[:3] == ["Record_Image__s", "Lead_Information", "Address_Information"]


class TestRelatedLists:
    def test_the_address_is_never_empty(self, metadata):
        for module in metadata.all("module"):
            for related in metadata.all("related_list", module.id):
                assert related.body["href"] == f"{module.name}/{{ENTITYID}}/{related.name}"


class TestCustomViews:
    def test_each_module_with_a_layout_has_exactly_one_default_view(self, metadata):
        for module in metadata.all("module"):
            views = metadata.all("custom_view", module.id)
            assert bool(views) == bool(metadata.all("layout", module.id))
            if views:
                assert [v.body["system_name"] for v in views if v.body["default"]] == ["ALLVIEWS"]

    def test_names_are_unique_within_a_module(self, metadata):
        for module in metadata.all("module"):
            names = [view.name for view in metadata.all("custom_view", module.id)]
            assert len(names) == len(set(names))

    def test_the_default_view_holds_everything(self, metadata, catalog):
        default = metadata.all("custom_view", catalog.modules["Deals"].id)[0].body
        assert (default["name"], default["criteria"]) == ("All Deals", None)

    def test_criteria_name_fields_of_the_module_and_values_they_can_have(self, metadata, catalog):
        for module in catalog.modules.values():
            for view in metadata.all("custom_view", module.id):
                for term in terms(view.body["criteria"]):
                    field = module.fields[term["field"]["api_name"]]
                    assert term["field"]["id"] == str(field.id)
                    values = term["value"] if isinstance(term["value"], list) else [term["value"]]
                    if field.pick_list and "${" not in str(values):
                        assert set(values) <= set(field.pick_list)

    def test_leads_have_the_views_of_a_new_organisation(self, metadata, catalog):
        views = metadata.all("custom_view", catalog.modules["Leads"].id)
        systems = {view.body["system_name"] for view in views}
        assert {
            "ALLVIEWS",
            "CONVERTEDVIEWS",
            "JUNKLEADVIEWS",
            "LEADSSHAREDBYME",
            "LEADSSHAREDTOME",
        } <= systems


def terms(criteria: dict | None) -> list[dict]:
    if criteria is None:
        return []
    if "group" in criteria:
        return [term for part in criteria["group"] for term in terms(part)]
    return [criteria]


class TestPeople:
    def test_the_first_user_is_the_primary_contact(self, metadata):
        first = metadata.all("user")[0].body
        assert metadata.org["primary_email"] == first["email"]
        assert metadata.org["primary_zuid"] == first["zuid"]
        assert first["role"]["name"] == "CEO"
        assert first["profile"]["name"] == "Administrator"

    def test_roles_report_to_the_top(self, metadata):
        ceo, manager = metadata.all("role")
        assert ceo.body["reporting_to"] is None
        assert manager.body["reporting_to"] == {"name": "CEO", "id": str(ceo.id)}

    def test_only_administrators_may_manage_users(self, metadata):
        for profile in metadata.all("profile"):
            enabled = {p["name"]: p["enabled"] for p in profile.body["permissions_details"]}
            assert enabled["Crm_Implied_Manage_Users"] == (profile.name == "Administrator")
            assert enabled["Crm_Implied_View_Leads"]

    def test_times_are_written_in_the_zone_of_the_organisation(self, metadata):
        assert metadata.org["created_time"] == "2026-02-06T01:10:56-08:00"
        assert metadata.all("user")[0].body["offset"] == -28_800_000

    def test_an_offset_ignores_daylight_saving_south_of_the_equator_too(self):
        documents = documents_of(with_users(ALONE, time_zone="Australia/Sydney"))
        assert Metadata(documents).all("user")[0].body["offset"] == 36_000_000

    def test_an_organisation_of_one_works(self):
        assert len(Metadata(documents_of(with_users(ALONE))).all("user")) == 1

    def test_an_organisation_of_none_is_refused(self):
        with pytest.raises(ValueError, match="at least one user"):
            documents_of(with_users())

    def test_a_role_nobody_knows_is_refused(self):
        with pytest.raises(ValueError, match="no role is called 'King'; there are: CEO, Manager"):
            documents_of(with_users(Person("A", "B", "a@tiny.example", role="King")))
