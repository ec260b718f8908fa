"""WorkOS as it answers: its time, its keys, and what it says to our API key. Only GETs are sent."""

from __future__ import annotations

from email.utils import parsedate_to_datetime
from urllib.parse import quote, urlsplit

from ..tokens.key_set import parse_keys
from ..validators import is_loopback
from ..workos.transport import Answer, Transport, Unreachable
from .finding import Finding, fault, ok, warning
from .subject import Subject

_BASE, _KEY, _CLIENT = "WORKOS_BASE_URL", "WORKOS_API_KEY", "WORKOS_CLIENT_ID"
_PRODUCTION = "api.workos.com"
#: Seconds that an answer may take, in all.
_TIMEOUT = 5.0
#: Seconds that the clocks may differ: without a word, and before tokens are refused.
_CLOSE, _FAR = 5, 60


def base_url(subject: Subject) -> list[Finding]:
    """Where WorkOS is: an app for the public must not believe a local one (security S8)."""
    host = urlsplit(subject.settings.base_url).hostname or ""
    if host == _PRODUCTION or not subject.is_public:
        return []
    what, remedy = f"{_BASE} is {host}, not {_PRODUCTION}.", "Leave it unset."
    if is_loopback(host):
        what = f"{_BASE} is on this machine, and the redirect URI is public: LocalWorkOS signs "
        what, remedy = what + "anybody in as anybody.", "Leave it unset, and use WorkOS's keys."
    return [warning("base-url", what, _BASE, remedy)]


def workos_answers(subject: Subject) -> list[Finding]:
    """Ask WorkOS, if the settings say whom and as whom."""
    settings = subject.settings
    if subject.misread(_BASE):
        return []
    transport = Transport(settings.base_url)
    told: list[Finding] = []
    if settings.client_id:
        begun = subject.clock()
        try:
            answer = transport.call(
                "GET", f"/sso/jwks/{quote(settings.client_id, safe='')}", timeout=_TIMEOUT
            )
        except Unreachable as unreachable:
            return [_unreachable(unreachable)]
        told += clock_difference(answer, (begun + subject.clock()) / 2) + keys(answer)
    if settings.api_key:
        told += api_key(transport, settings.api_key)
    return told


def clock_difference(answer: Answer, now: float) -> list[Finding]:
    """This machine's clock against WorkOS's Date header, which has whole seconds; a cache on the
    way says by Age how old that is (RFC 9111, 5.1)."""
    try:
        told = parsedate_to_datetime(answer.headers.get("Date", "")).timestamp() + 0.5
    except (ValueError, TypeError):
        return [ok("clock", "WorkOS sent no date to compare the clock of this machine with.")]
    age = answer.headers.get("Age", "")
    told += int(age) if age.isdecimal() else 0
    seconds = round(abs(now - told))
    side = "behind" if now < told else "ahead of"
    what, remedy = (
        f"The clock of this machine is {seconds} seconds {side} WorkOS's",
        "Set it by NTP.",
    )
    if seconds > _FAR:
        what += ": tokens are refused, or believed for too long."
        return [fault("clock", what, "", remedy)]
    if seconds > _CLOSE:
        return [warning("clock", f"{what}.", "", remedy)]
    return [ok("clock", "The clock of this machine is WorkOS's.")]


def keys(answer: Answer) -> list[Finding]:
    """The key set, without which no access token can be verified."""
    if answer.status == 404:
        what, remedy = "WorkOS knows no such client id.", "Copy it from the dashboard, API Keys."
        return [fault("key-set", what, _CLIENT, remedy)]
    try:
        found = parse_keys(answer.json()) if answer.status == 200 else {}
    except ValueError:
        found = {}
    if not found:
        what = f"There is no RS256 key in what is answered (status {answer.status})."
        remedy = "See whether something stands between this host and WorkOS."
        return [fault("key-set", what, _BASE, remedy)]
    what = f"The key set has {len(found)} RS256 key{'s' if len(found) > 1 else ''}."
    return [ok("key-set", what, _CLIENT)]


def api_key(transport: Transport, key: str) -> list[Finding]:
    """Whether WorkOS takes the key: it lists an event, which changes nothing."""
    query = {"events": "session.revoked", "limit": "1"}
    try:
        answer = transport.call("GET", "/events", timeout=_TIMEOUT, api_key=key, query=query)
    except Unreachable as unreachable:
        return [_unreachable(unreachable)]
    if answer.status == 401:
        remedy = "Copy it anew from the dashboard: of the environment whose client id is set."
        return [fault("api-key", "WorkOS refuses the API key.", _KEY, remedy)]
    if answer.status == 403:
        remedy = "Give it that permission if `flask workos events` is to run."
        return [warning("api-key", "The API key may not read events.", _KEY, remedy)]
    if answer.status != 200:
        what = f"WorkOS was asked with the API key and answered {answer.status}."
        return [warning("api-key", what, _KEY, "Try again; see WorkOS's status page.")]
    return [ok("api-key", "WorkOS takes the API key.", _KEY)]


def _unreachable(unreachable: Unreachable) -> Finding:
    return fault(
        "reachable",
        f"WorkOS cannot be reached ({unreachable}).",
        _BASE,
        "See that this host may call it by HTTPS, or skip this with --offline.",
    )
