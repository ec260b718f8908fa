"""What README says works: its Python runs, its commands do, its links lead somewhere."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from flask_workos_sessions.testing import settings

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BIN = Path(sys.executable).parent

_BLOCK = re.compile(r"^( *)```(\w+)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
BLOCKS = [
    (found[2], re.sub(f"^{found[1]}", "", found[3], flags=re.M))
    for found in _BLOCK.finditer(README)
]
PYTHON = [text for language, text in BLOCKS if language == "python"]
COMMANDS = [
    line for language, text in BLOCKS if language == "sh" for line in text.splitlines() if line
]


def environ(**more: str) -> dict[str, str]:
    given = {k: v if isinstance(v, str) else json.dumps(v) for k, v in settings().items()}
    given = {name: value for name, value in given.items() if name.startswith("WORKOS_")}
    path = f"{BIN}{os.pathsep}{os.environ['PATH']}"
    return {**os.environ, **given, "PATH": path, "PYTHONPATH": str(ROOT), **more}


@pytest.mark.parametrize("number", range(len(PYTHON)))
def test_every_python_block_runs(number: int, tmp_path: Path) -> None:
    ran = subprocess.run(
        [sys.executable, "-W", "error", "-c", PYTHON[number]],
        cwd=tmp_path,
        env=environ(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr


def test_the_first_screen_has_ten_lines_that_work_and_make_demo() -> None:
    first_screen = README.split("## ")[0]
    assert "docs/images/warning.png" in first_screen
    assert "make demo" in first_screen
    assert "pip install" in first_screen
    lines = [line for line in PYTHON[0].splitlines() if line.strip() and "<" not in line]
    assert len(lines) <= 10


def test_every_command_is_one_that_is_tried_here() -> None:
    known = ("pip install Flask-WorkOS-Sessions", "make demo", "flask workos local", "export ")
    for line in COMMANDS:
        assert line.startswith((*known, "flask --app hello run")), line


def test_make_knows_the_targets_that_are_named() -> None:
    for target in set(re.findall(r"`make (\w+)`", README)) | {"demo"}:
        subprocess.run(["make", "-n", target], cwd=ROOT, check=True, capture_output=True)


def test_the_hello_app_starts_with_the_exported_settings(tmp_path: Path) -> None:
    (tmp_path / "hello.py").write_text(PYTHON[0], encoding="utf-8")
    exports = "\n".join(line for line in COMMANDS if line.startswith("export "))
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    bare = {name: value for name, value in environ().items() if not name.startswith("WORKOS_")}
    server = subprocess.Popen(
        ["bash", "-ec", f"{exports}\nexec flask --app hello run --port {port}"],
        cwd=tmp_path,
        env=bare,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        body = _page(f"http://127.0.0.1:{port}/auth/signed-out")
    finally:
        server.terminate()
        server.wait(20)
    assert b"Sign in" in body


def _page(url: str) -> bytes:
    deadline = time.monotonic() + 40
    while True:
        try:
            with urllib.request.urlopen(url, timeout=5) as response:
                body: bytes = response.read()
                return body
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


def test_every_link_into_the_project_leads_somewhere() -> None:
    for target in re.findall(r"\]\((?!https?://)([^)#]+)", README):
        assert (ROOT / target).exists(), target
