"""Whom a feature flag was switched on or off for, as far as the event tells."""

import pytest

from flask_workos_sessions.workos.events import read_event
from flask_workos_sessions.workos.flag_targets import MAX_TARGETS, targets_of


def targets(*names):
    people = [{"id": each, "email": "x@y.test"} for each in names if each.startswith("user")]
    others = [{"id": each, "name": "X"} for each in names if not each.startswith("user")]
    return {"users": people, "organizations": others}


def concerned(now, before, kind="flag.rule_updated", access="some", access_before="some"):
    context = {"access_type": access, "configured_targets": now}
    previous = {"access_type": access_before, "configured_targets": before}
    context["previous_attributes"] = {
        "context": {name: value for name, value in previous.items() if value is not None}
    }
    return targets_of(read_event({"id": "event_1", "event": kind, "data": {}, "context": context}))


def test_those_for_whom_it_changed():
    now, before = targets("user_a", "user_b", "org_a"), targets("user_b", "user_c", "org_b")
    assert concerned(now, before) == {
        ("person", "user_a"),
        ("person", "user_c"),
        ("organization", "org_a"),
        ("organization", "org_b"),
    }


def test_all_targets_when_it_was_for_nobody_before():
    now = targets("user_a", "org_a")
    everybody_named = {("person", "user_a"), ("organization", "org_a")}
    assert concerned(now, None, access_before="none") == everybody_named
    assert concerned(now, now, access="none") == everybody_named


@pytest.mark.parametrize(
    "more",
    [
        {"access": "all"},
        {"access_before": "all"},
        {"access": None},
        {"kind": "flag.updated"},
        {"now": {}},
        {"now": {"users": [{}], "organizations": []}},
        {"now": {"users": ["user_a"], "organizations": []}},
        {"now": None},
        {"before": []},
        {"now": targets(*(f"user_{number}" for number in range(MAX_TARGETS + 1)))},
    ],
)
def test_everybody_when_it_is_not_told_for_whom(more):
    assert concerned(**{"now": targets("user_a"), "before": targets(), **more}) is None


def test_everybody_when_nothing_of_it_seems_to_have_changed():
    assert concerned(targets("user_a"), targets("user_a"), access_before=None) is None


@pytest.mark.parametrize("context", [{}, {"previous_attributes": []}, {"previous_attributes": {}}])
def test_a_bare_event_tells_nothing(context):
    event = {"id": "event_1", "event": "flag.rule_updated", "data": {}, "context": context}
    assert targets_of(read_event(event)) is None
