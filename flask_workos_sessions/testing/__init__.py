"""For the tests of your application: settings without secrets, and signed-in test clients.

::

    from flask_workos_sessions.testing import assert_passive, login_as, settings

    app = create_app(settings())
    client = app.test_client()
    login_as(client, role="admin", permissions=["posts:write"])
    assert client.get("/admin").status_code == 200
    assert_passive(client, "/inbox/unread")

:class:`SessionStoreContract` has the tests of a store of your own.
With ``pytest_plugins = ["flask_workos_sessions.testing.fixtures"]`` you have fixtures too.
"""

from .login import login_as
from .passive import assert_passive
from .session_store import SessionStoreContract
from .settings import settings

__all__ = ["SessionStoreContract", "assert_passive", "login_as", "settings"]
