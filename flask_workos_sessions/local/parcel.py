"""An event on its way to a webhook endpoint."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from .events import LocalEvent
from .signature import HEADER
from .webhook import LocalWebhook
from .webhook_order import WebhookOrder


@dataclass(frozen=True)
class Parcel:
    """What one endpoint is told of one event: the same bytes at each attempt."""

    event: LocalEvent
    webhook: LocalWebhook
    order: WebhookOrder
    body: bytes
    attempt: int = 1

    def headers(self, clock: Callable[[], float]) -> dict[str, str]:
        """What goes with the body; signed anew at each attempt."""
        signature = self.order.header(self.body, self.webhook.secret, clock())
        named = {HEADER: signature} if signature else {}
        return {"Content-Type": "application/json", "User-Agent": "WorkOS-local", **named}
