"""The session in a store of the server's; the cookie carries a ticket to it."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

from ..coordination.breaker import Breaker, Wording
from ..sealing import base64url
from ..sealing.seal import Sealer
from ..session_record import SessionRecord
from ..settings import Settings
from .cookie import MARK_SECONDS, CookieStore, EndMark
from .session_store import SessionStore

#: Characters of the longest sealed session.
LONGEST = 131_072
#: Seconds for which a row is believed before the store is asked again.
BELIEVED_SECONDS = 1.0
#: Seconds for which the row before an organization switch serves requests in flight.
REPLACED_SECONDS = 60
#: Seconds for which a row outlives its session, so that whoever comes back the next morning finds
#: whose it was, and it is ended at WorkOS too. After that the ticket says that it is over.
OVER_SECONDS = 24 * 3600
_MAX_BELIEVED = 2_048

_TICKET = "t."
_ID_SIZE, _KEY_SIZE, _END_SIZE = 16, 32, 5
_TICKETED = b"t"

_STORE = "store of the sessions"
_READING = Wording(
    _STORE,
    "read",
    "who is signed in is answered 503, and stays so",
    "look whether it runs, and who may read it",
)
_WRITING = Wording(
    _STORE,
    "written",
    "sign-ins are answered 503; refreshes and ends lie in the shared state alone",
    "look whether it is full, and who may write it",
)


class StoreUnavailable(Exception):
    """The store of the sessions cannot be used just now."""


class _Ticket(NamedTuple):
    """What the cookie carries: which row, the key without which it does not open, and when the
    session ends at the latest (epoch seconds). That is part of the key."""

    row: str
    key: bytes
    not_after: int

    def __repr__(self) -> str:
        return f"<ticket of row {self.row}>"  # never the key

    @classmethod
    def read(cls, value: str) -> _Ticket | None:
        """The ticket in a cookie value, ``None`` for any other value."""
        if not value.startswith(_TICKET):
            return None
        try:
            raw = base64url.decode(value[len(_TICKET) :])
        except ValueError:
            return None
        if len(raw) != _ID_SIZE + _KEY_SIZE + _END_SIZE:
            return None
        return cls(raw[:_ID_SIZE].hex(), raw[_ID_SIZE:], int.from_bytes(raw[-_END_SIZE:], "big"))


def new_ticket(not_after: int) -> str:
    """The cookie value of a ticket that nobody has, for a session that ends by then."""
    random = os.urandom(_ID_SIZE + _KEY_SIZE)
    return _TICKET + base64url.encode(random + not_after.to_bytes(_END_SIZE, "big"))


class ServerStore(CookieStore):
    """Rows of a :class:`SessionStore`, sealed with the cookie password and the ticket's key.

    Behind :meth:`candidates` all is as with cookies: a sealed value, which is what a row holds.
    Its record knows the ticket, so that whoever adopts it finds the row.

    A store that fails is left alone for a while: see :class:`Breaker`.

    :param fatal: log its first failure in this process as an error. Off in tests.
    """

    def __init__(
        self,
        settings: Settings,
        sealer: Sealer,
        rows: SessionStore,
        row_sealer: Sealer,
        *,
        clock: Callable[[], float],
        fatal: bool,
    ) -> None:
        super().__init__(settings, sealer)
        self._rows = rows
        # Apart: a store that is full or read-only still says who is signed in.
        self._reading = Breaker(_READING, fatal=fatal)
        self._writing = Breaker(_WRITING, fatal=fatal)
        self._row_sealer = row_sealer
        self._clock = clock
        #: By row and key: a dump of the store shows ids of rows.
        self._believed: dict[_Ticket, tuple[float, str]] = {}
        #: A ticket was given to somebody who had signed in: without its row, that is over.
        self._gone = self.seal_mark(EndMark("", "", "revoked"))
        self._over = self.seal_mark(EndMark("", "", "max_length"))

    @property
    def failures(self) -> int:
        return self._reading.failures + self._writing.failures

    def candidates(self, header: str) -> list[str]:
        """The values behind the tickets in a ``Cookie`` header; end marks as they are.

        :raises StoreUnavailable: when the rows cannot be read.
        """
        values = []
        for value in super().candidates(header):
            ticket = _Ticket.read(value)
            values.append(value if ticket is None else self._load(ticket) or self._without(ticket))
        return values

    def is_replaced(self, mark: EndMark, header: str) -> bool:
        """Whether the mark belongs into the cookie in place of a ticket.

        Not when it is there for a row that is missing before its time: the store may have lost
        it for a while only.
        """
        if not mark.session_id and mark.reason == "revoked":
            return False
        return any(_Ticket.read(value) for value in super().candidates(header))

    def seal(self, record: SessionRecord) -> str:
        if record.ticket is None:
            return super().seal(record)
        return self.sealer.seal(
            _TICKETED + record.ticket.encode() + b"\0" + self.encode(record), name=self.name
        )

    def unseal(self, plaintext: bytes) -> tuple[SessionRecord | EndMark | None, bytes | None]:
        if plaintext[:1] != _TICKETED:
            return super().unseal(plaintext)
        ticket, _, rest = plaintext[1:].partition(b"\0")
        record, claims = super().unseal(rest)
        if isinstance(record, SessionRecord):
            record = replace(record, ticket=ticket.decode("ascii"))
        return record, claims

    def begin(self, record: SessionRecord) -> tuple[SessionRecord, str]:
        """Keep a new session, under an id and a key of its own (security R8).

        :raises StoreUnavailable: when it cannot be kept.
        """
        record = replace(record, ticket=new_ticket(record.not_after))
        value = self.seal(record)
        self._save(record, value)
        return record, value

    def seal_successor(self, successor: SessionRecord, previous: SessionRecord) -> str:
        """The value of a successor. In another organization it gets an id and a key of its own;
        the row before it serves the requests that are on their way."""
        same = successor.organization_id == previous.organization_id
        if previous.ticket is None or not same:
            try:
                value = self.begin(successor)[1]
            except StoreUnavailable:
                return self.seal(successor)
            if previous.ticket is not None:
                self._update(previous, self.seal(previous), seconds=REPLACED_SECONDS)
            return value
        return self.seal(successor)

    def keep(self, value: str) -> None:
        """Write the row of a successor, if it is still there. Raises nothing."""
        record = self.open(value)
        if isinstance(record, SessionRecord) and record.ticket is not None:
            self._update(record, value)

    def answer(self, value: str, header: str) -> str | None:
        """The ticket of an adopted session, unless the browser has it; its row is repaired."""
        record = self.open(value)
        if not isinstance(record, SessionRecord) or record.ticket is None:
            return super().answer(value, header)
        ticket = _Ticket.read(record.ticket)
        believed = self._believed.get(ticket) if ticket else None
        if believed is None or believed[1] != value:
            self._update(record, value)
        return None if f"{self.name}={record.ticket}" in header else record.ticket

    def discard(self, record: SessionRecord, mark: EndMark | None = None) -> None:
        """Leave in the row that the session has ended, and why; without that, delete it. Raises
        nothing: an end is remembered elsewhere too."""
        ticket = _Ticket.read(record.ticket or "")
        if ticket is None:
            return
        if mark is not None:
            value, until = self.seal_mark(mark), int(self._clock()) + MARK_SECONDS
            self._write(ticket, value, until)
            return
        self._believed.pop(ticket, None)
        self._writing.call(self._rows.delete, ticket.row)

    def _load(self, ticket: _Ticket) -> str | None:
        now = self._clock()
        believed = self._believed.get(ticket)
        if believed is not None and 0 <= now - believed[0] < BELIEVED_SECONDS:
            return believed[1]
        row = self._reading.call(self._rows.load, ticket.row)
        if not row.given:
            raise StoreUnavailable
        value = None
        if row.value is not None:
            sealed = row.value.decode("latin-1")
            opened = self._row_sealer.open(sealed, name=ticket.row, also=ticket.key)
            value = None if opened is None else opened.decode()
        if value is not None:
            self._believe(ticket, value, now)
        return value

    def _without(self, ticket: _Ticket) -> str:
        """The end mark for a ticket that has no row."""
        return self._over if self._clock() >= ticket.not_after else self._gone

    def _save(self, record: SessionRecord, value: str) -> None:
        ticket = _Ticket.read(record.ticket or "")
        assert ticket is not None
        row = self._row(ticket, value)
        until = record.not_after + OVER_SECONDS
        if not self._writing.call(self._rows.save, ticket.row, row, until).given:
            raise StoreUnavailable
        self._believe(ticket, value, self._clock())

    def _update(self, record: SessionRecord, value: str, seconds: int | None = None) -> None:
        ticket = _Ticket.read(record.ticket or "")
        if ticket is None:
            return
        until = record.not_after + OVER_SECONDS
        if seconds is not None:
            until = min(until, int(self._clock()) + seconds)
        self._write(ticket, value, until)

    def _write(self, ticket: _Ticket, value: str, until: int) -> None:
        # When it fails, the rotation record has it as well; who adopts it from there tries again.
        if self._writing.call(self._rows.update, ticket.row, self._row(ticket, value), until).value:
            self._believe(ticket, value, self._clock())

    def _row(self, ticket: _Ticket, value: str) -> bytes:
        return self._row_sealer.seal(value.encode(), name=ticket.row, also=ticket.key).encode()

    def _believe(self, ticket: _Ticket, value: str, at: float) -> None:
        if len(self._believed) >= _MAX_BELIEVED:
            self._believed = {}
        self._believed[ticket] = (at, value)
