"""Routes that steer a LocalWorkOS which runs as a process: clock, faults, keys, revocations.

Each wants ``Authorization: Bearer <control secret>`` (security S8) and JSON.
"""

from __future__ import annotations

from typing import Any

from flask import Blueprint, request
from flask.typing import ResponseReturnValue

from .authenticate import same
from .clock import MovableClock
from .environment import Environment
from .faults import Fault


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
        if not isinstance(clock, MovableClock):
            return {"message": "This LocalWorkOS runs on a clock that cannot be moved."}, 409
        sent = _sent("advance", "set")
        if "set" in sent:
            clock.set(_number(sent["set"]))
        clock.advance(_number(sent.get("advance", 0)))
        return {"now": clock()}

    @control.post("/faults")
    def plan_faults() -> ResponseReturnValue:
        sent = _sent("fail_next", "status", "body", "headers", "delay", "only")
        headers = sent.get("headers", {})
        if not isinstance(headers, dict):
            raise ValueError("headers must be an object.")
        fault = Fault(
            sent.get("status", 500),
            body=str(sent.get("body", "")).encode(),
            headers={str(name): str(value) for name, value in headers.items()},
            delay=_number(sent.get("delay", 0)),
        )
        only = sent.get("only")
        times = int(_number(sent.get("fail_next", 1)))
        environment.faults.add(fault, times, None if only is None else str(only))
        return {"planned": environment.faults.planned}

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


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError("A number is needed.")
    return float(value)
