"""What templates can read: ``session_expires_in``, ``current_user`` and the rest."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from flask import Flask, has_request_context
from jinja2.runtime import Context
from markupsafe import Markup

from ..context import (
    current_session,
    current_user,
    get_current_session,
    request_state,
)
from ..urls import sign_in_url, sign_out_url, sign_up_url
from .markup import is_for_a_page, session_markup


class Lazy:
    """A variable whose value is worked out when a template asks for it, and only then: reading
    it makes the response private."""

    __slots__ = ("value",)

    def __init__(self, value: Callable[[], Any]) -> None:
        self.value = value


def _expires_in() -> int | None:
    return get_current_session().lifetime.expires_in


def _expiring() -> bool:
    return get_current_session().lifetime.expiring


_VARIABLES: Mapping[str, Any] = {
    "session_expires_in": Lazy(_expires_in),
    "session_expiring": Lazy(_expiring),
}


def session_ui() -> Markup:
    """``{{ workos_session_ui() }}``: the warning script, where an app wants to place it itself."""
    if not has_request_context():
        return Markup()
    state = request_state()
    state.private = True
    if state.shown or not state.opening.session or not is_for_a_page(state):
        return Markup()
    state.shown = True
    return session_markup(state)


def add_variables(app: Flask) -> None:
    """Make the variables known to an app's templates."""
    functions = {
        "current_session": current_session,
        "sign_in_url": sign_in_url,
        "sign_up_url": sign_up_url,
        "sign_out_url": sign_out_url,
        "workos_session_ui": session_ui,
    }
    environment = app.jinja_env
    environment.globals.update(functions)
    environment.globals.setdefault("current_user", current_user)
    environment.context_class = _with_lazy_variables(environment.context_class)
    app.context_processor(lambda: {**_VARIABLES, "current_user": current_user})


def _with_lazy_variables(base: type[Context]) -> type[Context]:
    class SessionContext(base):  # type: ignore[misc,valid-type]
        """Looks up lazy variables when they are asked for."""

        def __init__(self, *arguments: Any, **keywords: Any) -> None:
            super().__init__(*arguments, **keywords)
            # Jinja keeps an imported template's values for ever, unless the importing one has
            # globals that it lacks: then it is made anew, and sees this request's session.
            self.globals_keys |= _VARIABLES.keys() & self.parent.keys()

        def resolve_or_missing(self, key: str) -> Any:
            value = super().resolve_or_missing(key)
            return value.value() if type(value) is Lazy else value

    return SessionContext
