"""The e-mail operations of Zoho's SDK, for zoho_sdk.py."""

from zohocrmsdk.src.com.zoho.crm.api import ParameterMap
from zohocrmsdk.src.com.zoho.crm.api.email_related_records import EmailRelatedRecordsOperations
from zohocrmsdk.src.com.zoho.crm.api.email_sharing_details import EmailSharingDetailsOperations
from zohocrmsdk.src.com.zoho.crm.api.from_addresses import FromAddressesOperations
from zohocrmsdk.src.com.zoho.crm.api.send_mail import BodyWrapper, Data, From, SendMailOperations, To


def emails(lead):
    """What came of an e-mail that was sent to a lead."""
    (own,) = FromAddressesOperations().get_from_addresses().get_object().get_from_addresses()
    sender, receiver, mail, body = From(), To(), Data(), BodyWrapper()
    sender.set_user_name(own.get_user_name())
    sender.set_email(own.get_email())
    receiver.set_user_name("Sdk")
    receiver.set_email("sdk@acme.example")
    mail.set_from(sender)
    mail.set_to([receiver])
    mail.set_subject("Tide")
    mail.set_content("High at 4")
    body.set_data([mail])
    (outcome,) = SendMailOperations(lead, "Leads").send_mail(body).get_object().get_data()
    operations = EmailRelatedRecordsOperations(lead, "Leads")
    listed = operations.get_emails_related_records(ParameterMap()).get_object()
    (email,) = listed.get_emails()
    whole = operations.get_emails_related_record(email.get_message_id()).get_object().get_emails()[0]
    return {
        "message": str(outcome.get_message()),
        "subject": email.get_subject(),
        "content": whole.get_content(),
        "count": listed.get_info().get_count(),
    }


def email_settings(lead):
    """The kinds of sharing and the font sizes that the CRM knows. Only the SDK of v8 asks for both in this way."""
    from zohocrmsdk.src.com.zoho.crm.api.email_compose import EmailComposeOperations

    sharing = EmailSharingDetailsOperations(lead, "Leads").get_email_sharing_details().get_object()
    composer = EmailComposeOperations().get_email_composer_default_settings(ParameterMap()).get_object()
    return {
        "types": len(sharing.get_emails_sharing_details()[0].get_available_types()),
        "font_sizes": [each.get_font().get_size() for each in composer.get_email_compose()],
    }
