"""The notification operations of Zoho's SDK, for zoho_sdk.py."""

from zohocrmsdk.src.com.zoho.crm.api import ParameterMap
from zohocrmsdk.src.com.zoho.crm.api.exception import SDKException
from zohocrmsdk.src.com.zoho.crm.api.notifications import (
    BodyWrapper,
    DeleteNotificationParam,
    GetNotificationsParam,
    Notification,
    NotificationsOperations,
)
from zohocrmsdk.src.com.zoho.crm.api.util import Choice

CHANNEL = 1000000068001


def channel(**values):
    notification = Notification()
    notification.set_channel_id(str(CHANNEL))
    for name, value in values.items():
        getattr(notification, f"set_{name}")(value)
    wrapper = BodyWrapper()
    wrapper.set_watch([notification])
    return wrapper


def message(response):
    return str(response.get_object().get_watch()[0].get_message().get_value())


def notifications():
    """The messages of all operations, and the events of the channel in between."""
    operations, wanted = NotificationsOperations(), ParameterMap()
    wanted.add(GetNotificationsParam.channel_id, CHANNEL)
    gone = ParameterMap()
    try:
        gone.add(DeleteNotificationParam.channel_ids, str(CHANNEL))
    except SDKException:  # Up to v7 it takes one number.
        gone.add(DeleteNotificationParam.channel_ids, CHANNEL)
    deletes = {"delete_events": True}
    if not hasattr(Notification, "set_delete_events"):  # Up to v7 it has another name and type.
        deletes = {"deleteevents": Choice(True)}
    enabled = channel(notify_url="http://127.0.0.1:9/", events=["Leads.all"], token="t")
    messages = [
        message(operations.enable_notifications(enabled)),
        message(operations.update_notifications(channel(events=["Leads.create", "Deals.edit"]))),
        message(operations.update_notification(channel(token="u"))),
        message(operations.disable_notification(channel(events=["Leads.create"], **deletes))),
    ]
    shown = operations.get_notifications(wanted).get_object().get_watch()
    messages.append(message(operations.delete_notification(gone)))
    return {"messages": messages, "events": shown[0].get_events(), "token": shown[0].get_token()}
