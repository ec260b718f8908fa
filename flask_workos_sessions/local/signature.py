"""``WorkOS-Signature``: how the body of a webhook is signed (workos.md §2.8)."""

from __future__ import annotations

import hashlib
import hmac
import time

HEADER = "WorkOS-Signature"

#: How the header can be spelled; a receiver has to take the first five. WorkOS sends ``usual``.
SIGNATURES = {
    "usual": "t={t}, v1={v1}",
    "tight": "t={t},v1={v1}",
    "loose": "t={t} ,   v1={v1}",
    "swapped": "v1={v1}, t={t}",
    "several": "t={t}, v1={wrong}, v1={v1}",
    "no_time": "v1={v1}",
    "no_digest": "t={t}",
    "absent": "",
}


def sign(body: bytes | str, secret: str, *, t: int | None = None, spelling: str = "usual") -> str:
    """The value of the header for a body, as WorkOS makes it.

    :param t: milliseconds since the epoch; the present when not given.
    :param spelling: one of :data:`SIGNATURES`.
    :raises ValueError: another spelling.
    """
    if spelling not in SIGNATURES:
        raise ValueError(f"A signature is spelled {', '.join(SIGNATURES)}.")
    sent_at = int(time.time() * 1000) if t is None else t
    raw = body.encode() if isinstance(body, str) else body
    digest = hmac.new(secret.encode(), f"{sent_at}.".encode() + raw, hashlib.sha256).hexdigest()
    wrong = hashlib.sha256(digest.encode()).hexdigest()
    return SIGNATURES[spelling].format(t=sent_at, v1=digest, wrong=wrong)
