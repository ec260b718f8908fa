"""``GET /events``: a page of what has happened, oldest first (workos.md §2.1)."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

from werkzeug.datastructures import MultiDict

from .answers import ApiError, api_error
from .events import LocalEvent

#: A time has to end in ``Z``: WorkOS does not take ``+00:00``.
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,9})?)?Z", re.ASCII)


def list_events(kept: list[LocalEvent], asked: MultiDict[str, str]) -> dict[str, Any]:
    """The page of ``kept`` (oldest first) that a query asks for.

    WorkOS does not say whether the ends of a range are in it, and what it answers to a cursor
    that it does not know. Here ``range_start`` is in it and ``range_end`` is not.

    :raises ApiError: 422 for a query that cannot be, 400 for a cursor that is not known (any
        more).
    """
    names = {name for given in asked.getlist("events") for name in given.split(",") if name}
    if not names:
        raise _unprocessable("events is required.")
    after = asked.get("after")
    if after is not None and "range_start" in asked:
        raise _unprocessable("after and range_start exclude each other.")
    limit = _limit(asked)
    start, end = _time(asked, "range_start"), _time(asked, "range_end")
    if after is not None:
        kept = _since(kept, after)
    wanted = [
        event
        for event in kept
        if event.event in names
        and (start is None or start <= event.told_at)
        and (end is None or event.told_at < end)
        and asked.get("organization_id") in (None, event.organization_id)
    ]
    shown = wanted[:limit]
    more = len(wanted) > limit
    return {
        "object": "list",
        "data": [event.as_json() for event in shown],
        "list_metadata": {"before": None, "after": shown[-1].id if more else None},
    }


def _limit(asked: MultiDict[str, str]) -> int:
    given = asked.get("limit", "10")
    if not re.fullmatch("[0-9]{1,3}", given) or not 1 <= int(given) <= 100:
        raise _unprocessable("limit is a number from 1 to 100.")
    return int(given)


def _since(kept: list[LocalEvent], cursor: str) -> list[LocalEvent]:
    for number, event in enumerate(kept):
        if event.id == cursor:
            return kept[number + 1 :]
    raise ApiError(400, {"message": f"Could not find the event '{cursor}'."})


def _time(asked: MultiDict[str, str], name: str) -> float | None:
    given = asked.get(name)
    if given is None:
        return None
    if _TIME.fullmatch(given):
        try:
            return datetime.fromisoformat(given).timestamp()
        except ValueError:
            pass  # such as a 13th month
    raise _unprocessable(f"{name} is a time in ISO 8601 that ends in Z.")


def _unprocessable(message: str) -> ApiError:
    return api_error("invalid_request_parameters", message, 422)
