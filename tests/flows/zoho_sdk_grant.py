"""Drives Zoho's official Python SDK from a grant code on; prints the results as one JSON object."""

import json
import sys

from zohocrmsdk.src.com.zoho.api.authenticator.oauth_token import OAuthToken
from zohocrmsdk.src.com.zoho.api.authenticator.store import FileStore
from zohocrmsdk.src.com.zoho.crm.api import HeaderMap, Initializer, ParameterMap
from zohocrmsdk.src.com.zoho.crm.api.dc import DataCenter
from zohocrmsdk.src.com.zoho.crm.api.exception import SDKException
from zohocrmsdk.src.com.zoho.crm.api.org import OrgOperations
from zohocrmsdk.src.com.zoho.crm.api.record import BodyWrapper, Record, RecordOperations


def connect(client, base, store="tokens.txt"):
    environment = DataCenter.Environment(base, f"{base}/oauth/v2/token", base)
    token = OAuthToken(
        client_id=client["client_id"], client_secret=client["client_secret"], grant_token=client["code"]
    )
    Initializer.initialize(environment, token, store=FileStore(store))
    return token


def refused(client, base):
    """How the SDK words that the code is of no use."""
    try:
        connect(client, base, "others.txt").generate_token()
    except SDKException as error:
        return f"{error} {error.cause}"
    return None


def main():
    client, base, elsewhere = json.loads(sys.argv[1])
    result = {"elsewhere": refused(client, elsewhere)}
    token = connect(client, base)
    result["org"] = OrgOperations().get_organization().get_object().get_org()[0].get_company_name()
    result["api_domain"] = token.get_api_domain()
    wrapper, lead = BodyWrapper(), Record()
    lead.add_key_value("Last_Name", "Granted")
    wrapper.set_data([lead])
    leads = RecordOperations("Leads")
    created = leads.create_records(wrapper, HeaderMap()).get_object().get_data()[0]
    result["create"] = created.get_code().get_value()
    record = int(created.get_details()["id"])
    result["read"] = leads.get_record(record, ParameterMap(), HeaderMap()).get_status_code()
    token.set_access_token(None)
    token.refresh_access_token(token, f"{base}/oauth/v2/token")
    result["again"] = leads.get_record(record, ParameterMap(), HeaderMap()).get_status_code()
    # Before the code is tried again, which ends what it gave.
    result["revoked"] = OAuthToken.revoke_refresh_token(
        token.get_refresh_token(), f"{base}/oauth/v2/token/revoke"
    )
    result["spent"] = refused(client, base)
    print(json.dumps(result))


if __name__ == "__main__":
    main()
