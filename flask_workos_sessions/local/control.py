"""Routes that steer a LocalWorkOS which runs as a process: clock, faults, keys, revocations; and,
from modules of their own, people and webhooks.

Each wants ``Authorization: Bearer <control secret>`` (security S8) and JSON.
"""

from __future__ import annotations

from typing import Any

from flask import Blueprint, request
from flask.typing import ResponseReturnValue

from .authenticate import same
from .clock import MovableClock
from .control_body import json_object, number, sent
from .control_people import add_people_controls
from .control_webhooks import add_webhook_controls
from .directory import UnknownName
from .environment import CLOCKS, Environment
from .faults import Fault

#: How the wrong answers of an order look, and to which paths.
_ORDER = ("body", "headers", "delay", "only")


def control_blueprint(environment: Environment) -> Blueprint:
    """``POST /local/…``."""
    control = Blueprint("control", __name__, url_prefix="/local")

    @control.before_request
    def check_secret() -> ResponseReturnValue | None:
        given = request.authorization
        token = given.token if given is not None and given.type == "bearer" else None
        if token is None or not same(token, environment.control_secret):
            return {"message": "The control secret is needed."}, 401
        return None

    @control.errorhandler(ValueError)
    def refuse(error: ValueError) -> ResponseReturnValue:
        return {"message": str(error)}, 422

    @control.errorhandler(UnknownName)
    def not_there(error: UnknownName) -> ResponseReturnValue:
        return {"message": str(error)}, 404

    @control.post("/clock")
    def move_clock() -> ResponseReturnValue:
        clock = environment.clock
        given = sent("advance", "set", *CLOCKS)
        seconds = {name: _clock(name, given[name]) for name in CLOCKS if name in given}
        if isinstance(clock, MovableClock):
            if "set" in given:
                clock.set(number(given["set"]))
            clock.advance(number(given.get("advance", 0)))
        elif "set" in given or "advance" in given:
            return {"message": "This LocalWorkOS runs on a clock that cannot be moved."}, 409
        with environment.lock:
            environment.set_clocks(seconds)
        return {"now": clock()}

    @control.post("/faults")
    def plan_faults() -> ResponseReturnValue:
        given = sent(*_ORDER, "fail_next", "status", "share", "statuses", "seed", "clear")
        faults, only = environment.faults, given.get("only")
        over = None if only is None else str(only)
        if given.get("clear") is True:
            faults.clear()
        elif "share" in given:
            statuses = given.get("statuses", [500])
            if not isinstance(statuses, list):
                raise ValueError("statuses must be an array.")
            scattered = [_fault(given, status) for status in statuses]
            faults.scatter(
                number(given["share"]), scattered, int(number(given.get("seed", 1))), over
            )
        else:
            fault = _fault(given, given.get("status", 500))
            faults.add(fault, int(number(given.get("fail_next", 1))), over)
        return {"planned": faults.planned}

    @control.post("/keys")
    def rotate_keys() -> ResponseReturnValue:
        given = sent("withdraw")
        with environment.lock:
            return {"kid": environment.keys.rotate(withdraw=given.get("withdraw") is True)}

    @control.post("/revoke")
    def revoke() -> ResponseReturnValue:
        given = sent("session_id")
        with environment.lock:
            return {"revoked": environment.sessions.revoke(str(given.get("session_id", "")))}

    add_people_controls(control, environment)
    add_webhook_controls(control, environment)
    return control


def _fault(given: dict[str, Any], status: object) -> Fault:
    headers = json_object(given, "headers")
    return Fault(
        status if isinstance(status, int) else str(status),
        body=str(given.get("body", "")).encode(),
        headers={str(name): str(value) for name, value in headers.items()},
        delay=number(given.get("delay", 0)),
    )


def _clock(name: str, value: object) -> int | None:
    if value is None and name == "inactivity_timeout":
        return None
    return int(number(value))
