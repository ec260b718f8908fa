"""LocalWorkOS: WorkOS's AuthKit as an HTTP server on loopback, for development and tests.

Nothing in the extension falls back to it: an application talks to it only when
``WORKOS_BASE_URL`` says so.
"""

from __future__ import annotations

from .answers import ApiError
from .clock import MovableClock
from .directory import LocalMembership, LocalOrganization, LocalRole, LocalUser, UnknownName
from .journal import RecordedExchange, RecordedRequest
from .local_workos import LocalWorkOS
from .sessions import LocalSession

__all__ = [
    "ApiError",
    "LocalMembership",
    "LocalOrganization",
    "LocalRole",
    "LocalSession",
    "LocalUser",
    "LocalWorkOS",
    "MovableClock",
    "RecordedExchange",
    "RecordedRequest",
    "UnknownName",
]
