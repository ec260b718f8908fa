"""What docs/quickstart.md says, done as it says: two terminals, a browser, two people."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
import requests

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "quickstart.md").read_text(encoding="utf-8")
BROWSER = {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document", "Accept": "text/html"}


def _blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.M | re.S)


def _command(beginning: str) -> str:
    """The line of the page that begins so."""
    lines = "\n".join(_blocks("sh")).splitlines()
    return next(line for line in lines if line.startswith(beginning))


class _Quickstart(NamedTuple):
    url: str
    workos: subprocess.Popen[str]


@pytest.fixture
def quickstart(tmp_path: Path) -> Iterator[_Quickstart]:
    """Both terminals, on free ports."""
    (tmp_path / "hello.py").write_text(_blocks("python")[0], encoding="utf-8")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    url = f"http://localhost:{port}"
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environ = {name: each for name, each in os.environ.items() if not name.startswith("WORKOS_")}
    environ |= {"PATH": path, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}

    def begin(command: str, output: int) -> subprocess.Popen[str]:
        return subprocess.Popen(
            ["bash", "-ec", f"exec {command}" if "\n" not in command else command],
            cwd=tmp_path,
            env=environ,
            stdout=output,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    local = _command("flask workos local")
    workos = begin(f"{local} --port 0 --redirect-uri {url}/auth/callback", subprocess.PIPE)
    assert workos.stdout is not None
    exports: list[str] = []
    while not exports or exports[-1]:
        line = workos.stdout.readline().rstrip("\n")
        if line.startswith("export ") or exports:
            exports.append(line)
    run = _command("flask --app hello run")
    app = begin("\n".join([*exports, f"exec {run} --port {port}"]), subprocess.DEVNULL)
    try:
        _wait_for(f"{url}/auth/signed-out")
        yield _Quickstart(url, workos)
    finally:
        for each in (app, workos):
            each.terminate()
            each.wait(20)
        workos.stdout.close()


def _wait_for(url: str) -> None:
    deadline = time.monotonic() + 40
    while True:
        try:
            requests.get(url, timeout=5)
            return
        except requests.ConnectionError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


def _open(browser: requests.Session, url: str, who: str) -> requests.Response:
    """Open a page, and click on somebody where WorkOS asks who it is."""
    asked = browser.get(url, headers=BROWSER, timeout=20)
    button = re.search(rf'name="user" value="([^"]+)"(?:(?!name="user").)*?{who}', asked.text, re.S)
    assert button is not None, asked.text
    return browser.post(asked.url, data={"user": button[1]}, headers=BROWSER, timeout=20)


def test_what_the_quickstart_says_is_seen(quickstart: _Quickstart) -> None:
    alice, bob = requests.Session(), requests.Session()
    page = _open(alice, quickstart.url, "Alice")
    assert (page.status_code, page.url) == (200, f"{quickstart.url}/")
    assert "Hello Alice" in page.text
    assert re.search(r"/session[\w.-]*\.js", page.text), "the warning comes by itself"
    assert alice.get(f"{quickstart.url}/members", headers=BROWSER, timeout=20).ok

    assert _open(bob, f"{quickstart.url}/members", "Bob").status_code == 403
    assert bob.get(quickstart.url, headers=BROWSER, timeout=20).ok

    quickstart.workos.send_signal(signal.SIGINT)
    quickstart.workos.wait(20)
    page = alice.get(quickstart.url, headers=BROWSER, timeout=20)
    assert page.ok
    assert "Hello Alice" in page.text
    for each in (alice, bob):
        each.close()


def test_the_addresses_of_the_quickstart_are_those_of_the_extension() -> None:
    rows = dict(re.findall(r"^\| \*\w+\*: ([\w -]+) \| `(\S+)` \|$", PAGE, re.M))
    exported = re.search(r"^export WORKOS_REDIRECT_URI=(\S+)$", PAGE, re.M)
    assert exported is not None
    assert rows == {
        "redirect URI": exported[1],
        "sign-in endpoint": exported[1].replace("/callback", "/login"),
        "sign-out redirect": exported[1].replace("auth/callback", ""),
    }
