"""The webhook endpoints of an environment, and what they are told of its events."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager

from .courier import Courier
from .delivery import Delivery
from .events import LocalEvent
from .held_webhooks import HeldWebhooks
from .parcel import Parcel
from .webhook import LocalWebhook, new_webhook
from .webhook_order import WebhookOrder

_USUAL = WebhookOrder()


class Webhooks:
    """Endpoints, orders and what is held; whoever reads or changes it holds ``lock``."""

    def __init__(
        self,
        clock: Callable[[], float],
        lock: AbstractContextManager[bool],
        delays: Iterable[float],
    ) -> None:
        self._lock = lock
        self.courier = Courier(clock, delays)
        self.endpoints: list[LocalWebhook] = []
        self._next: deque[WebhookOrder] = deque()
        self._held: list[HeldWebhooks] = []

    def add(self, url: str, events: Iterable[str] | None, secret: str | None) -> LocalWebhook:
        """A new endpoint. :raises ValueError: not on this machine, or a blank secret."""
        webhook = new_webhook(url, events, secret)
        self.endpoints.append(webhook)
        return webhook

    def remove(self, which: LocalWebhook | str) -> bool:
        """Take an endpoint away, or all at this address; ``False`` when there is none."""
        gone = [each for each in self.endpoints if which in (each, each.url)]
        for webhook in gone:
            webhook.enabled = False
            self.endpoints.remove(webhook)
        return bool(gone)

    def order_next(self, count: int, order: WebhookOrder) -> None:
        """Deliver the next events in this way, after those already ordered."""
        if count < 0:
            raise ValueError("So many events are delivered otherwise, from 0.")
        self._next.extend([order] * count)

    def hold(self) -> HeldWebhooks:
        """Deliver nothing from now on; what happens is collected."""
        held = HeldWebhooks(self._lock, self.release)
        with self._lock:
            self._held.append(held)
        return held

    def let_go(self, held: HeldWebhooks) -> None:
        """Deliver at once again."""
        with self._lock:
            self._held.remove(held)

    def hear(self, event: LocalEvent) -> None:
        """Something has happened: whoever listens to it is told, unless that is held."""
        if not any(each.listens_to(event.event) for each in self.endpoints):
            return
        if self._held:
            self._held[-1].events.append(event)
            return
        order = self._next_order()
        for parcel in self._parcels(event, order):
            self.courier.send(parcel, order.delay)

    def release(self, events: Iterable[LocalEvent]) -> list[Delivery]:
        """Deliver these now, one after the other, and wait for the answers. One that fails is
        tried again later."""
        done = []
        for event in events:
            with self._lock:
                order = self._next_order()
                parcels = self._parcels(event, order)
            for parcel in parcels:
                if order.delay:
                    self.courier.send(parcel, order.delay)
                    continue
                done.append(self.courier.attempt(parcel))
                if not done[-1].taken:
                    self.courier.try_again(parcel)
        return done

    def deliver(
        self, event: LocalEvent, to: LocalWebhook | None, order: WebhookOrder
    ) -> list[Delivery]:
        """Deliver once in this way, to one endpoint or to all that listen; no second attempt."""
        with self._lock:
            parcels = self._parcels(event, order, None if to is None else [to])
        return [self.courier.attempt(parcel) for parcel in parcels]

    def _next_order(self) -> WebhookOrder:
        return self._next.popleft() if self._next else _USUAL

    def _parcels(
        self, event: LocalEvent, order: WebhookOrder, to: list[LocalWebhook] | None = None
    ) -> list[Parcel]:
        if order.lost:
            return []
        # As JavaScript writes it. One text for all attempts: signatures are over these bytes.
        told = event.as_json(bare=order.bare)
        body = json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode()
        listening = [each for each in self.endpoints if each.listens_to(event.event)]
        parcels = [Parcel(event, webhook, order, body) for webhook in to or listening]
        return [parcel for parcel in parcels for _ in range(order.times)]
