"""What a test orders of LocalWorkOS: wrong answers, and outages."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager

from .environment import Environment
from .faults import Fault


class FaultOrders:
    """The part of :class:`~flask_workos_sessions.local.LocalWorkOS` that fails on purpose."""

    _environment: Environment

    def fail_next(
        self,
        times: int = 1,
        *,
        status: str | int = 500,
        body: bytes | str = b"",
        headers: Mapping[str, str] | None = None,
        delay: float = 0,
        only: str | None = None,
    ) -> None:
        """Answer the next exchanges wrongly, or the next requests to paths that begin with
        ``only`` (``"/sso/jwks"``).

        :param status: an HTTP status, or one of
            :data:`~flask_workos_sessions.local.faults.NAMED_FAULTS`.
        :param delay: seconds before the answer, or between the bytes of one that drips; real ones.
        :raises ValueError: another word, fewer than 0 times, or no number of seconds.
        """
        raw = body.encode() if isinstance(body, str) else body
        self._environment.faults.add(Fault(status, raw, dict(headers or {}), delay), times, only)

    def fail_randomly(
        self,
        share: float,
        *statuses: str | int,
        seed: int = 1,
        delay: float = 0,
        only: str | None = None,
    ) -> None:
        """Answer a share (0 to 1) of all exchanges, or of all requests to paths that begin with
        ``only``, with one of ``statuses``, until :meth:`clear_faults`.

        :param seed: with the same one the same calls fail.
        :raises ValueError: not a share, or no fault.
        """
        faults = [Fault(each, delay=delay) for each in statuses]
        self._environment.faults.scatter(share, faults, seed, only)

    def clear_faults(self) -> None:
        """Forget the faults that :meth:`fail_next` and :meth:`fail_randomly` still had to play."""
        self._environment.faults.clear()

    def down(
        self,
        status: str | int = "drop",
        *,
        headers: Mapping[str, str] | None = None,
        delay: float = 0,
        only: str = "/",
    ) -> AbstractContextManager[None]:
        """In this context requests to paths that begin with ``only`` fail: the connection ends, or
        ``status`` is answered. The other arguments are those of :meth:`fail_next`."""
        return self._environment.faults.down(Fault(status, b"", dict(headers or {}), delay), only)
