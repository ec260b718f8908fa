"""Makes the script and the style sheet that are served out of their readable sources.

``python .ci/assets.py`` writes them; with ``--check`` it fails when they are not what it would
write.
"""

from __future__ import annotations

import sys
from pathlib import Path

import minify

ROOT = Path(__file__).resolve().parents[1]
UI = ROOT / "flask_workos_sessions" / "ui"
TYPES = {".js": "application/javascript", ".css": "text/css"}


def minified(source: Path) -> str:
    return minify.string(TYPES[source.suffix], source.read_text("utf-8")) + "\n"


def main() -> None:
    check = "--check" in sys.argv
    stale = []
    for source in sorted((UI / "source").iterdir()):
        served, made = UI / "static" / source.name, minified(source)
        if served.exists() and served.read_text("utf-8") == made:
            continue
        stale.append(source.name)
        if not check:
            served.write_text(made, "utf-8")
    if stale and check:
        raise SystemExit(f"Run `make assets`: {', '.join(stale)} changed.")


if __name__ == "__main__":
    main()
