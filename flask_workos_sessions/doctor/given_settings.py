"""The settings as they were given: what is set and where, what is wrong, what is misspelt."""

from __future__ import annotations

import difflib
import re
from dataclasses import asdict, dataclass, fields

from ..lookup import look_up
from ..settings import KNOWN, PREFIX, Settings
from .finding import Finding, fault, ok, warning
from .masking import MASK, show, show_url
from .subject import Subject

_NAME = re.compile(rf"{PREFIX}[A-Z_]+[A-Z]")


@dataclass(frozen=True, slots=True)
class GivenSetting:
    """A setting, where its value comes from, and the value, masked."""

    name: str
    source: str
    value: str

    def as_json(self) -> dict[str, str]:
        return asdict(self)


def given_settings(subject: Subject) -> list[GivenSetting]:
    """Every setting there is."""
    listed = []
    for each in fields(Settings):
        name = PREFIX + each.name.upper()
        found = look_up(name, subject.config, subject.environ)
        value = getattr(subject.settings, each.name)
        if found is None:
            shown = "" if value in (None, "", ()) else show(value, secret=False)
            listed.append(GivenSetting(name, "default", shown))
        elif value == each.default and subject.misread(name):
            listed.append(GivenSetting(name, found.source, MASK))
        elif name == "WORKOS_CACHE_REDIS_URL":
            listed.append(GivenSetting(name, found.source, show_url(value)))
        else:
            shown = show(value, secret=each.metadata["secret"])
            listed.append(GivenSetting(name, found.source, shown))
    return listed


def what_is_set(subject: Subject) -> list[Finding]:
    """One line for each setting that has not its default."""
    every = given_settings(subject)
    given = [each for each in every if each.source != "default"]
    told = [
        ok("settings", f"{each.name} = {each.value} ({each.source})", each.name)
        for each in given
        if not subject.misread(each.name)  # a fault, which is told below
    ]
    return [*told, ok("settings", f"{len(every) - len(given)} other settings have their defaults.")]


def what_is_wrong(subject: Subject) -> list[Finding]:
    """What the app would not start with, in the words of its ConfigurationError."""
    told = []
    for each in subject.faults:
        named = _NAME.search(each)
        told.append(fault("configuration", each, named[0] if named else "", ""))
    return told


def misspelt_variables(subject: Subject) -> list[Finding]:
    """Variables of the environment that are nearly ours: there, they may also be another's."""
    told = []
    for name in sorted(subject.environ):
        if not name.startswith(PREFIX) or name in KNOWN:
            continue
        near = difflib.get_close_matches(name, KNOWN, n=1, cutoff=0.8)
        if near:
            told.append(
                warning(
                    "variables",
                    f"{name} in the environment is no setting of ours, and is not looked at.",
                    near[0],
                    f"Did you mean {near[0]}?",
                )
            )
    return told
