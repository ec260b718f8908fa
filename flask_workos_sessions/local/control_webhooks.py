"""``POST /local/…``: webhooks, how they go wrong, and events of any name."""

from __future__ import annotations

from dataclasses import asdict, fields
from typing import Any

from flask import Blueprint
from flask.typing import ResponseReturnValue

from .control_body import json_object, number, sent, text, texts
from .environment import Environment
from .webhook_order import WebhookOrder

_ORDER = tuple(each.name for each in fields(WebhookOrder))


def add_webhook_controls(control: Blueprint, environment: Environment) -> None:
    """``/webhook``, ``/remove-webhook``, ``/webhooks-next``, ``/deliveries`` and ``/emit``."""
    webhooks = environment.webhooks

    @control.post("/webhook")
    def add() -> ResponseReturnValue:
        given = sent("url", "events", "secret")
        events = texts(given, "events") if "events" in given else None
        secret = text(given, "secret") if "secret" in given else None
        with environment.lock:
            added = webhooks.add(text(given, "url"), events, secret)
        return {"url": added.url, "secret": added.secret}

    @control.post("/remove-webhook")
    def remove() -> ResponseReturnValue:
        url = text(sent("url"), "url")
        with environment.lock:
            return {"removed": webhooks.remove(url)}

    @control.post("/webhooks-next")
    def order_next() -> ResponseReturnValue:
        given = sent("count", *_ORDER)
        count = int(number(given.pop("count", 1)))
        with environment.lock:
            webhooks.order_next(count, _order(given))
        return {"ordered": count}

    @control.post("/deliveries")
    def deliveries() -> ResponseReturnValue:
        sent()
        return {"deliveries": [asdict(each) for each in webhooks.courier.journal]}

    @control.post("/emit")
    def emit() -> ResponseReturnValue:
        given = sent("event", "data", "context")
        data, context = json_object(given, "data"), json_object(given, "context")
        with environment.lock:
            return environment.events.emit(text(given, "event"), data, context).as_json()


def _order(given: dict[str, Any]) -> WebhookOrder:
    for name, value in given.items():
        wanted = type(getattr(WebhookOrder, name))
        if wanted in (int, float):
            given[name] = wanted(number(value))
        elif not isinstance(value, wanted):
            raise ValueError(f"{name} is no {wanted.__name__}.")
    return WebhookOrder(**given)
