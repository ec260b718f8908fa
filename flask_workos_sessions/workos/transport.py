"""One HTTP call, with what keeps it from doing harm: limits, and nothing sent anywhere else."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.cookiejar import DefaultCookiePolicy
from typing import Any, Literal

import requests
from requests.auth import AuthBase
from urllib3.exceptions import HTTPError, ReadTimeoutError

from .deadline import Deadline, WatchedAdapter
from .time import WorkOSTime

#: Why there was no answer. ``refused``: nothing was sent, for there was no connection (refused, no
#: answer to it in time, an unknown name, TLS). The request may have arrived with ``timeout``, with
#: ``network`` (reset, half an answer) and with ``unreadable`` (too long, another status).
Fault = Literal["refused", "timeout", "network", "unreadable"]

#: Bytes of the longest answer that is read.
MAX_BODY = 1_048_576
#: Seconds to connect, at most.
CONNECT_TIMEOUT = 2.0
#: Connections that are kept open, per process.
_POOL_SIZE = 16
_CHUNK = 65_536


class Unreachable(Exception):
    """There was no answer to use. ``reason`` is a :data:`Fault`, ``status`` the answer's if any."""

    def __init__(self, reason: Fault, status: int | None = None) -> None:
        self.reason: Fault = reason
        self.status = status
        super().__init__(reason if status is None else f"{reason}, status {status}")


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)

    def json(self) -> Any:
        """The body as JSON. :raises ValueError: when it is not."""
        try:
            return json.loads(self.body)
        except RecursionError:
            raise ValueError("nested too deeply") from None


class _Key(AuthBase):
    """Our API key, or no Authorization; in any case not what ``.netrc`` has (security S7)."""

    def __init__(self, api_key: str | None) -> None:
        self._api_key = api_key

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        if self._api_key is not None:
            request.headers["Authorization"] = f"Bearer {self._api_key}"
        return request


class Transport:
    """Calls to one host. Follows no redirect, keeps no cookie, tries nothing twice.

    :param time: is told of every answer.
    """

    def __init__(self, base_url: str, time: WorkOSTime | None = None) -> None:
        self._base_url = base_url.rstrip("/")
        self._time = time
        self._session: requests.Session | None = None
        self._pid = -1

    def call(
        self,
        method: str,
        path: str,
        *,
        timeout: float,
        api_key: str | None = None,
        body: Mapping[str, Any] | None = None,
        query: Mapping[str, str] | None = None,
    ) -> Answer:
        """Send one request; ``timeout`` is seconds for all of it, except to look up the name.

        :raises Unreachable: when there is no whole answer.
        """
        deadline = Deadline(timeout)
        asked = 0.0 if self._time is None else self._time.asked()
        try:
            with (
                deadline,
                self._opened().request(
                    method,
                    self._base_url + path,
                    params=query,
                    # Plain ASCII, whatever is in it.
                    data=None if body is None else json.dumps(body).encode("ascii"),
                    headers={"Content-Type": "application/json"} if body is not None else None,
                    auth=_Key(api_key),
                    timeout=(min(timeout, CONNECT_TIMEOUT), timeout),
                    allow_redirects=False,
                    stream=True,
                ) as response,
            ):
                answer = Answer(response.status_code, response.headers, _read(response))
        except (requests.RequestException, HTTPError, OSError, ValueError, RuntimeError) as fault:
            # Without the cause: its text may hold the URL.
            raise Unreachable(_reason(fault, deadline)) from None
        if deadline.passed:
            # What was read may have ended because we ended it.
            raise Unreachable("timeout")
        # The page of a fault may be a proxy's, with the date of its making.
        if self._time is not None and answer.status < 500:
            self._time.told(answer.headers, asked)
        return answer

    def _opened(self) -> requests.Session:
        if self._session is None or self._pid != os.getpid():
            # Two processes must not share a connection: one would read the other's answer.
            session = requests.Session()
            session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
            adapter = WatchedAdapter(pool_maxsize=_POOL_SIZE, max_retries=0)
            session.mount("https://", adapter)
            session.mount("http://", adapter)
            session.headers.update(
                {
                    "Accept": "application/json",
                    "Accept-Encoding": "identity",
                    "User-Agent": "Flask-WorkOS-Sessions",
                }
            )
            self._session, self._pid = session, os.getpid()
        return self._session


def _reason(fault: Exception, deadline: Deadline) -> Fault:
    if deadline.sent is False:
        return "refused"
    if deadline.passed or isinstance(fault, requests.Timeout | ReadTimeoutError):
        return "timeout"
    return "network"


def _read(response: requests.Response) -> bytes:
    body = bytearray()
    while piece := response.raw.read1(_CHUNK, decode_content=True):
        body += piece
        if len(body) > MAX_BODY:
            raise Unreachable("unreadable", response.status_code)
    return bytes(body)
