"""Authorization codes, and the pending authentications of people who have a step left to do."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field, replace

#: A code lives for ten minutes (seconds; workos.md §2.1).
CODE_SECONDS = 600


@dataclass(frozen=True)
class SignIn:
    """Somebody has proved who they are at the hosted page: what the exchange will be about."""

    user_id: str
    authenticated_at: float
    organization_id: str | None = None
    method: str = "Password"
    code_challenge: str | None = field(default=None, repr=False)
    impersonator: dict[str, str | None] | None = field(default=None, repr=False)


class Codes:
    """Codes that can be redeemed once, within ten minutes."""

    def __init__(self) -> None:
        self._open: dict[str, tuple[float, SignIn]] = {}

    def issue(self, sign_in: SignIn, now: float) -> str:
        """A new code for this sign-in."""
        code = f"01{secrets.token_hex(16).upper()}"
        self._open[code] = (now, sign_in)
        return code

    def find(self, code: str, now: float) -> SignIn | None:
        """What the code stands for; ``None`` when it is unknown, used or too old."""
        issued_at, sign_in = self._open.get(code, (0.0, None))
        return sign_in if now - issued_at <= CODE_SECONDS else None

    def redeem(self, code: str, now: float) -> SignIn | None:
        """As :meth:`find`; the code is used up."""
        sign_in = self.find(code, now)
        self._open.pop(code, None)
        return sign_in


def chosen(sign_in: SignIn, organization_id: str) -> SignIn:
    """The same sign-in, into an organization that the person has chosen."""
    return replace(sign_in, organization_id=organization_id)
