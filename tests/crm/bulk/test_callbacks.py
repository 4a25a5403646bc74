"""The end of a bulk job is posted to its callback."""

import json

import pytest

from moorage.crm.events.sending import Undelivered

READ = "/crm/bulk/v8/read"
URL = "http://127.0.0.1:9/done"


@pytest.fixture
def posted(service, monkeypatch):
    """What was posted, with its address; `refusals` is how often nobody takes it before."""

    async def post(url, body):
        if post.refusals:
            post.refusals -= 1
            raise Undelivered("the receiver answered 503")
        post.posts.append((url, json.loads(body)))

    post.refusals, post.posts = 0, []
    monkeypatch.setattr(service.wrapped._sender, "post", post)
    return post


def begun(crm, **callback):
    query = {"module": {"api_name": "Leads"}}
    answer = crm.post(READ, {"query": query, "callback": {"url": URL, "method": "post"} | callback})
    assert answer.status == 201, answer.body
    return answer.data[0]["details"]["id"]


def test_a_callback_gets_what_whoever_asks_is_shown(crm, work, posted):
    job = begun(crm)
    work(crm, job)
    assert posted.posts == [(URL, crm.get(f"{READ}/{job}").json)]
    work(crm, job)
    assert len(posted.posts) == 1


def test_a_callback_that_nobody_takes_is_posted_again_and_the_job_is_not_done_again(crm, work, posted):
    job = begun(crm)
    posted.refusals = 1
    with pytest.raises(Undelivered):
        work(crm, job)
    shown = crm.get(f"{READ}/{job}").json
    assert shown["data"][0]["state"] == "COMPLETED"
    work(crm, job)
    assert posted.posts == [(URL, shown)]


@pytest.mark.parametrize(
    ("callback", "code"),
    [
        ({"url": "ftp://x.example/"}, "INVALID_CALLBACK_URL"),
        ({"url": 5}, "INVALID_CALLBACK_URL"),
        ({"method": "get"}, "INVALID_CALLBACK_METHOD"),
    ],
)
def test_a_callback_that_can_not_be_posted_to_is_refused(crm, callback, code):
    body = {"query": {"module": {"api_name": "Leads"}}, "callback": {"url": URL} | callback}
    answer = crm.post(READ, body)
    assert (answer.status, answer.json["code"]) == (400, code)
