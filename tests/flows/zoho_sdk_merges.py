"""Merges records with Zoho's official Python SDK."""

from zohocrmsdk.src.com.zoho.crm.api.find_and_merge import (
    BodyWrapper,
    DataFields,
    FindAndMergeOperations,
    MasterRecordFields,
    Merge,
    MergeData,
)


def merged(module, master, other):
    """Gives the code of the answer. The other record gives its city, and the master keeps its name."""
    city, name, part, merge, wrapper = DataFields(), MasterRecordFields(), MergeData(), Merge(), BodyWrapper()
    city.set_api_name("City")
    name.set_api_name("Last_Name")
    part.set_id(other)
    part.set_fields([city])
    merge.set_data([part])
    merge.set_master_record_fields([name])
    wrapper.set_merge([merge])
    answer = FindAndMergeOperations(module, master).merge_records(wrapper)
    return answer.get_object().get_merge()[0].get_code().get_value()
