"""`GET /limits/calls`: how fast an account may call, and what its keys have spent of their budgets."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from moorage.http.control import Authenticate, json_response, route
from moorage.keys.limits import RateLimiter
from moorage.policies.service import Policies


def routes(policies: Policies, limiter: RateLimiter, authenticate: Authenticate) -> list[Route]:
    async def get(request: Request) -> Response:
        caller = await authenticate(request, "policies:read")
        rate = (
            {"per_second": limiter.rate, "at_once": int(limiter.burst)} if limiter.rate is not None else None
        )
        return json_response({"rate": rate, "budgets": await policies.spending(caller.account_id)})

    return [route("/limits/calls", GET=get)]
