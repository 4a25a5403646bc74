"""To revoke keys: one, or several that were ticked in the list. Each way asks first."""

from moorage.console.keys import WRITE, path_of, state_of
from moorage.console.several import each, ticked
from moorage.console.visit import Done, Page, Shown, Visit, get, post


async def ask(visit: Visit) -> Shown:
    answer = await visit.control("GET", path_of(visit))
    key = answer.document["key"]
    return Shown("key_revoke.html", {"key": key, "state": state_of(key, visit.now)})


async def revoke(visit: Visit) -> Done:
    answer = await visit.control("DELETE", path_of(visit))
    return Done(path_of(visit), f"The key {answer.document['key']['name']} is revoked. It works no more.")


async def ask_of_several(visit: Visit) -> Shown:
    ids = ticked(visit)
    answer = await visit.control("GET", "/keys")
    keys = [
        key for key in answer.document["keys"] if key["id"] in ids and state_of(key, visit.now) == "active"
    ]
    return Shown("keys_revoke.html", {"keys": keys, "others": len(ids) - len(keys)})


async def revoke_several(visit: Visit) -> Shown | Done:
    ids = ticked(visit)

    async def revoked(key: str) -> str:
        await visit.control("DELETE", f"/keys/{key}")
        return "It works no more."

    rows = await each(ids, revoked)
    done = sum(row["done"] for row in rows)
    if done == len(rows):
        said = (
            "The key is revoked. It works no more."
            if done == 1
            else f"{done} keys are revoked. They work no more."
        )
        return Done("/keys", said)
    answer = await visit.control("GET", "/keys")
    names = {key["id"]: key["name"] for key in answer.document["keys"]}
    values = {"rows": [{**row, "name": names.get(row["id"])} for row in rows], "done": done}
    return Shown("keys_revoked.html", values, 200 if done else 400)


PAGES: tuple[Page, ...] = (
    get("/keys/revoke", ask_of_several, WRITE),
    post("/keys/revoke", revoke_several, WRITE),
    get("/keys/{key_id}/revoke", ask, WRITE),
    post("/keys/{key_id}/revoke", revoke, WRITE),
)
