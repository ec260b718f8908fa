"""From a cookie value to a session: opened, inspected, verified."""

from __future__ import annotations

import logging
from collections.abc import Callable

from . import fingerprints
from .coordination.endings import Endings
from .coordination.watch import subjects
from .lifetime import Ends
from .memo import Known, Memo, memo_key
from .refresh.due import refresh_due
from .sealing.keys import KeyRing
from .session import Session
from .session_record import Impersonator, SessionRecord
from .settings import Settings
from .stores.cookie import CookieStore, EndMark
from .tokens.access_token import AccessToken, AccessTokenVerifier
from .tokens.jwks import WAIT
from .tokens.refusals import ClockSkewed, InvalidToken, KeysUnavailable, KeyUnknown

log = logging.getLogger("flask_workos_sessions")

_REFUSED = (
    "A sealed session was refused: its access token has %s. If there are many, check "
    "WORKOS_CLIENT_ID, WORKOS_ISSUER and WORKOS_BASE_URL."
)


class Unconfirmed(Exception):
    """The session cannot be verified just now: the key set cannot be fetched."""


class Reader:
    """Opens cookie values. What one process has verified it does not verify again."""

    def __init__(
        self,
        *,
        store: CookieStore,
        verifier: AccessTokenVerifier,
        endings: Endings,
        keys: KeyRing,
        settings: Settings,
        clock: Callable[[], float],
    ) -> None:
        self.memo = Memo()
        self._store = store
        self._verifier = verifier
        self._endings = endings
        self._keys = keys
        self._settings = settings
        self._clock = clock

    def holds(self, known: Known) -> bool:
        """Whether the key that signed the token is in the key set that we hold. No I/O."""
        return self._verifier.keys.holds(known.token.kid)

    def read(self, value: str, *, fetch: bool = True, wait: float = WAIT) -> Known | EndMark | None:
        """The session or the end mark under a cookie value, ``None`` when it is neither.

        A token that has run out is inspected and not verified: our own seal says where it came
        from, and it is good for nothing but a refresh.

        :param fetch: whether the key set may be fetched.
        :param wait: seconds to wait for that at most.
        :raises Unconfirmed: when no key set can be had to verify a token that has not run out, or
            when our clock is too far behind to tell.
        """
        key = memo_key(value)
        known = self.memo.look(key)
        if known is not None or self.memo.refused(key):
            return known
        opened, claims = self._store.open_with_claims(value)
        if not isinstance(opened, SessionRecord):
            return opened
        try:
            known = self._verify(opened, claims, fetch, wait)
        except ClockSkewed as skewed:
            log.error(
                "An access token comes from the future: compare the clock of this machine with "
                "the real time. Its session is kept; its requests get 503 until then."
            )
            raise Unconfirmed from skewed
        except KeyUnknown as refused:
            # Not remembered: the key may be published in a minute.
            log.warning(_REFUSED, refused.reason)
            return None
        except InvalidToken as invalid:
            log.warning(_REFUSED, invalid.reason)
            self.memo.keep(key, None)
            return None
        except KeysUnavailable as unavailable:
            raise Unconfirmed from unavailable
        self.memo.keep(key, known)
        return known

    def confirm(self, known: Known, *, fetch: bool = True) -> bool:
        """Whether the key that signed the token is still published (security C4, C5).

        :raises Unconfirmed: when that cannot be found out.
        """
        if self.holds(known):
            return True
        if not fetch:
            raise Unconfirmed
        try:
            self._verifier.keys.find(known.token.kid, known.token.issued_at)
        except KeyUnknown:
            return False
        except KeysUnavailable as unavailable:
            raise Unconfirmed from unavailable
        return True

    def peek(self, value: str) -> Known | None:
        """The session under a cookie value that we sealed, with nothing verified and no I/O; also
        when the clock is wrong."""
        opened = self._store.open(value)
        if not isinstance(opened, SessionRecord):
            return None
        try:
            token = self._verifier.inspect(opened.access_token, any_time=True)
        except InvalidToken:
            return None
        return self.build(opened, token, False)

    def trusted(self, record: SessionRecord) -> Known:
        """The session of a record that this process has exchanged. Nothing is verified."""
        token = self._verifier.inspect(record.access_token, any_time=True)
        return self.build(record, token, False)

    def subject(self, known: Known) -> str:
        """A hash of the person, to recognise them by without saying who they are."""
        return fingerprints.of_name(self._keys, "subject", known.token.subject)

    def build(self, record: SessionRecord, token: AccessToken, verified: bool) -> Known:
        """Put together what is known about a session whose token is accepted."""
        settings = self._settings
        impersonator = _impersonator(record, token)
        ends = Ends.of(
            signed_in_at=record.signed_in_at,
            refreshed_at=token.issued_at,
            inactivity_timeout=settings.session_inactivity_timeout,
            max_length=settings.session_max_length,
            expires_at=record.expires_at,
            impersonated=impersonator is not None,
        )
        refresh_at = refresh_due(
            issued_at=token.issued_at,
            expires_at=token.expires_at,
            buffer=settings.refresh_buffer,
            inactivity_timeout=settings.session_inactivity_timeout,
        )
        nearest = ends.nearest
        return Known(
            record=record,
            token=token,
            session=Session(
                token,
                record,
                ends=ends,
                impersonator=impersonator,
                revision=self._revision,
                warn=settings.warn,
                clock=self._clock,
            ),
            verified=verified,
            refresh_at=refresh_at,
            quiet_until=min(
                refresh_at,
                token.expires_at,
                record.not_after,
                nearest[0] if nearest else refresh_at,
            )
            if verified
            else 0.0,
            watch=self._endings.watch(
                token.session_id,
                subjects(token.subject, token.organization_id, {token.role or "", *token.roles}),
                signed_in_at=record.signed_in_at,
                issued_at=token.issued_at,
                asked_after=record.asked_after,
                newer_than=record.newer_than,
            ),
        )

    def _verify(
        self, record: SessionRecord, claims: bytes | None, fetch: bool, wait: float
    ) -> Known:
        token = self._verifier.inspect(record.access_token, claims)
        if record.user.get("id") != token.subject:
            raise InvalidToken("another user than the one that was sealed with it")
        verified = self._clock() < token.expires_at
        if verified and not fetch and not self._verifier.keys.holds(token.kid):
            raise Unconfirmed
        if verified:
            self._verifier.check_signature(token, wait=wait)
        return self.build(record, token, verified)

    def _revision(self, token: AccessToken) -> str:
        """A hash that differs when what the person may do differs, and between two sessions."""
        one = (token.session_id, token.organization_id or "", token.role or "")
        rights = (token.roles, token.permissions, token.entitlements, token.feature_flags)
        return fingerprints.of_rights(self._keys, "revision", one, rights)


def _impersonator(record: SessionRecord, token: AccessToken) -> Impersonator | None:
    """Who acts as the person: the token's ``act`` decides (security G4), the seal adds why."""
    if token.actor is None:
        return record.impersonator
    sealed = record.impersonator
    return Impersonator(token.actor, sealed.reason if sealed else None)
