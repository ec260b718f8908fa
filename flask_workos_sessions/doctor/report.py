"""What was found, to read or as JSON. No secret passes through here."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from .examination import Group
from .finding import Finding
from .given_settings import given_settings
from .masking import without_secrets
from .subject import Subject

_MARKS = {"ok": "ok     ", "warning": "WARNING", "fault": "FAULT  "}


def counts(groups: Sequence[Group]) -> dict[str, int]:
    """How many findings there are of each level."""
    found = Counter(each.level for group in groups for each in group.findings)
    return {"fault": found["fault"], "warning": found["warning"], "ok": found["ok"]}


def failed(groups: Sequence[Group], *, strict: bool) -> bool:
    """Whether a deployment is to stop."""
    found = counts(groups)
    return bool(found["fault"] or (strict and found["warning"]))


def as_text(subject: Subject, groups: Sequence[Group]) -> str:
    """One line for each finding, in groups, and one for all."""
    secrets = tuple(subject.secrets())
    lines = []
    for group in groups:
        if group.findings:
            lines += [group.name, *(_line(each, secrets) for each in group.findings), ""]
    found = counts(groups)
    faults, warnings = found["fault"], found["warning"]
    lines.append(f"{_counted(faults, 'fault')}, {_counted(warnings, 'warning')}, {found['ok']} ok.")
    return "\n".join(lines)


def as_json(subject: Subject, groups: Sequence[Group]) -> str:
    """The same for a program, with every setting."""
    secrets = tuple(subject.secrets())

    def masked(members: dict[str, Any]) -> dict[str, str]:
        return {name: without_secrets(text, secrets) for name, text in members.items()}

    found = counts(groups)
    document = {
        "status": next((level for level in ("fault", "warning") if found[level]), "ok"),
        "counts": found,
        "findings": [
            {"group": group.name, **masked(asdict(each))}
            for group in groups
            for each in group.findings
        ],
        "settings": [masked(each.as_json()) for each in given_settings(subject)],
    }
    return json.dumps(document, indent=2, ensure_ascii=False)


def _line(finding: Finding, secrets: Sequence[str]) -> str:
    what = finding.what
    if finding.setting and finding.setting not in what + finding.remedy and finding.level != "ok":
        what = f"{finding.setting}: {what}"
    text = without_secrets(f"{what} {finding.remedy}".strip(), secrets)
    return f"  {_MARKS[finding.level]} {' '.join(text.split())}"


def _counted(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"
