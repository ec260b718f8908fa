"""Puts the parts of an app together, from its settings."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from contextlib import suppress

from .adoption import Adoption
from .coordination.background import Background
from .coordination.breaker import Breaker
from .coordination.budget import Budget
from .coordination.counters import Counters
from .coordination.cutoffs import COMBINE, CutOffs
from .coordination.endings import Endings
from .coordination.layered import LayeredState
from .coordination.lease import Leases
from .coordination.memory import CAPACITY, ENDS_CAPACITY, MemoryState
from .coordination.once import Once
from .coordination.redis_channel import bell_of
from .coordination.revocations import Revoker
from .coordination.sealed_store import SealedStore, Store
from .coordination.shared_state import Combine, SharedState
from .coordination.streams import Streams
from .opening import Opener
from .parts import Customization, Parts
from .reactions import Reactions
from .reading import Reader
from .refresh.attempts import Attempts
from .refresh.backoff import Backoff
from .refresh.exchange import Exchange
from .refresh.pace import Pace
from .refresh.refresher import Refresher
from .refresh.rotation import Rotations
from .sealing.keys import KeyRing
from .sealing.seal import MAX_LENGTH, Sealer
from .settings import Settings
from .stores.cookie import CookieStore
from .stores.server import LONGEST, ServerStore
from .stores.session_store import CachedSessions, SessionStore
from .throttle import Throttle
from .tokens.access_token import AccessTokenVerifier
from .tokens.jwks import KeySetCache
from .tokens.refusals import InvalidToken
from .web_server import streams_of
from .workos.client import WorkOSClient


def assemble(
    settings: Settings,
    clock: Callable[[], float],
    customization: Customization,
    shared: Store | None = None,
    *,
    sessions: SessionStore | None = None,
    testing: bool = False,
) -> Parts:
    """Make the parts for these settings.

    :param shared: where processes share state; ``None`` for the memory of this one.
    :param sessions: where sessions lie; ``None`` for the cookie, or for ``shared`` as is set.
    :param testing: whether it is for tests: then a store that fails is only warned of.
    """
    keys = KeyRing((settings.cookie_password, *settings.cookie_password_fallbacks))

    def sealer(purpose: str, longest: int = MAX_LENGTH) -> Sealer:
        return Sealer(keys, purpose=purpose, client_id=settings.client_id, longest=longest)

    breaker = Breaker(fatal=not testing)

    def remember(capacity: int, combine: Combine | None = None) -> SharedState:
        memory = MemoryState(clock=clock, capacity=capacity, combine=combine)
        if shared is None:
            return memory
        # The longest value is a cookie value, which is sealed and encoded twice more.
        seal = sealer("shared state", 4 * LONGEST)
        store = SealedStore(shared, seal, breaker, namespace=_namespace(settings))
        return LayeredState(store, memory, clock=clock, combine=combine)

    state = remember(CAPACITY)
    # Apart from the rest: many refreshes must not push out who has signed out.
    ends = remember(ENDS_CAPACITY, COMBINE)
    counters = Counters()
    background = Background()
    client = WorkOSClient(
        base_url=settings.base_url,
        client_id=settings.client_id,
        api_key=settings.api_key,
        clock=clock,
    )
    verifier = AccessTokenVerifier(
        KeySetCache(client.fetch_keys, clock=clock, state=state, beside=background.submit),
        client_id=settings.client_id,
        issuers=settings.issuer,
        clock=clock,
    )
    if sessions is None and settings.session_store == "cache":
        rows = shared or MemoryState(clock=clock, capacity=ENDS_CAPACITY)
        sessions = CachedSessions(rows, namespace=_namespace(settings), clock=clock)
    store = CookieStore(settings, sealer("session"))
    if sessions is not None:
        store = ServerStore(
            settings,
            sealer("session", LONGEST),
            sessions,
            sealer("session row", 2 * LONGEST),
            clock=clock,
            fatal=not testing,
        )
    bell = None if settings.ui_push == "off" else bell_of(state, shared, _namespace(settings))
    endings = Endings(
        ends,
        keys.digests,
        clock=clock,
        required=settings.revocation_required,
        recorded=None if bell is None else bell.ring,
    )
    cut_offs = CutOffs(
        ends,
        keys.digests,
        clock=clock,
        remembered=settings.longest,
        heard=endings.hear,
    )
    reactions = Reactions(
        endings,
        cut_offs,
        # Apart again: many events must not push out what refresh tokens became.
        Once(remember(CAPACITY), keys.digests, "event"),
        clock=clock,
        session_seconds=settings.longest,
        end_on_password_reset=settings.end_sessions_on_password_reset,
    )
    # Workers of their own: many revocations that hang must not keep a refresh waiting.
    revoker = Revoker(client.revoke_session, Background(workers=2), clock=clock)
    rotations = Rotations(state, keys.digests, sealer("rotation", 2 * LONGEST), clock=clock)
    attempts, backoff = Attempts(state, clock=clock), Backoff(state, clock=clock)
    exchange = Exchange(
        client,
        store,
        rotations,
        attempts,
        backoff,
        counters,
        name=lambda token: _log_name(verifier, keys, token),
        expires_at=lambda token: _expires_at(verifier, token),
        arrived=lambda token: _prepare(verifier, token),
        inactivity_timeout=settings.session_inactivity_timeout,
        clock=clock,
    )
    refresher = Refresher(
        exchange, rotations, attempts, backoff, Leases(state), background, counters, clock=clock
    )
    reader = Reader(
        store=store,
        verifier=verifier,
        endings=endings,
        keys=keys,
        settings=settings,
        clock=clock,
    )
    adoption = Adoption(
        reader=reader,
        endings=endings,
        refresher=refresher,
        revoker=revoker,
        discard=store.discard,
        clock=clock,
    )
    return Parts(
        settings=settings,
        clock=clock,
        keys=keys,
        options_sealer=sealer("sign-in options"),
        attempt_sealer=sealer("sign-in attempt"),
        pending_sealer=sealer("pending session"),
        store=store,
        state=state,
        client=client,
        code_budget=Budget(clock=clock),
        verifier=verifier,
        endings=endings,
        cut_offs=cut_offs,
        reactions=reactions,
        refused_webhooks=Throttle(),
        streams=None if bell is None else Streams(state, endings, bell, streams_of(settings)),
        revoker=revoker,
        counters=counters,
        backoff=backoff,
        breaker=breaker,
        refresher=refresher,
        reader=reader,
        adoption=adoption,
        opener=Opener(
            reader=reader,
            store=store,
            endings=endings,
            refresher=refresher,
            adoption=adoption,
            pace=Pace(state, clock=clock),
            clock=clock,
        ),
        customization=customization,
    )


def _log_name(verifier: AccessTokenVerifier, keys: KeyRing, access_token: str) -> str:
    """A session in log lines: a hash, so that lines belong together and tell nothing more."""
    try:
        return keys.digest("log", verifier.inspect(access_token).session_id)[:12]
    except InvalidToken:
        return "unknown"


def _expires_at(verifier: AccessTokenVerifier, access_token: str) -> float | None:
    try:
        return verifier.inspect(access_token).expires_at
    except InvalidToken:
        return None


def _prepare(verifier: AccessTokenVerifier, access_token: str) -> None:
    """Have the token's key at hand before a request needs it."""
    with suppress(InvalidToken):  # told by whoever verifies it
        verifier.keys.prepare(verifier.inspect(access_token).kid)


def _namespace(settings: Settings) -> str:
    return f"workos-sessions:{hashlib.sha256(settings.client_id.encode()).hexdigest()[:16]}"
