"""Lets the services of a running server use other settings and other files of apps."""

import os
from typing import TYPE_CHECKING

from moorage.rooms.all import Rooms
from moorage.settings import Settings

if TYPE_CHECKING:
    from moorage.oauth.apps.providers import Providers

# ruff: noqa: PLC0415 (a server that is never asked to reload does not load this)


async def use(rooms: Rooms, settings: Settings, providers: "Providers") -> None:
    """Use these from now on. What `settings` has of settings that need a restart is as it was."""
    from moorage.approvals.service import Limits
    from moorage.policies import Policy

    rooms.proxies.use(settings.proxy, settings.no_proxy, os.environ)
    rooms.settings = settings
    rooms.providers.use(providers)
    rooms.classifier.use({app: providers.get(app).operations for app in providers.names})
    rooms.oauth_clients.use(settings.oauth_clients)
    rooms.return_urls.use(settings.return_urls)
    rooms.limiter.use(settings.rate_limit)
    rooms.policies.use(Policy(settings.live_policy))
    rooms.approvals.limits = Limits(settings.approval_time, settings.approval_body)
    rooms.own_calls.max_answer = settings.approval_body
    if rooms.request_notes is not None and rooms.request_notes.bodies is not None:
        rooms.request_notes.bodies.most = settings.request_body_size
    await rooms.crm.use_receivers(settings.crm_receivers)
