"""How an event is delivered, when a test orders it otherwise than right and once."""

from __future__ import annotations

import math
import secrets
from dataclasses import dataclass

from .signature import SIGNATURES, sign


@dataclass(frozen=True)
class WebhookOrder:
    """One way to deliver an event.

    :param times: so often, with the same id.
    :param age: so many seconds before the sending lies ``t``; negative: after it.
    :param forged: signed with another secret.
    :param signature: how the header is spelled, one of
        :data:`~flask_workos_sessions.local.signature.SIGNATURES`.
    :param bare: the body has no ``object`` and no ``context``.
    :param delay: so many seconds later; real ones.
    :param lost: not at all.
    """

    times: int = 1
    age: float = 0
    forged: bool = False
    signature: str = "usual"
    bare: bool = False
    delay: float = 0
    lost: bool = False

    def __post_init__(self) -> None:
        if self.times < 1 or not math.isfinite(self.age) or not 0 <= self.delay < math.inf:
            raise ValueError("times is from 1, age and delay are seconds, a delay from 0.")
        if self.signature not in SIGNATURES:
            raise ValueError(f"A signature is one of {', '.join(SIGNATURES)}.")

    def header(self, body: bytes, secret: str, now: float) -> str:
        """The signature of a body that is sent ``now`` (seconds since the epoch)."""
        key = secrets.token_urlsafe(32) if self.forged else secret
        return sign(body, key, t=int((now - self.age) * 1000), spelling=self.signature)
