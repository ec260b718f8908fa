"""The session in one sealed cookie, and the mark that takes its place when it has ended."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

from werkzeug.http import dump_cookie

from ..errors import SessionTooLarge
from ..sealing.cookie import decode_with_claims, encode_record
from ..sealing.seal import Sealer
from ..session_record import SessionRecord
from ..settings import Settings

#: Bytes of name and value; a browser drops a cookie above 4,096 with its attributes.
MAX_BYTES = 4_000
#: Cookies of one name that are looked at; a browser sends one, two after a change of Domain.
MAX_CANDIDATES = 5
#: A Cookie header above this (bytes) is not read at all; servers stop at 8 to 16 kB.
MAX_HEADER = 65_536
#: For so long (seconds) somebody is told why a session ended, and we know whose it was.
MARK_SECONDS = 30 * 24 * 3600

_RECORD, _MARK = b"r", b"m"


@dataclass(frozen=True, slots=True)
class EndMark:
    """Left in the cookie in place of a session that is over: which one, whose (hashed), and why."""

    session_id: str
    subject: str
    reason: str


class CookieStore:
    """Reads and writes the session cookie. A value that cannot be opened is as good as none."""

    def __init__(self, settings: Settings, sealer: Sealer) -> None:
        self.name = settings.session_cookie
        self._settings = settings
        self.sealer = sealer
        self._prefix = self.name + "="

    @property
    def failures(self) -> int:
        """How often a store of the server's failed: never, there is none."""
        return 0

    def candidates(self, header: str) -> list[str]:
        """Every value of our cookie in a ``Cookie`` header; none when there are too many.

        A browser sends several when a parent domain or another path has one of the same name.
        """
        if self._prefix not in header or len(header) > MAX_HEADER:
            return []
        values = list(self._values(header))
        return values if len(values) <= MAX_CANDIDATES else []

    def open(self, value: str) -> SessionRecord | EndMark | None:
        """What was sealed under this value; ``None`` for anything that is not ours."""
        return self.open_with_claims(value)[0]

    def open_with_claims(self, value: str) -> tuple[SessionRecord | EndMark | None, bytes | None]:
        """The same, and the JSON of the access token's claims while it is at hand."""
        plaintext = self.sealer.open(value, name=self.name)
        return (None, None) if plaintext is None else self.unseal(plaintext)

    def unseal(self, plaintext: bytes) -> tuple[SessionRecord | EndMark | None, bytes | None]:
        """What is in a value that was opened."""
        try:
            if plaintext[:1] == _RECORD:
                return decode_with_claims(plaintext[1:])
            if plaintext[:1] == _MARK:
                mark = json.loads(plaintext[1:])
                reason = str(mark["reason"])
                return EndMark(str(mark["sid"]), str(mark["subject"]), reason), None
        except (ValueError, KeyError, TypeError):
            return None, None
        return None, None

    def seal(self, record: SessionRecord) -> str:
        """The cookie value of a session, whatever its size: see :meth:`check_size`."""
        return self.sealer.seal(self.encode(record), name=self.name)

    def encode(self, record: SessionRecord) -> bytes:
        """The record as it is sealed."""
        return _RECORD + encode_record(record)

    def begin(self, record: SessionRecord) -> tuple[SessionRecord, str]:
        """Keep a new session: its record, and its value.

        :raises SessionTooLarge: when a browser would not keep it.
        """
        value = self.seal(record)
        self.check_size(value)
        return record, value

    def answer(self, value: str, header: str) -> str | None:
        """What the browser is given for an adopted session; ``None`` when it has that.

        :param header: the ``Cookie`` header of the request.
        :raises SessionTooLarge: when a browser would not keep it.
        """
        self.check_size(value)
        return value

    def discard(self, record: SessionRecord, mark: EndMark | None = None) -> None:
        """Nothing to do: what the browser has is refused."""

    def seal_successor(self, successor: SessionRecord, previous: SessionRecord) -> str:
        """As :meth:`seal`, for the session that replaces another one."""
        return self.seal(successor)

    def keep(self, value: str) -> None:
        """Nothing to do: the browser keeps it."""

    def is_replaced(self, mark: EndMark, header: str) -> bool:
        """Whether the mark, found under what the browser has, belongs into the cookie itself.
        Here it is there already."""
        return False

    def seal_mark(self, mark: EndMark) -> str:
        """The cookie value that says that a session is over."""
        plaintext = json.dumps(
            {"sid": mark.session_id, "subject": mark.subject, "reason": mark.reason}
        )
        return self.sealer.seal(_MARK + plaintext.encode(), name=self.name)

    def check_size(self, value: str) -> None:
        """Whether a browser will keep the value.

        :raises SessionTooLarge: when name and value are more than 4,000 bytes.
        """
        size = len(self.name) + 1 + len(value)
        if size > MAX_BYTES:
            raise SessionTooLarge(size)

    def header(self, value: str, *, remaining: float = 0) -> str:
        """The ``Set-Cookie`` header that keeps an end mark; or a session, that ends in
        ``remaining`` seconds at the latest.

        The browser keeps a session for as long after its end as it would keep the mark: without a
        cookie the next page would be a silent sign-in (security G3). What ends it is the sealed
        ``not_after`` (security C6).
        """
        max_age = max(0, int(remaining)) + MARK_SECONDS
        return self._dump(value, max_age, self._settings.cookie_domain)

    def deletions(self, host: str = "") -> list[str]:
        """The headers that delete the cookie: host-only, the configured domain's, and, when any
        domain may have planted it, those of every parent of ``host``."""
        domains = {None, self._settings.cookie_domain}
        if not self.name.startswith("__Host-") and not host.replace(".", "").isdigit():
            labels = host.split(".")
            domains.update(".".join(labels[at:]) for at in range(len(labels) - 1))
        return [self._dump("", 0, domain) for domain in sorted(domains, key=str)]

    def _values(self, header: str) -> Iterator[str]:
        for piece in header.split(";"):
            piece = piece.strip()
            if piece.startswith(self._prefix):
                yield piece[len(self._prefix) :].strip('"')

    def _dump(self, value: str, max_age: int, domain: str | None) -> str:
        return dump_cookie(
            self.name,
            value,
            max_age=max_age,
            path="/",
            domain=domain,
            secure=self._settings.secure,
            httponly=True,
            samesite=self._settings.cookie_samesite.capitalize(),
            max_size=0,
        )
