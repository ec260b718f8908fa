"""What is kept of a session between two requests."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

#: Changes: a number for each, by which it is known again.
Marks = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Impersonator:
    """The WorkOS team member who is signed in as somebody else."""

    email: str = field(repr=False)
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class SessionRecord:
    """What is kept of a session between two requests: in the sealed cookie, or in a store.

    Times are seconds since the epoch; after ``not_after`` the record is not accepted. ``previous``
    is the digest of the refresh token before, ``ticket`` the cookie value if it lies in a store.

    ``asked_after`` are the changes that were known when the tokens were asked for, and had made the
    ones before them old. WorkOS may have answered with a pair that it had given out before those
    changes (its grace for a lost answer); its next answer has not. So ``newer_than`` are those that
    were known for the tokens before: these are newer for certain, whatever the clocks say
    (security W2).
    """

    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    user: Mapping[str, Any] = field(repr=False)
    organization_id: str | None
    signed_in_at: int
    not_after: int
    authentication_method: str | None = None
    impersonator: Impersonator | None = None
    expires_at: int | None = None
    previous: str | None = None
    ticket: str | None = field(default=None, repr=False)
    asked_after: Marks = ()
    newer_than: Marks = ()
