"""Whether a webhook is from WorkOS: its signature, and how old that is (security W4)."""

from __future__ import annotations

import hmac
import re
from collections.abc import Sequence
from typing import NamedTuple, Self

#: The header with the time of the sending (milliseconds since the epoch) and the signature:
#: ``t=1795446146000, v1=5257a8…``.
HEADER = "WorkOS-Signature"
#: Seconds by which that time may differ from ours, both ways.
TOLERANCE = 180.0

#: Signatures of which one has to be right; more are not looked at.
_MOST = 8
_TIME = re.compile(r"[0-9]{1,16}")
_SIGNATURE = re.compile(r"[0-9a-fA-F]{64}")


class SignatureRefused(Exception):
    """The webhook is not from WorkOS, or not from now. ``reason`` is a fixed text."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


class Signature(NamedTuple):
    """What the header says, before anything of the body is read."""

    #: The time of the sending, as it was sent.
    sent_at: str
    #: One of them has to be right.
    values: Sequence[bytes]

    @classmethod
    def read(cls, header: str, *, now: float) -> Self:
        """Read the value of :data:`HEADER`. What else may be there is not looked at.

        :param now: our time (epoch seconds).
        :raises SignatureRefused: it cannot be read, or is not from now.
        """
        times, values = [], []
        for part in header.split(","):
            name, _, value = (piece.strip() for piece in part.partition("="))
            if name == "t" and _TIME.fullmatch(value):
                times.append(value)
            elif name == "v1" and _SIGNATURE.fullmatch(value):
                values.append(bytes.fromhex(value))
        if len(times) != 1 or not values:
            raise SignatureRefused(f"without a {HEADER} that can be read")
        if abs(now - int(times[0]) / 1000) > TOLERANCE:
            raise SignatureRefused("sent more than three minutes ago, or after now")
        return cls(times[0], values[:_MOST])

    def check(self, body: bytes, secrets: Sequence[str]) -> None:
        """Compare it with the signature of this body.

        :param body: the raw bytes as they came: JSON that is written anew has other ones.
        :param secrets: the endpoint's secret, and others while one takes the place of another.
        :raises SignatureRefused: it is not to be believed.
        """
        signed = self.sent_at.encode() + b"." + body
        right = False
        for secret in secrets:
            wanted = hmac.digest(secret.encode(), signed, "sha256")
            for value in self.values:
                # All are compared, each in constant time.
                right |= hmac.compare_digest(wanted, value)
        if not right:
            raise SignatureRefused(
                "signed with another secret than WORKOS_WEBHOOK_SECRET, or changed on its way"
            )
