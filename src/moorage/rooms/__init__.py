"""All services over one data folder. Only this room chooses their stores and transports.

A service is made, and its code loaded, when it is first used. A command needs few of them, and loading all of them
takes three times as long. A server makes all of them at its start, so that no call has to wait.

Each class adds the services of one subject to those that they need: `ControlRooms`, `CrmRooms`,
`ConnectingRooms`, `PeopleRooms`, `ApprovalRooms`, `GrantRooms`, `McpRooms`, `Rooms`.
"""

from moorage.rooms.all import Rooms, open_rooms
from moorage.rooms.urls import DEMO_APP, DEMO_SLUG, Urls

__all__ = ["DEMO_APP", "DEMO_SLUG", "Rooms", "Urls", "open_rooms"]
