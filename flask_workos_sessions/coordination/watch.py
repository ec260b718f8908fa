"""Where the news about one session would be recorded, and what it is compared with."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Literal

from ..session_record import Marks

#: Whom a cut-off is about. A membership is named by :func:`membership`.
Scope = Literal["person", "membership", "organization", "role", "everybody"]

#: Long ago.
_NEVER = float("-inf")


class Change(IntEnum):
    """What a change asks of a session whose token is older, the strongest last."""

    NONE = 0
    #: Refresh soon, as calls to WorkOS allow.
    RENEW = 1
    #: The same, and the page is told: what the person may do has probably changed.
    TOLD = 2
    #: WorkOS has to be asked before the session is served again.
    CONFIRM = 3


#: What a change of each kind asks for at least.
WEIGHTS: dict[Scope, Change] = {
    "person": Change.RENEW,
    "membership": Change.TOLD,
    "organization": Change.RENEW,
    "role": Change.TOLD,
    "everybody": Change.RENEW,
}


@dataclass(slots=True, eq=False)
class Watch:
    """The keys under which the end of a session, and the changes to it, would be recorded.

    ``own`` are the session's own, one for each password, and ``key`` is that of the one in use;
    under ``ends`` are cut-offs that end what began up to a moment, under ``changes`` those that
    make tokens old. ``signed_in_at`` and ``issued_at`` are in WorkOS's time (seconds since the
    epoch); ``asked_after`` and ``newer_than`` are those of the record. The rest is what the last
    look found: when it was, what it asks for, the changes that the moment of issue does not settle,
    whether a cut-off ended the session, and which cut-offs there were, to see a new one.
    """

    key: str
    own: tuple[str, ...]
    ends: tuple[str, ...]
    changes: tuple[tuple[str, Change], ...]
    signed_in_at: int
    issued_at: int
    asked_after: Marks = ()
    newer_than: Marks = ()
    asked_at: float = _NEVER
    change: Change = Change.NONE
    open: frozenset[int] = frozenset()
    cut_off: bool = False
    found: tuple[bytes | None, ...] = ()

    @property
    def keys(self) -> list[str]:
        """All keys, in the order of the fields."""
        return [*self.own, *self.ends, *(key for key, _ in self.changes)]

    def is_older(self, moment: int) -> bool:
        """Whether the token was issued up to ``moment`` (milliseconds). One of the same second
        counts as older (security W2)."""
        return self.issued_at <= moment // 1000

    def note(self, found: Mapping[int, Change]) -> None:
        """Take note of all changes that the token was not issued after, by their marks: what each
        asks for, unless the token was asked for when this very change was known. That says nothing
        of any other."""
        asked = (change for mark, change in found.items() if mark not in self.newer_than)
        self.change = max(self.change, *asked, Change.NONE)
        self.open = frozenset(found)

    @property
    def changed(self) -> frozenset[int]:
        """The changes that the token does not know of, by their marks."""
        return self.open.difference(self.newer_than)

    @property
    def proven(self) -> Marks:
        """What the tokens that this one is exchanged for are newer than for certain: what was known
        when this one was asked for, unless its moment of issue proves it anyway."""
        return tuple(sorted(self.open.intersection((*self.newer_than, *self.asked_after))))


def membership(user_id: str, organization_id: str) -> str:
    """The name of a person's place in an organization."""
    return f"{user_id} {organization_id}"


def subjects(
    user_id: str, organization_id: str | None, roles: Iterable[str]
) -> list[tuple[Scope, str]]:
    """Everything that a cut-off can name and that concerns a session."""
    mine: list[tuple[Scope, str]] = [("person", user_id), ("everybody", "")]
    if organization_id is not None:
        mine.append(("organization", organization_id))
        mine.append(("membership", membership(user_id, organization_id)))
        mine.extend(("role", role) for role in roles if role)
    return mine
