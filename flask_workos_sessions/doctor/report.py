"""What was found, to read or as JSON. No secret passes through here."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from itertools import groupby
from typing import Any

from .finding import Finding
from .given_settings import given_settings
from .masking import without_secrets
from .subject import Subject

_MARKS = {"ok": "ok     ", "warning": "WARNING", "fault": "FAULT  ", "ignored": "ignored"}


def counts(findings: Sequence[Finding]) -> dict[str, int]:
    """How many findings there are of each level."""
    found = Counter(each.level for each in findings)
    return {level: found[level] for level in ("fault", "warning", "ignored", "ok")}


def failed(findings: Sequence[Finding], *, strict: bool) -> bool:
    """Whether a deployment is to stop."""
    found = counts(findings)
    return bool(found["fault"] or (strict and found["warning"]))


def as_text(subject: Subject, findings: Sequence[Finding]) -> str:
    """One line for each finding, in the parts of the report, and one for all."""
    secrets = tuple(subject.secrets())
    lines = []
    for part, within in groupby(findings, key=lambda each: each.part):
        lines += [part, *(_line(each, secrets) for each in within), ""]
    found = counts(findings)
    total = [_counted(found["fault"], "fault"), _counted(found["warning"], "warning")]
    if found["ignored"]:
        total.append(f"{found['ignored']} ignored")
    lines.append(f"{', '.join(total)}, {found['ok']} ok.")
    return "\n".join(lines)


def as_json(subject: Subject, findings: Sequence[Finding]) -> str:
    """The same for a program, with every setting."""
    secrets = tuple(subject.secrets())

    def masked(members: dict[str, Any]) -> dict[str, str]:
        return {name: without_secrets(text, secrets) for name, text in members.items()}

    found = counts(findings)
    document = {
        "status": next((level for level in ("fault", "warning") if found[level]), "ok"),
        "counts": found,
        "findings": [{"part": each.part, **masked(asdict(each))} for each in findings],
        "settings": [masked(each.as_json()) for each in given_settings(subject)],
    }
    return json.dumps(document, indent=2, ensure_ascii=False)


def _line(finding: Finding, secrets: Sequence[str]) -> str:
    what, tail = finding.what, ""
    if finding.level != "ok":
        tail = f" [{finding.check}]"
        if finding.setting and finding.setting not in what + finding.remedy:
            what = f"{finding.setting}: {what}"
    text = without_secrets(f"{what} {finding.remedy}".strip(), secrets)
    return f"  {_MARKS[finding.level]} {' '.join(text.split())}{tail}"


def _counted(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"
