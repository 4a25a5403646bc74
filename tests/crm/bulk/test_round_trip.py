"""What a bulk read brings, a bulk write takes: the records are the same."""

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.crm.bulk.test_bulk_read import PATH as READ
from tests.crm.bulk.test_bulk_write import PATH as WRITE
from tests.crm.bulk.test_bulk_write import asked, file_id

FIELDS = [
    "Last_Name",
    "Description",
    "No_of_Employees",
    "Annual_Revenue",
    "Email_Opt_Out",
    "Lead_Source",
    "Tag",
]
# Spaces around a text are no part of a cell, and neither is a null character of any text.
texts = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=40).filter(
    lambda text: text == text.strip() and not text.startswith('="')
)
records = st.fixed_dictionaries(
    {"Last_Name": texts},
    optional={
        "Description": texts,
        "No_of_Employees": st.integers(-(10**8), 10**8),
        "Annual_Revenue": st.floats(-1e9, 1e9).map(lambda number: round(number, 2)),
        "Email_Opt_Out": st.booleans(),
        "Lead_Source": st.sampled_from(["Web Research", "Partner"]),
        "Tag": st.lists(st.sampled_from(["hot", "old"]), max_size=2, unique=True).map(
            lambda names: [{"name": name} for name in names]
        ),
    },
)


def shown(crm):
    answer = crm.get("Leads", fields=",".join(FIELDS), sort_by="id", sort_order="asc")
    return [{name: record[name] for name in FIELDS} for record in answer.data]


def test_records_come_back_as_they_were(crm, work, unzipped):
    @given(st.lists(records, min_size=1, max_size=10))
    @settings(max_examples=6, deadline=None, suppress_health_check=list(HealthCheck))
    def check(leads):
        crm.insert("Leads", *leads)
        before = shown(crm)
        query = {"module": {"api_name": "Leads"}, "fields": FIELDS}
        job = crm.post(READ, {"query": query}).data[0]["details"]["id"]
        work(crm, job)
        (data,) = unzipped(crm.get(f"{READ}/{job}/result")).values()
        ids = [record["id"] for record in crm.get("Leads", fields="id").data]
        crm.delete("Leads", ids=",".join(ids))
        mappings = [{"api_name": name, "index": index + 1} for index, name in enumerate(FIELDS)]
        resource = {"file_id": file_id(crm, **{"a.csv": data}), "field_mappings": mappings}
        job = asked(crm, resource).json["details"]["id"]
        work(crm, job)
        assert crm.get(f"{WRITE}/{job}").json["resource"][0]["file"]["skipped_count"] == 0
        assert shown(crm) == before
        ids = [record["id"] for record in crm.get("Leads", fields="id").data]
        crm.delete("Leads", ids=",".join(ids))

    check()
