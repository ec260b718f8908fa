"""What stands on a view: ``@public``, ``@passive``, or that Flask itself has made it."""

from __future__ import annotations

from typing import NamedTuple

from flask import Flask, Request

PUBLIC = "_workos_sessions_public"
PASSIVE = "_workos_sessions_passive"


class Marks(NamedTuple):
    """What is known about a view, for one method."""

    static: bool
    public: bool
    passive: bool


def marks_of(app: Flask, asked: Request) -> Marks:
    """The marks of a request's view."""
    endpoint = asked.endpoint or ""
    view = app.view_functions.get(endpoint)
    return Marks(
        _is_flasks_static(endpoint, view),
        _marked(view, PUBLIC, asked.method),
        _marked(view, PASSIVE, asked.method),
    )


def _is_flasks_static(endpoint: str, view: object) -> bool:
    """Whether Flask itself has made this view, for an app's or a blueprint's static files; any
    other view may be called ``static`` too (security G1)."""
    if endpoint.rpartition(".")[2] != "static":
        return False
    name = getattr(view, "__qualname__", "")
    return getattr(view, "__module__", "").startswith("flask.") and (
        name.endswith(".send_static_file") or name == "Flask.__init__.<locals>.<lambda>"
    )


def _marked(view: object, mark: str, method: str) -> bool:
    if getattr(view, mark, False):
        return True
    view_class = getattr(view, "view_class", None)
    if view_class is None:
        return False
    own = vars(view_class)
    handler = own.get(method.lower())
    if handler is None and method == "HEAD":
        handler = own.get("get")  # Flask answers HEAD with it
    return bool(own.get(mark, False) or getattr(handler, mark, False))
