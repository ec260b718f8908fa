"""Where it listens, whom it answers, and how it is steered from outside (security S8)."""

from __future__ import annotations

import socket
from email.utils import parsedate_to_datetime

import pytest
import requests

from flask_workos_sessions.local import LocalWorkOS, MovableClock
from flask_workos_sessions.settings import load_settings


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.com", ""])
def test_it_listens_on_loopback_only(host):
    """security S8"""
    with pytest.raises(ValueError, match="loopback only"):
        LocalWorkOS(host=host)


@pytest.mark.parametrize("host", ["evil.test", "evil.test:{port}", "127.0.0.1", "127.0.0.1:1"])
@pytest.mark.parametrize("path", ["/", "/user_management/authorize", "/local/clock"])
def test_another_host_name_is_not_answered(workos, host, path):
    """security S8: a page whose name was rebound to this machine gets nothing."""
    named = host.format(port=workos.url.rsplit(":", 1)[1])

    answer = requests.get(f"{workos.url}{path}", headers={"Host": named}, timeout=10)

    assert answer.status_code == 421


def test_its_other_loopback_names_are_answered(workos):
    port = workos.url.rsplit(":", 1)[1]

    answer = requests.get(f"{workos.url}/", headers={"Host": f"localhost:{port}"}, timeout=10)

    assert answer.status_code == 200


CONTROLS = [
    *("clock", "faults", "keys", "revoke"),
    *("remove-user", "set-role", "set-membership", "remove-membership"),
    *("webhook", "remove-webhook", "webhooks-next", "deliveries", "emit"),
]


def _steer(workos, path, body, secret=None):
    return requests.post(
        f"{workos.url}/local/{path}",
        json=body,
        headers={"Authorization": f"Bearer {secret or workos.control_secret}"},
        timeout=10,
    )


@pytest.mark.parametrize("path", CONTROLS)
@pytest.mark.parametrize("header", [None, "Bearer wrong", "Bearer ", "Basic YTpi"])
def test_steering_needs_the_control_secret(workos, clock, path, header):
    """security S8"""
    before = (clock(), workos.rotate_keys())

    answer = requests.post(
        f"{workos.url}/local/{path}",
        json={"advance": 5} if path == "clock" else {},
        headers={} if header is None else {"Authorization": header},
        timeout=10,
    )

    assert answer.status_code == 401
    assert clock() == before[0]


def test_the_api_key_does_not_steer(workos):
    assert _steer(workos, "clock", {"advance": 1}, workos.api_key).status_code == 401


def test_the_clock_can_be_steered(workos, clock):
    assert _steer(workos, "clock", {"advance": 60}).json() == {"now": 1_800_000_060}
    assert _steer(workos, "clock", {"set": 1_900_000_000}).json() == {"now": 1_900_000_000}
    assert clock() == 1_900_000_000


def test_a_clock_that_cannot_be_moved_says_so():
    with LocalWorkOS() as workos:
        assert _steer(workos, "clock", {"advance": 60}).status_code == 409


def test_faults_can_be_steered(application, workos):
    asked = {"fail_next": 2, "status": 429, "headers": {"Retry-After": "NaN"}}
    assert _steer(workos, "faults", asked).json() == {"planned": 2}

    answer = application.refresh("any")

    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "NaN")


def test_faults_of_one_endpoint_can_be_steered(application, workos):
    order = {"fail_next": 1, "status": 503, "only": "/sso/jwks"}
    assert _steer(workos, "faults", order).json() == {"planned": 1}

    path = f"/sso/jwks/{workos.client_id}"
    assert [application.api("GET", path).status_code for _ in range(2)] == [503, 200]


def test_a_share_of_faults_can_be_steered_and_forgotten(application, workos):
    order = {"share": 1, "statuses": [429, "drop"], "seed": 2, "headers": {"Retry-After": "3"}}
    assert _steer(workos, "faults", order).status_code == 200
    seen = set()
    for _ in range(20):
        try:
            seen.add(application.refresh("any").headers["Retry-After"])
        except requests.ConnectionError:
            seen.add("drop")
    assert seen == {"3", "drop"}

    _steer(workos, "faults", {"clear": True})

    assert application.refresh("any").status_code == 400


