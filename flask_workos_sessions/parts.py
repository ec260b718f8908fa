"""The parts of which one app's sessions are made."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flask import current_app

from .active_sessions import ActiveSessions
from .adoption import Adoption
from .coordination.breaker import Breaker
from .coordination.budget import Budget
from .coordination.counters import Counters
from .coordination.cutoffs import CutOffs
from .coordination.endings import Endings
from .coordination.revocations import Revoker
from .coordination.shared_state import SharedState
from .coordination.streams import Streams
from .opening import Opener
from .reactions import Reactions
from .reading import Reader
from .refresh.backoff import Backoff
from .refresh.refresher import Refresher
from .sealing.keys import KeyRing
from .sealing.seal import Sealer
from .session import Session
from .settings import Settings
from .stores.cookie import CookieStore
from .throttle import Throttle
from .tokens.access_token import AccessTokenVerifier
from .workos.client import WorkOSClient

#: Under these names an app's ``extensions`` hold the extension object and its parts.
EXTENSION = "workos_sessions"
PARTS = "workos_sessions.parts"


@dataclass(slots=True)
class Customization:
    """What the application adds with decorators, also after ``init_app``."""

    user_loader: Callable[[Session], Any] | None = None


@dataclass(slots=True, kw_only=True)
class Parts:
    """Everything that serves one app. Made once, in ``init_app``; opens no connection."""

    settings: Settings
    clock: Callable[[], float]
    keys: KeyRing
    options_sealer: Sealer
    attempt_sealer: Sealer
    pending_sealer: Sealer
    store: CookieStore
    state: SharedState
    client: WorkOSClient
    code_budget: Budget
    verifier: AccessTokenVerifier
    endings: Endings
    cut_offs: CutOffs
    streams: Streams | None
    reactions: Reactions
    refused_webhooks: Throttle
    revoker: Revoker
    counters: Counters
    backoff: Backoff
    breaker: Breaker
    refresher: Refresher
    reader: Reader
    adoption: Adoption
    opener: Opener
    customization: Customization

    @property
    def active_sessions(self) -> ActiveSessions:
        """What lists and ends people's sessions. Seldom used, so it is made when it is."""
        shared = (self.client, self.endings, self.cut_offs, self.revoker)
        return ActiveSessions(*shared, clock=self.clock, longest=self.settings.longest)


def current_parts() -> Parts:
    """The parts of the current app.

    :raises RuntimeError: when :class:`WorkOSSessions` was not set up on this app.
    """
    try:
        parts: Parts = current_app.extensions[PARTS]
    except KeyError:
        raise RuntimeError(
            "Flask-WorkOS-Sessions is not set up on this app: call WorkOSSessions(app), or "
            "init_app(app) in your application factory."
        ) from None
    return parts
