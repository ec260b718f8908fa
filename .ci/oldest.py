"""Prints pip constraints: the oldest version that setup.cfg allows of each dependency.

Where the tests need a newer one than the package does, pyproject.toml's group "test" says so, and
counts.
"""

from __future__ import annotations

import configparser
import re
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]
_REQUIREMENT = re.compile(r"(?P<name>[\w.-]+)(?:\[[\w,-]+\])?(?:\s*>=\s*(?P<oldest>\d[\d.]*))?")


def _oldest(requirement: str) -> tuple[str, str | None]:
    found = _REQUIREMENT.fullmatch(requirement.strip())
    if found is None:
        raise SystemExit(f"{requirement!r} has another form than name>=version.")
    return re.sub(r"[-_.]+", "-", found["name"]).lower(), found["oldest"]


def _order(version: str) -> list[int]:
    return [int(part) for part in version.split(".")]


def oldest() -> dict[str, str]:
    """The oldest allowed versions by name."""
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg", encoding="utf-8")
    sections = [setup["options"]["install_requires"], *setup["options.extras_require"].values()]
    versions: dict[str, str] = {}
    for requirement in "\n".join(sections).split("\n"):
        if not requirement.strip():
            continue
        name, version = _oldest(requirement)
        if version is None:
            raise SystemExit(f"setup.cfg does not say how old {name} may be.")
        versions[name] = version
    groups = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["dependency-groups"]
    for requirement in groups["test"]:
        name, version = _oldest(requirement)
        if version is not None and name in versions:
            versions[name] = max(versions[name], version, key=_order)
    return versions


if __name__ == "__main__":
    sys.stdout.writelines(f"{name}=={version}\n" for name, version in oldest().items())