def test_the_grace_can_be_steered(application, workos):
    token = workos.sign_in("bob@acme.test")["refresh_token"]
    assert application.refresh(token).status_code == 200

    assert _steer(workos, "clock", {"grace_seconds": 0}).status_code == 200
    assert application.refresh(token).status_code == 400


def test_the_inactivity_timeout_can_be_steered_and_taken_away(application, workos, clock):
    token = workos.sign_in("bob@acme.test")["refresh_token"]
    _steer(workos, "clock", {"inactivity_timeout": 60})
    _steer(workos, "clock", {"inactivity_timeout": None, "advance": 61})
    assert application.refresh(token).status_code == 200


def test_keys_can_be_steered(application, workos):
    kid = _steer(workos, "keys", {"withdraw": True}).json()["kid"]

    jwks = application.api("GET", f"/sso/jwks/{workos.client_id}").json()
    assert [key["kid"] for key in jwks["keys"]] == [kid]


def test_sessions_can_be_steered(workos):
    workos.sign_in("bob@acme.test")

    answer = _steer(workos, "revoke", {"session_id": workos.sessions[0].id})

    assert answer.json() == {"revoked": True}
    assert workos.sessions[0].status == "revoked"


def test_people_can_be_steered(workos):
    carol = {"user": "carol@acme.test", "organization": "Acme"}

    given = _steer(workos, "set-role", {**carol, "roles": ["admin", "member"]}).json()
    off = _steer(workos, "set-membership", {**carol, "active": False}).json()
    _steer(workos, "remove-membership", {**carol, "organization": "Globex"})
    _steer(workos, "remove-user", {"user": "bob@acme.test"})

    assert (given["role"], given["status"], off["status"]) == (
        {"slug": "admin"},
        "active",
        "inactive",
    )
    assert workos.places_of("carol@acme.test") == []
    assert "bob@acme.test" not in [user.email for user in workos.users]
    assert [each.event for each in workos.events] == [
        "organization_membership.updated",
        "organization_membership.updated",
        "organization_membership.deleted",
        "organization_membership.deleted",
        "user.deleted",
    ]


def test_somebody_who_is_not_there_cannot_be_steered(workos):
    answer = _steer(workos, "remove-user", {"user": "nobody@acme.test"})

    assert (answer.status_code, answer.json()["message"][:5]) == (404, "There")


def test_webhooks_can_be_steered(workos, receiver):
    added = _steer(workos, "webhook", {"url": receiver.url, "events": ["a.thing"]}).json()
    assert added == {"url": receiver.url, "secret": workos.webhooks[0].secret}
    own = {"url": f"{receiver.url}/own", "secret": "a-secret-of-the-test"}
    assert _steer(workos, "webhook", own).json() == own
    assert _steer(workos, "remove-webhook", {"url": own["url"]}).json() == {"removed": True}
    assert _steer(workos, "remove-webhook", {"url": own["url"]}).json() == {"removed": False}

    assert _steer(workos, "webhooks-next", {"times": 2, "age": 60}).json() == {"ordered": 1}
    sent = {"event": "a.thing", "data": {"id": "user_1"}, "context": {"actor": "Ann"}}
    event = _steer(workos, "emit", sent).json()

    workos.wait_for_deliveries()
    assert [each.event for each in receiver.received] == [event, event]
    assert event["data"] == {"id": "user_1"}
    assert event["context"] == {"client_id": workos.client_id, "actor": "Ann"}
    assert receiver.received[0].signature.startswith("t=1799999940000,")
    told = _steer(workos, "deliveries", {}).json()["deliveries"]
    assert [(each["id"], each["status"]) for each in told] == [(event["id"], 200)] * 2


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("webhook", {"url": "https://example.com/"}),
        ("webhook", {"url": "http://127.0.0.1/", "events": "a.thing"}),
        ("webhook", {"url": "http://127.0.0.1/", "secret": ""}),
        ("webhooks-next", {"times": 0}),
        ("webhooks-next", {"times": True}),
        ("webhooks-next", {"forged": 1}),
        ("webhooks-next", {"signature": "x"}),
        ("emit", {}),
        ("emit", {"event": "a.thing", "data": []}),
        ("set-role", {"user": "bob@acme.test", "organization": "Acme", "roles": []}),
        ("set-membership", {"user": "bob@acme.test", "organization": "Acme", "active": 0}),
        ("remove-membership", {"user": "bob@acme.test"}),
        ("clock", {"advance": "much"}),
        ("clock", {"advance": True}),
        ("clock", {"unknown": 1}),
        ("clock", []),
        ("faults", {"status": "nonsense"}),
        ("faults", {"headers": "x"}),
        ("faults", {"status": []}),
        ("faults", {"delay": -1}),
        ("faults", {"share": 2}),
        ("faults", {"share": 0.5, "statuses": 500}),
        ("clock", {"grace_seconds": "x"}),
        ("clock", {"max_length": None}),
    ],
)
def test_nonsense_is_refused_with_a_reason(workos, clock, path, body):
    answer = _steer(workos, path, body)

    assert answer.status_code == 422
    assert answer.json()["message"]
    assert clock() == 1_800_000_000


