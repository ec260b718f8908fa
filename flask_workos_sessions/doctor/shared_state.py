"""Where processes share state: whether that is fit for the server, and can be used."""

from __future__ import annotations

from pathlib import Path

from ..coordination.cache import DIRECTORY
from .finding import Finding, fault, ok
from .redis_server import examine_redis
from .sqlite_file import examine_directory
from .subject import Subject

_TYPE = "WORKOS_CACHE_TYPE"


def shared_state(subject: Subject, *, offline: bool) -> list[Finding]:
    """Security R7, and what each store needs."""
    settings = subject.settings
    if subject.misread(_TYPE, "WORKOS_CACHE_REDIS_URL"):
        return []
    kind = settings.cache_type_for(testing=subject.testing)
    if kind == "memory":
        return memory(subject)
    if kind == "redis":
        url = settings.cache_redis_url
        return [] if url is None else examine_redis(url, offline=offline)
    if subject.misread("WORKOS_CACHE_DIR"):
        return []
    if settings.cache_dir is None and subject.instance_path is None:
        return [
            ok(
                "directory",
                "State is shared in Flask's instance folder, which is not known without an app.",
            )
        ]
    directory = settings.cache_dir or str(Path(subject.instance_path or "", DIRECTORY))
    return examine_directory(Path(directory))


def memory(subject: Subject) -> list[Finding]:
    """Memory is for tests: a second process hears of no sign-out."""
    if subject.testing:
        return [ok("memory", "State is in memory, for tests.", _TYPE)]
    return [
        fault(
            "memory",
            f"{_TYPE} is memory: no other process hears of a sign-out or a revocation, and a "
            "restart forgets them.",
            _TYPE,
            "Set sqlite (one host) or redis (several).",
        )
    ]
