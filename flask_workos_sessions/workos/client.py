"""WorkOS's API, as far as sessions need it."""

from __future__ import annotations

import ipaddress
import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Any
from urllib.parse import quote, urlencode

from ..errors import UserNotFound
from .active_session import ActiveSession
from .event_page import PAGE_SIZE, EventPage, EventsUnavailable
from .moment import write_moment
from .outcomes import Outcome, Transient, classify
from .time import WorkOSTime
from .transport import CONNECT_TIMEOUT, Answer, Transport, Unreachable

#: Seconds for the whole exchange of a code, and of a refresh token: less than its lease lasts.
CODE_TIMEOUT = 8.0
REFRESH_TIMEOUT = 7.5
#: Seconds to fetch the key set.
KEYS_TIMEOUT = 3.0
#: Seconds for all pages of a person's sessions together, and for a page of events.
LIST_TIMEOUT, EVENTS_TIMEOUT = 5.0, 8.0
#: Pages of a hundred sessions each: to list them all, and to find one that has just begun.
MAX_PAGES, FEW_PAGES = 50, 3

_MAX_USER_AGENT = 512
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")


class WorkOSClient:
    """Calls to WorkOS for one application. Trouble on the network raises nothing (but see
    :meth:`fetch_keys`, :meth:`sessions_of` and :meth:`list_events`); nothing is tried twice.
    """

    def __init__(
        self,
        *,
        base_url: str,
        client_id: str,
        api_key: str,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._base_url = base_url.rstrip("/")
        self._client_id = client_id
        self._api_key = api_key
        self._clock = clock
        self._time = WorkOSTime(clock)
        self._transport = Transport(base_url, self._time)

    def __repr__(self) -> str:
        return f"WorkOSClient({self._base_url!r})"

    def exchange_code(
        self,
        code: str,
        *,
        code_verifier: str,
        ip_address: str | None = None,
        user_agent: str | None = None,
        invitation_token: str | None = None,
    ) -> Outcome:
        """Exchange the code of a callback for a session."""
        grant = {"code": code, "code_verifier": code_verifier, "invitation_token": invitation_token}
        return self._authenticate(
            "authorization_code", grant, ip_address, user_agent, timeout=CODE_TIMEOUT
        )

    def exchange_refresh_token(
        self,
        refresh_token: str,
        *,
        organization_id: str | None = None,
        ip_address: str | None = None,
        user_agent: str | None = None,
    ) -> Outcome:
        """Exchange a refresh token for its successor; without an organization: as WorkOS likes."""
        grant = {"refresh_token": refresh_token, "organization_id": organization_id}
        return self._authenticate(
            "refresh_token", grant, ip_address, user_agent, timeout=REFRESH_TIMEOUT
        )

    def revoke_session(self, session_id: str, *, timeout: float = 2.0) -> bool:
        """End a session at WorkOS; true when it is gone there, whoever ended it.

        ``timeout`` is in seconds. False means: not known, try again later.
        """
        try:
            answer = self._transport.call(
                "POST",
                "/user_management/sessions/revoke",
                timeout=timeout,
                api_key=self._api_key,
                body={"session_id": _text(session_id)},
            )
        except Unreachable:
            return False
        if answer.status in (400, 404):
            # Unknown or already revoked, if it is WorkOS who says so and not a proxy.
            return isinstance(_member(answer, "message"), str)
        return 200 <= answer.status < 300

    def session_expires_at(
        self, user_id: str, session_id: str, *, timeout: float = 1.0
    ) -> int | None:
        """When the session ends at the latest (epoch seconds); ``None`` if that is not known.

        ``timeout`` (seconds) is for all pages of the list together.
        """
        try:
            for session in self.sessions_of(user_id, timeout=timeout, pages=FEW_PAGES):
                if session.id == session_id:
                    return session.expires_at
        except (Unreachable, UserNotFound):
            pass
        return None

    def sessions_of(
        self, user_id: str, *, timeout: float = LIST_TIMEOUT, pages: int = MAX_PAGES
    ) -> Iterator[ActiveSession]:
        """A person's active sessions, newest first; a page is fetched when it is asked for.

        :param timeout: seconds for all pages together.
        :param pages: how many are fetched at most.
        :raises UserNotFound: WorkOS knows no such person.
        :raises Unreachable: there is no answer, or no end of them.
        """
        deadline = time.monotonic() + timeout
        segment = _segment(user_id)
        if segment is None:
            raise UserNotFound
        query = {"limit": "100"}
        for _ in range(pages):
            left = deadline - time.monotonic()
            if left <= 0:
                raise Unreachable("timeout")
            answer = self._transport.call(
                "GET",
                f"/user_management/users/{segment}/sessions",
                timeout=left,
                api_key=self._api_key,
                query=query,
            )
            if answer.status == 404 and isinstance(_member(answer, "message"), str):
                raise UserNotFound
            listed = _member(answer, "data") if answer.status == 200 else None
            if not isinstance(listed, list):
                raise Unreachable("unreadable", answer.status)
            for each in listed:
                session = ActiveSession.listed(user_id, each)
                if session is not None:
                    yield session
            metadata = _member(answer, "list_metadata")
            after = metadata.get("after") if isinstance(metadata, dict) else None
            if not isinstance(after, str) or not after:
                return
            query = {"limit": "100", "after": after}
        raise Unreachable("unreadable", 200)

    def now(self) -> float:
        """The time at WorkOS (epoch seconds), or a little later: told by its answers, of which one
        is fetched when there was none yet. While WorkOS does not answer it is our own clock."""
        if not self._time.known:
            with suppress(Unreachable):
                self._transport.call("GET", self._keys_path, timeout=CONNECT_TIMEOUT)
        latest = self._time.latest
        return self._clock() if latest is None else latest

    def fetch_keys(self) -> dict[str, Any]:
        """The application's key set (JWKS).

        :raises Unreachable: when there is no answer.
        :raises ValueError: when the answer is not a JSON object.
        """
        answer = self._transport.call("GET", self._keys_path, timeout=KEYS_TIMEOUT)
        if answer.status != 200:
            raise Unreachable("unreadable", answer.status)
        document = answer.json()
        if not isinstance(document, dict):
            raise ValueError("The key set is not a JSON object.")
        return document

    def list_events(
        self,
        types: Iterable[str],
        *,
        after: str | None = None,
        since: float | None = None,
        limit: int = PAGE_SIZE,
    ) -> EventPage:
        """A page of what has happened, oldest first.

        :param after: the id of the last event that is known already.
        :param since: without one: from when (epoch seconds).
        :raises EventsUnavailable: there is no answer to use just now.
        :raises EventsRefused: WorkOS does not answer that: the key, the types or the cursor.
        """
        query = {"events": ",".join(types), "limit": str(limit)}
        if after is not None:
            query["after"] = after
        elif since is not None:
            query["range_start"] = write_moment(since)
        try:
            answer = self._transport.call(
                "GET", "/events", timeout=EVENTS_TIMEOUT, api_key=self._api_key, query=query
            )
        except Unreachable as unreachable:
            raise EventsUnavailable(unreachable.reason) from None
        return EventPage.read(answer, limit)

    @property
    def _keys_path(self) -> str:
        return f"/sso/jwks/{_segment(self._client_id)}"

    def logout_url(self, session_id: str, return_to: str | None = None) -> str:
        """Where the browser ends its session at AuthKit. ``return_to`` is registered at WorkOS."""
        query = {"session_id": session_id}
        if return_to is not None:
            query["return_to"] = return_to
        return f"{self._base_url}/user_management/sessions/logout?{urlencode(query)}"

    def _authenticate(
        self,
        grant_type: str,
        grant: Mapping[str, str | None],
        ip_address: str | None,
        user_agent: str | None,
        *,
        timeout: float,
    ) -> Outcome:
        body = {
            "grant_type": grant_type,
            "client_id": self._client_id,
            "client_secret": self._api_key,
            **{name: _text(value) for name, value in grant.items() if value is not None},
            **_person(ip_address, user_agent),
        }
        try:
            answer = self._transport.call(
                "POST", "/user_management/authenticate", timeout=timeout, body=body
            )
        except Unreachable as unreachable:
            return Transient(unreachable.reason, status=unreachable.status)
        return classify(answer.status, answer.headers, answer.body)


def _person(ip_address: str | None, user_agent: str | None) -> dict[str, str]:
    """What is told about the person. WorkOS refuses a call with an address that is none."""
    person = {}
    try:
        if ip_address:
            person["ip_address"] = str(ipaddress.ip_address(ip_address.partition("%")[0]))
    except ValueError:
        pass
    agent = _UNPRINTABLE.sub(" ", user_agent or "")[:_MAX_USER_AGENT].strip()
    if agent:
        person["user_agent"] = agent
    return person


def _text(value: str) -> str:
    """A text that every JSON parser reads: without half a surrogate pair."""
    return value.encode("utf-8", "replace").decode("utf-8")


def _segment(value: str) -> str | None:
    """One segment of a path. Two dots would be taken as the way up."""
    return None if value in ("", ".", "..") else quote(_text(value), safe="")


def _member(answer: Answer, name: str) -> Any:
    try:
        document = answer.json()
    except ValueError:
        return None
    return document.get(name) if isinstance(document, dict) else None
