"""What kind of request it is (Flask trap T17), and whether a page of ours sent it (G5)."""

import pytest
from werkzeug.test import EnvironBuilder
from werkzeug.wrappers import Request

from flask_workos_sessions.fetch_metadata import (
    is_background,
    is_prefetch,
    is_same_origin,
    kind_of,
)

OURS = frozenset({"https://app.acme.test"})


def request(method="GET", **headers):
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Request(EnvironBuilder(method=method, headers=named).get_environ())


@pytest.mark.parametrize(
    ("headers", "kind"),
    [
        ({"Sec_Fetch_Mode": "navigate", "Accept": "*/*"}, "navigation"),
        ({"Sec_Fetch_Dest": "document"}, "navigation"),
        ({"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}, "navigation"),
        ({}, "navigation"),
        ({"Accept": "*/*"}, "fetch"),
        ({"Accept": "application/json"}, "fetch"),
        ({"Sec_Fetch_Mode": "cors", "Accept": "text/html"}, "fetch"),
        ({"Sec_Fetch_Mode": "same-origin"}, "fetch"),
        ({"X_Requested_With": "XMLHttpRequest", "Accept": "text/html"}, "fetch"),
        ({"HX_Request": "true", "Sec_Fetch_Mode": "cors"}, "htmx"),
        ({"HX_Request": "true"}, "htmx"),
        ({"Accept": "text/event-stream", "Sec_Fetch_Mode": "cors"}, "eventsource"),
    ],
)
def test_the_kind_follows_fetch_metadata_then_htmx_then_accept(headers, kind):
    assert kind_of(request(**headers)) == kind


@pytest.mark.parametrize(
    "headers",
    [{"Sec_Purpose": "prefetch;prerender"}, {"Purpose": "prefetch"}, {"X_Moz": "prefetch"}],
)
def test_prefetches_are_recognised(headers):
    assert is_prefetch(request(**headers))
    assert is_background(request(**headers))
    assert not is_prefetch(request())


def test_a_poll_says_so_and_a_preflight_is_one():
    assert is_background(request(X_Session_Passive="1"))
    assert is_background(request("OPTIONS"))
    assert not is_background(request("POST"))


@pytest.mark.parametrize(
    ("headers", "allowed"),
    [
        ({"Sec_Fetch_Site": "same-origin"}, True),
        ({"Origin": "https://app.acme.test"}, True),
        ({"Sec_Fetch_Site": "same-site", "Origin": "https://evil.acme.test"}, False),
        ({"Sec_Fetch_Site": "cross-site", "Origin": "https://evil.test"}, False),
        ({"Sec_Fetch_Site": "none"}, False),
        ({"Origin": "null"}, False),
        ({"Origin": "http://app.acme.test"}, False),
        ({"Referer": "https://app.acme.test/page"}, False),
        ({}, False),
    ],
)
def test_security_g5_only_proof_of_our_origin_counts(headers, allowed):
    assert is_same_origin(request("POST", **headers), OURS) is allowed
