"""The endpoints that an application's server calls."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, jsonify, request
from flask.typing import ResponseReturnValue

from .answers import ApiError, api_error, unauthorized
from .authenticate import authenticate, same
from .environment import Environment
from .event_list import list_events


def api_blueprint(environment: Environment) -> Blueprint:
    """Exchange, key set, session list, revocation, events."""
    api = Blueprint("api", __name__)

    @api.errorhandler(ApiError)
    def refuse(error: ApiError) -> ResponseReturnValue:
        return jsonify(error.body), error.status

    @api.post("/user_management/authenticate")
    def exchange() -> ResponseReturnValue:
        if request.authorization is not None:
            _check_key()
        with environment.lock:
            return _uncached(jsonify(authenticate(environment, _json_object())))

    @api.get("/sso/jwks/<client_id>")
    def key_set(client_id: str) -> ResponseReturnValue:
        if client_id != environment.client_id:
            raise ApiError(404, {"message": "Not Found"})
        with environment.lock:
            return jsonify(environment.keys.as_jwks())

    @api.get("/user_management/users/<user_id>/sessions")
    def list_sessions(user_id: str) -> ResponseReturnValue:
        _check_key()
        with environment.lock:
            if user_id not in environment.directory.users:
                raise ApiError(404, {"message": f"User not found: '{user_id}'."})
            active = [each.as_json() for each in environment.sessions.active_of(user_id)]
        return jsonify(_page(active))

    @api.post("/user_management/sessions/revoke")
    def revoke() -> ResponseReturnValue:
        _check_key()
        session_id = _json_object().get("session_id")
        if not isinstance(session_id, str) or not session_id:
            raise api_error("invalid_request_parameters", "session_id is required.", 422)
        with environment.lock:
            known = environment.sessions.find(session_id) is not None
            if not environment.sessions.revoke(session_id):
                if known:
                    raise ApiError(400, {"message": "The session has already ended."})
                raise ApiError(404, {"message": f"Session not found: '{session_id}'."})
        # No body: the API description has no schema for this answer.
        return "", 200

    @api.get("/events")
    def events() -> ResponseReturnValue:
        _check_key()
        with environment.lock:
            return jsonify(list_events(environment.events.kept(), request.args))

    def _check_key() -> None:
        given = request.authorization
        token = given.token if given is not None and given.type == "bearer" else None
        if token is None or not same(token, environment.api_key):
            raise unauthorized()

    return api


def _uncached(response: Response) -> Response:
    response.headers["Cache-Control"] = "no-store"
    return response


def _json_object() -> dict[str, Any]:
    sent = request.get_json(silent=True)
    if not isinstance(sent, dict):
        raise api_error("invalid_request_body", "Problems parsing JSON", 400)
    return sent


def _page(items: list[dict[str, Any]]) -> dict[str, Any]:
    """One page of a list, newest first unless ``order=asc`` (workos.md §4)."""
    try:
        limit = int(request.args.get("limit", 10))
    except ValueError:
        limit = 0
    order = request.args.get("order", "desc")
    if not 1 <= limit <= 100 or order not in ("asc", "desc", "normal"):
        raise api_error("invalid_request_parameters", "Validation failed.", 422)
    if order == "asc":
        items = items[::-1]
    ids = [item["id"] for item in items]
    start, end = 0, len(items)
    after, before = request.args.get("after"), request.args.get("before")
    if after in ids:
        start = ids.index(after) + 1
    if before in ids:
        end = ids.index(before)
        start = max(start, end - limit)
    shown = items[start : min(end, start + limit)]
    more_after = bool(shown) and ids.index(shown[-1]["id"]) + 1 < len(ids)
    more_before = bool(shown) and ids.index(shown[0]["id"]) > 0
    return {
        "object": "list",
        "data": shown,
        "list_metadata": {
            "before": shown[0]["id"] if more_before else None,
            "after": shown[-1]["id"] if more_after else None,
        },
    }
