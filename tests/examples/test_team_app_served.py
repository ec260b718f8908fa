"""The sample app under gunicorn, with four workers, as its README has it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import requests

from flask_workos_sessions.local import LocalWorkOS

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("backend", ["sqlite", "redis"])
def test_four_workers_sign_somebody_in_and_out(backend, tmp_path, request):
    with LocalWorkOS() as workos:
        settings = workos.settings("http://localhost/auth/callback")
        settings["WORKOS_CACHE_DIR"] = str(tmp_path / "state")
        if backend == "redis":
            del settings["WORKOS_CACHE_DIR"]
            settings["WORKOS_CACHE_REDIS_URL"] = request.getfixturevalue("redis_server").url
        environ = {
            name: value if isinstance(value, str) else json.dumps(value)
            for name, value in settings.items()
        }
        command = [sys.executable, "-m", "gunicorn", "--workers", "4", "--threads", "8"]
        process = subprocess.Popen(
            [*command, "--bind=127.0.0.1:0", "examples.team_app:create_app()"],
            cwd=ROOT,
            env={**os.environ, **environ, "SECRET_KEY": "for the tests"},
            stderr=subprocess.PIPE,
            text=True,
        )
        assert process.stderr is not None
        try:
            port = next(
                found[1]
                for found in (re.search(r"http://\S+:(\d+)", line) for line in process.stderr)
                if found
            )
            drain = threading.Thread(target=process.stderr.read, daemon=True)
            drain.start()
            _sign_in_and_out(f"http://127.0.0.1:{port}", workos)
        finally:
            process.terminate()
            process.wait(30)
            drain.join(5)
            process.stderr.close()


def _sign_in_and_out(url: str, workos: LocalWorkOS) -> None:
    browser = requests.Session()
    browser.headers.update({"Accept": "text/html", "Sec-Fetch-Mode": "navigate"})
    # Each request on a connection of its own: any worker may answer.
    browser.headers["Connection"] = "close"
    # Begun where it comes back to: the workers are asked by another name.
    begun = browser.get(f"{url}/auth/login?moved=1", timeout=20, allow_redirects=False)
    back = workos.approve(begun.headers["Location"], "alice@acme.test")
    path = back.removeprefix("http://localhost")
    assert browser.get(url + path, timeout=20, allow_redirects=False).status_code == 303
    for _ in range(8):
        assert browser.get(f"{url}/account", timeout=20, allow_redirects=False).status_code == 200
    ours = {"Origin": "http://localhost", "Sec-Fetch-Site": "same-origin"}
    before = browser.cookies.copy()
    out = browser.post(f"{url}/auth/logout", headers=ours, timeout=20, allow_redirects=False)
    assert out.status_code == 303
    time.sleep(1.1)  # For so long a worker may believe what it has looked up.
    browser.cookies = before
    for _ in range(8):
        answer = browser.get(f"{url}/account", timeout=20, allow_redirects=False)
        assert answer.headers["Location"].startswith("/auth/signed-out?reason=signed_out")
