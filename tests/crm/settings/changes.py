"""What tests of changed settings do again and again."""


def outcomes(answer, name):
    return [(each["code"], each["message"]) for each in answer.json[name]]


def made(crm, path, name, *specs, **params):
    """Make things that have to be right; gives their ids."""
    answer = crm.post(f"settings/{path}", {name: list(specs)}, **params)
    assert answer.status == 201, answer.body
    return [outcome["details"]["id"] for outcome in answer.json[name]]


def work(crm, job):
    """Do a job to its end."""

    async def main():
        await crm.service.wrapped.bulk_jobs.run(crm.organisation, int(job))

    crm.service._run(main())
