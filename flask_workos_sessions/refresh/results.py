"""What became of an exchange, for the request that asked for it."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Renewed:
    """The sealed successor, not yet verified."""

    value: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Dead:
    """The token is refused for good; ``reason`` as in :mod:`..coordination.endings`."""

    reason: str
    whole_session: bool = False


@dataclass(frozen=True, slots=True)
class Interaction:
    """The person has to act at WorkOS (single sign-on, a second factor)."""

    code: str
    organization_id: str | None


@dataclass(frozen=True, slots=True)
class OrganizationClosed:
    """A switch was refused: the person does not belong to that organization."""

    code: str


@dataclass(frozen=True, slots=True)
class Failed:
    """Nothing is decided: a fault of the network, of WorkOS or of our settings.

    ``fresh`` is for the one whose exchange it was; ``retry_after`` is in seconds.
    """

    outcome: str
    retry_after: float = 1.0
    fresh: bool = False


Result = Renewed | Dead | Interaction | OrganizationClosed | Failed
