"""``GET /events`` (workos.md §2.1)."""

from __future__ import annotations

import pytest


@pytest.fixture
def ask(application):
    """The answer to a query; ``events`` is about the things that :func:`happen` notes."""

    def ask(**query):
        return application.api("GET", "/events", params={"events": "a.thing", **query})

    return ask


@pytest.fixture
def happen(workos, clock):
    """Notes so many events, one in a second."""

    def happen(count, event="a.thing", **data):
        noted = []
        for number in range(count):
            noted.append(workos.emit(event, {"number": number, **data}).id)
            clock.advance(1)
        return noted

    return happen


def ids(answer):
    return [each["id"] for each in answer.json()["data"]]


def test_events_come_as_they_are_noted(application, workos):
    workos.sign_in("bob@acme.test")
    workos.revoke(workos.sessions[0].id)

    answer = application.api("GET", "/events", params={"events": "session.created,session.revoked"})

    assert answer.json() == {
        "object": "list",
        "data": [workos.events[0].as_json(), workos.events[2].as_json()],
        "list_metadata": {"before": None, "after": None},
    }


def test_names_may_be_repeated_too(application, happen):
    happen(1), happen(1, "b.thing"), happen(1, "c.thing")

    answer = application.api("GET", "/events?events=a.thing&events=b.thing")

    assert [each["event"] for each in answer.json()["data"]] == ["a.thing", "b.thing"]


def test_pages_go_forward_oldest_first(ask, happen):
    noted = happen(25)
    seen, query = [], {}
    for size in (10, 10, 5):
        answer = ask(**query)
        assert len(ids(answer)) == size
        seen += ids(answer)
        query = {"after": answer.json()["list_metadata"]["after"]}
    assert seen == noted
    assert query == {"after": None}

    assert ids(ask(after=noted[-1])) == []
    assert ids(ask(limit=100)) == noted
    assert ids(ask(limit=1, after=noted[3])) == noted[4:5]


def test_a_cursor_may_be_any_event(ask, happen):
    (other,) = happen(1, "b.thing")
    noted = happen(2)

    assert ids(ask(after=other)) == noted


def test_a_range_has_its_start_and_not_its_end(ask, happen):
    noted = happen(4)

    answer = ask(range_start="2027-01-15T08:00:01Z", range_end="2027-01-15T08:00:03.000Z")

    assert ids(answer) == noted[1:3]
    assert ids(ask(after=noted[0], range_end="2027-01-15T08:00:03Z")) == noted[1:3]


def test_created_at_can_be_a_start(ask, clock, happen):
    clock.advance(0.0004567)
    noted = happen(1)
    start = ask().json()["data"][0]["created_at"]

    assert ids(ask(range_start=start)) == noted
    assert ids(ask(range_end=start)) == []


def test_events_of_one_organization(application, workos):
    workos.set_role("alice@acme.test", "Acme", "member")
    workos.set_role("carol@acme.test", "Globex", "member")
    workos.set_organization("Acme", name="Acme Inc.")
    workos.set_user("alice@acme.test", first_name="Alicia")
    query = {
        "events": "organization_membership.updated,organization.updated,user.updated",
        "organization_id": workos.organization("Acme Inc.").id,
    }

    answer = application.api("GET", "/events", params=query)

    assert [each["event"] for each in answer.json()["data"]] == [
        "organization_membership.updated",
        "organization.updated",
    ]


@pytest.mark.parametrize(
    "query",
    [
        {"events": None},
        {"events": ","},
        {"limit": "0"},
        {"limit": "101"},
        {"limit": "ten"},
        {"limit": "-1"},
        {"range_start": "2027-01-15T08:00:00+00:00"},
        {"range_end": "2027-01-15T08:00:00"},
        {"range_start": "2027-13-15T08:00:00Z"},
        {"range_start": "2027-01-15"},
        {"range_start": "1800000000"},
        {"range_start": ""},
        {"after": "event_1", "range_start": "2027-01-15T08:00:00Z"},
    ],
)
def test_a_query_that_cannot_be_is_unprocessable(ask, query):
    answer = ask(**query)

    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request_parameters")


def test_a_cursor_that_was_lost_is_refused(ask, workos, happen):
    noted = happen(2)
    assert ids(ask(after=noted[0])) == noted[1:]

    workos.forget_events()

    answer = ask(after=noted[0])
    assert answer.status_code == 400
    assert noted[0] in answer.json()["message"]
    assert ids(ask()) == []


def test_after_thirty_days_an_event_is_forgotten(ask, clock, happen):
    noted = happen(2)

    clock.advance(30 * 86_400 - 1.5)

    assert ids(ask()) == noted[1:]
    assert ask(after=noted[0]).status_code == 400


@pytest.mark.parametrize("key", ["wrong", ""])
def test_the_api_key_is_needed(application, workos, key):
    headers = {"Authorization": f"Bearer {key}"} if key else {}

    answer = application.api("GET", "/events?events=a.thing", headers=headers)

    assert (answer.status_code, answer.json()) == (401, {"message": "Unauthorized"})


def test_it_can_be_out_of_order_by_itself(ask, workos):
    with workos.down(503, only="/events"):
        assert ask().status_code == 503
    assert ask().status_code == 200
