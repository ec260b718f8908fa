"""The part of LocalWorkOS that tells of events: its log, its webhooks, and how they go wrong."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from .delivery import Delivery
from .environment import Environment
from .events import LocalEvent
from .held_webhooks import HeldWebhooks
from .signature import sign
from .webhook import LocalWebhook
from .webhook_order import WebhookOrder


class WebhookOrders:
    """The part of :class:`~flask_workos_sessions.local.LocalWorkOS` with events and webhooks."""

    _environment: Environment

    @property
    def events(self) -> list[LocalEvent]:
        """What has happened, oldest first; the seeded people were there before."""
        with self._environment.lock:
            return self._environment.events.kept()

    def emit(self, event: str, data: Mapping[str, Any] | None = None, **context: Any) -> LocalEvent:
        """Note any event, and tell of it.

        :param data: what it is about. :param context: more of its ``context``.
        :raises TypeError: what cannot be JSON.
        """
        with self._environment.lock:
            return self._environment.events.emit(event, data or {}, context)

    def forget_events(self) -> None:
        """Lose the log: no cursor that an application keeps is known any more."""
        with self._environment.lock:
            self._environment.events.forget()

    @property
    def webhooks(self) -> list[LocalWebhook]:
        """The endpoints, oldest first."""
        with self._environment.lock:
            return list(self._environment.webhooks.endpoints)

    def add_webhook(
        self, url: str, events: Iterable[str] | None = None, secret: str | None = None
    ) -> LocalWebhook:
        """Tell ``url`` of these events, or of all; asynchronously, again when it fails.

        :param secret: what signs; a new one unless given.
        :raises ValueError: the address is not on this machine (security S8), a blank secret.
        """
        with self._environment.lock:
            return self._environment.webhooks.add(url, events, secret)

    def remove_webhook(self, which: LocalWebhook | str) -> None:
        """Tell this endpoint, or all at this address, nothing more."""
        with self._environment.lock:
            self._environment.webhooks.remove(which)

    @property
    def deliveries(self) -> list[Delivery]:
        """Each attempt to deliver, oldest first."""
        return self._environment.webhooks.courier.journal

    def wait_for_deliveries(self, timeout: float = 10) -> list[Delivery]:
        """Wait until nothing is left to deliver, also not again, and return :attr:`deliveries`.
        What is held is not waited for.

        :raises TimeoutError: it took longer (real seconds).
        """
        if not self._environment.webhooks.courier.wait(timeout):
            raise TimeoutError("Some webhooks are not delivered yet.")
        return self.deliveries

    def webhooks_next(self, count: int = 1, **how: Any) -> None:
        """Deliver the next events, of those that an endpoint listens to, otherwise.

        :param how: what :class:`~flask_workos_sessions.local.webhook_order.WebhookOrder` has:
            ``times``, ``age``, ``forged``, ``signature``, ``bare``, ``delay``, ``lost``.
        """
        with self._environment.lock:
            self._environment.webhooks.order_next(count, WebhookOrder(**how))

    @contextmanager
    def hold_webhooks(self) -> Iterator[HeldWebhooks]:
        """In this context nothing is delivered. ``release(reverse=True)`` of what it gives does
        it out of order, ``drop()`` never; what is left at its end is delivered then."""
        webhooks = self._environment.webhooks
        held = webhooks.hold()
        try:
            yield held
        finally:
            webhooks.let_go(held)
        held.release()

    def deliver(
        self,
        event: LocalEvent,
        *,
        to: LocalWebhook | None = None,
        times: int = 1,
        age: float = 0,
        forged: bool = False,
        signature: str = "usual",
        bare: bool = False,
    ) -> list[Delivery]:
        """Deliver an event now, perhaps once more, and wait for the answers. It is not repeated
        when it fails. The keywords are those of :meth:`webhooks_next`.

        :param to: an endpoint; all that listen to it when not given.
        """
        order = WebhookOrder(times, age, forged, signature, bare)
        return self._environment.webhooks.deliver(event, to, order)

    def sign(self, body: bytes | str, secret: str, *, t: int | None = None) -> str:
        """``WorkOS-Signature`` for any body.

        :param t: milliseconds since the epoch; this server's present when not given.
        """
        now = int(self._environment.clock() * 1000) if t is None else t
        return sign(body, secret, t=now)