def test_steering_works_during_an_outage(workos):
    with workos.down():
        assert _steer(workos, "clock", {"advance": 1}).status_code == 200


def test_it_stops_and_takes_the_same_port_again(workos):
    url = workos.url
    workos.stop()
    host, port = url.removeprefix("http://").split(":")
    with pytest.raises(OSError, match="refused"):
        socket.create_connection((host, int(port)), timeout=1)

    workos.start()

    assert workos.url == url
    assert requests.get(url, timeout=10).status_code == 200


def test_stopping_twice_is_fine_and_starting_twice_is_not(workos):
    with pytest.raises(RuntimeError, match="runs already"):
        workos.start()
    workos.stop()
    workos.stop()


def test_a_taken_port_is_an_os_error_and_does_not_end_the_process(workos):
    with pytest.raises(OSError, match="in use"):
        LocalWorkOS(port=int(workos.url.rsplit(":", 1)[1])).start()


def test_it_listens_on_ipv6_loopback_too():
    with LocalWorkOS(host="::1") as workos:
        assert workos.url.startswith("http://[::1]:")
        assert requests.get(workos.url, timeout=10).status_code == 200


def test_before_the_first_start_there_is_no_address():
    with pytest.raises(RuntimeError, match="not been started"):
        _ = LocalWorkOS().url


def test_two_run_side_by_side(workos):
    with LocalWorkOS() as another:
        assert another.url != workos.url


def test_without_a_seed_nobody_is_there():
    with LocalWorkOS(seed=False) as workos:
        assert workos.users == []
        assert "Nobody is here yet" in requests.get(workos.url, timeout=10).text


def test_the_settings_satisfy_the_extension_and_register_the_redirect_uri(application, workos):
    workos.set_clocks(inactivity_timeout=1800, max_length=3600)
    uri = "http://localhost:5000/auth/callback"

    settings = load_settings(workos.settings(uri), environ={})

    assert settings.base_url == workos.url
    assert settings.session_max_length == 3600
    assert settings.session_inactivity_timeout == 1800
    assert settings.redirect_uri == (uri,)
    assert workos.approve(application.authorize_url(redirect_uri=uri), "bob@acme.test")


def test_each_set_of_settings_has_its_own_password_and_can_be_changed(workos):
    one, two = workos.settings(), workos.settings(WORKOS_UI_WARN=60, WORKOS_SESSION_MAX_LENGTH=None)

    assert one["WORKOS_COOKIE_PASSWORD"] != two["WORKOS_COOKIE_PASSWORD"]
    assert two["WORKOS_UI_WARN"] == 60
    assert "WORKOS_SESSION_MAX_LENGTH" not in two
    assert "WORKOS_REDIRECT_URI" not in one


def test_a_large_body_is_not_read(workos):
    answer = requests.post(
        f"{workos.url}/user_management/sessions/revoke",
        data=b"x" * 100_000,
        headers={"Authorization": f"Bearer {workos.api_key}"},
        timeout=10,
    )

    assert answer.status_code in (400, 413)


def test_its_answers_have_the_date_of_its_own_clock():
    """From it tokens and events have their moments: an application compares the two."""
    clock = MovableClock(1_800_000_000).freeze()
    with LocalWorkOS(clock=clock) as workos:
        dates = []
        for path in (f"/sso/jwks/{workos.client_id}", "/nowhere"):
            answer = requests.get(workos.url + path, timeout=5)
            dates.append(parsedate_to_datetime(answer.headers["Date"]).timestamp())
            clock.advance(3600)
    assert dates == [1_800_000_000, 1_800_003_600]
