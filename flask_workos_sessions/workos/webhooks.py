"""Whether a webhook is from WorkOS: its signature, and how old that is (security W4)."""

from __future__ import annotations

import hmac
import re
from collections.abc import Sequence

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


def verify_signature(body: bytes, header: str, secrets: Sequence[str], *, now: float) -> None:
    """Check the signature of a webhook.

    :param body: the raw bytes as they came: JSON that is written anew has other ones.
    :param header: the value of :data:`HEADER`.
    :param secrets: the endpoint's secret, and others while one takes the place of another.
    :param now: our time (epoch seconds).
    :raises SignatureRefused: it is not to be believed.
    """
    sent_at, signatures = _read(header)
    if abs(now - int(sent_at) / 1000) > TOLERANCE:
        raise SignatureRefused("sent more than three minutes ago, or after now")
    signed = sent_at.encode() + b"." + body
    right = False
    for secret in secrets:
        wanted = hmac.digest(secret.encode(), signed, "sha256")
        for signature in signatures:
            # All are compared, each in constant time.
            right |= hmac.compare_digest(wanted, signature)
    if not right:
        raise SignatureRefused("signed with another secret, or changed on its way")


def _read(header: str) -> tuple[str, list[bytes]]:
    """The time as it was sent, and the signatures. What else may be there is not looked at."""
    times, signatures = [], []
    for part in header.split(","):
        name, _, value = (piece.strip() for piece in part.partition("="))
        if name == "t" and _TIME.fullmatch(value):
            times.append(value)
        elif name == "v1" and _SIGNATURE.fullmatch(value):
            signatures.append(bytes.fromhex(value))
    if len(times) != 1 or not signatures:
        raise SignatureRefused(f"without a {HEADER} that can be read")
    return times[0], signatures[:_MOST]
