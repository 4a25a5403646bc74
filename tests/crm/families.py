"""All routes of the API by family, such as those of settings: tests of every route go through a family at a time."""

from itertools import groupby

from moorage.crm.api import routes

ROUTES = sorted(routes(), key=lambda route: (route.pattern, route.method))
FAMILIES = {family: [*same] for family, same in groupby(ROUTES, lambda route: route.pattern.split("/")[3])}
