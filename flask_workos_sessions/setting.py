"""One setting: a field of a class of settings, with its default, its meaning and its check."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import field
from typing import Any


def setting(check: Callable[[object], Any], default: Any, doc: str, *, secret: bool = False) -> Any:
    """A dataclass field.

    :param check: from what was given to what is kept; raises
        :class:`~flask_workos_sessions.validators.InvalidValue`.
    :param doc: what the documentation says of it.
    :param secret: whether its value is never shown.
    """
    return field(default=default, metadata={"check": check, "doc": doc, "secret": secret})
