"""``POST /local/…``: what a test of another process changes in people and memberships."""

from __future__ import annotations

from flask import Blueprint
from flask.typing import ResponseReturnValue

from .control_body import sent, text, texts
from .environment import Environment


def add_people_controls(control: Blueprint, environment: Environment) -> None:
    """``/remove-user``, ``/set-role``, ``/set-membership`` and ``/remove-membership``."""
    directory = environment.directory

    @control.post("/remove-user")
    def remove_user() -> ResponseReturnValue:
        user = text(sent("user"), "user")
        with environment.lock:
            environment.remove_user(user)
        return {"removed": True}

    @control.post("/set-role")
    def set_role() -> ResponseReturnValue:
        given = sent("user", "organization", "roles")
        user, organization = text(given, "user"), text(given, "organization")
        with environment.lock:
            return directory.set_roles(user, organization, texts(given, "roles")).as_json()

    @control.post("/set-membership")
    def set_membership() -> ResponseReturnValue:
        given = sent("user", "organization", "active")
        user, organization = text(given, "user"), text(given, "organization")
        active = given.get("active")
        if not isinstance(active, bool):
            raise ValueError("active is true or false.")
        with environment.lock:
            return directory.set_membership_active(user, organization, active).as_json()

    @control.post("/remove-membership")
    def remove_membership() -> ResponseReturnValue:
        given = sent("user", "organization")
        with environment.lock:
            directory.remove_membership(text(given, "user"), text(given, "organization"))
        return {"removed": True}
