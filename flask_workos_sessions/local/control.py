"""Routes that steer a LocalWorkOS which runs as a process: clock, faults, keys, revocations.

Each wants ``Authorization: Bearer <control secret>`` (security S8) and JSON.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite
from typing import Any

from flask import Blueprint, request
from flask.typing import ResponseReturnValue

from .authenticate import same
from .clock import MovableClock
from .environment import CLOCKS, Environment
from .faults import Fault

#: How the wrong answers of an order look, and to which paths.
_ORDER = ("body", "headers", "delay", "only")


def control_blueprint(environment: Environment) -> Blueprint:
    """``POST /local/clock``, ``/local/faults``, ``/local/keys`` and ``/local/revoke``."""
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

    @control.post("/clock")
    def move_clock() -> ResponseReturnValue:
        clock = environment.clock
        sent = _sent("advance", "set", *CLOCKS)
        seconds = {name: _clock(name, sent[name]) for name in CLOCKS if name in sent}
        if isinstance(clock, MovableClock):
            if "set" in sent:
                clock.set(_number(sent["set"]))
            clock.advance(_number(sent.get("advance", 0)))
        elif "set" in sent or "advance" in sent:
            return {"message": "This LocalWorkOS runs on a clock that cannot be moved."}, 409
        with environment.lock:
            environment.set_clocks(seconds)
        return {"now": clock()}

    @control.post("/faults")
    def plan_faults() -> ResponseReturnValue:
        sent = _sent(*_ORDER, "fail_next", "status", "share", "statuses", "seed", "clear")
        faults, only = environment.faults, sent.get("only")
        over = None if only is None else str(only)
        if sent.get("clear") is True:
            faults.clear()
        elif "share" in sent:
            statuses = sent.get("statuses", [500])
            if not isinstance(statuses, list):
                raise ValueError("statuses must be an array.")
            scattered = [_fault(sent, status) for status in statuses]
            faults.scatter(
                _number(sent["share"]), scattered, int(_number(sent.get("seed", 1))), over
            )
        else:
            fault = _fault(sent, sent.get("status", 500))
            faults.add(fault, int(_number(sent.get("fail_next", 1))), over)
        return {"planned": faults.planned}

    @control.post("/keys")
    def rotate_keys() -> ResponseReturnValue:
        sent = _sent("withdraw")
        with environment.lock:
            return {"kid": environment.keys.rotate(withdraw=sent.get("withdraw") is True)}

    @control.post("/revoke")
    def revoke() -> ResponseReturnValue:
        sent = _sent("session_id")
        with environment.lock:
            return {"revoked": environment.sessions.revoke(str(sent.get("session_id", "")))}

    return control


def _sent(*known: str) -> dict[str, Any]:
    sent = request.get_json(silent=True)
    if not isinstance(sent, dict) or not set(sent) <= set(known):
        raise ValueError(f"Send a JSON object with any of: {', '.join(known)}.")
    return sent


def _fault(sent: Mapping[str, Any], status: object) -> Fault:
    headers = sent.get("headers", {})
    if not isinstance(headers, dict):
        raise ValueError("headers must be an object.")
    return Fault(
        status if isinstance(status, int) else str(status),
        body=str(sent.get("body", "")).encode(),
        headers={str(name): str(value) for name, value in headers.items()},
        delay=_number(sent.get("delay", 0)),
    )


def _clock(name: str, value: object) -> int | None:
    if value is None and name == "inactivity_timeout":
        return None
    return int(_number(value))


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value):
        raise ValueError("A number is needed.")
    return float(value)
