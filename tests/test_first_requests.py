"""The first requests of an app come at once."""

import sys
import threading

from flask import Flask

from flask_workos_sessions import WorkOSSessions
from flask_workos_sessions.testing import settings


def test_first_requests_in_parallel_prepare_the_app_once():
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        for _ in range(20):
            app = Flask("first")
            app.config.update(settings())
            WorkOSSessions(app)
            app.add_url_rule("/<name>", "home", lambda name: name)
            start, answers = threading.Barrier(8), []

            def ask(app=app, start=start, answers=answers):
                client = app.test_client()
                start.wait()
                answers.append(client.get("/x").status_code)

            threads = [threading.Thread(target=ask) for _ in range(8)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            assert answers == [200] * 8
            assert len(app.after_request_funcs[None]) == 2
    finally:
        sys.setswitchinterval(interval)
