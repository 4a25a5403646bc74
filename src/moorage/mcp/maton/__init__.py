"""Maton's ten tools, with its names and shapes, so that its agent toolkits work with Moorage as they are.

They parse the first text of a result as JSON. So that is all that a result is: no sentence, and no data beside it.
"""

from moorage.mcp.maton.action_tools import GET_ACTION, RUN_ACTION, SEARCH_ACTIONS
from moorage.mcp.maton.api import API
from moorage.mcp.maton.connections import (
    CREATE_CONNECTION,
    DELETE_CONNECTION,
    GET_CONNECTION,
    LIST_CONNECTIONS,
    SEARCH_APPS,
    WHOAMI,
)
from moorage.mcp.maton.told import waiting_told
from moorage.mcp.profile import Profile

PROFILE = Profile(
    "maton",
    "Call apps through connections. search_actions finds actions, get_action shows the arguments of one, and"
    " run_action runs it; api calls anything else. Where an app has several connections, name one in `connection`."
    " If a result says waiting_for_approval, give its link to a person; then the same call again gets the answer.",
    [
        WHOAMI,
        CREATE_CONNECTION,
        DELETE_CONNECTION,
        LIST_CONNECTIONS,
        GET_CONNECTION,
        SEARCH_APPS,
        SEARCH_ACTIONS,
        GET_ACTION,
        RUN_ACTION,
        API,
    ],
    waiting_told,
)
