"""Who may see a view."""

import asyncio

import pytest
from flask import Blueprint, Flask, jsonify
from flask.views import MethodView, View

from flask_workos_sessions import (
    Impersonator,
    WorkOSSessions,
    current_session,
    current_user,
    errors,
    login_required,
    public,
)
from flask_workos_sessions.testing import login_as, settings

SCRIPT = {"Sec-Fetch-Mode": "cors", "Sec-Fetch-Site": "same-origin"}


def ask(client, path="/guarded", method="GET"):
    return client.open(path, method=method, headers=SCRIPT)


def guard(app, **requirements):
    app.add_url_rule("/guarded", "guarded", login_required(**requirements)(lambda: "in"))


def test_nobody_is_401_and_somebody_is_let_in(app, client):
    app.add_url_rule("/guarded", "guarded", login_required(lambda: "in"))
    response = ask(client)
    assert (response.status_code, response.json["error"]) == (401, "sign_in_required")
    login_as(client)
    assert ask(client).text == "in"


@pytest.mark.parametrize(
    ("requirements", "held", "error"),
    [
        ({"role": "admin"}, {"role": "member"}, "insufficient_role"),
        ({"role": ["admin", "owner"]}, {"role": "member"}, "insufficient_role"),
        ({"permission": ["a", "b"]}, {"permissions": ["a"]}, "insufficient_permission"),
        ({"entitlement": "sso"}, {"entitlements": ["x"]}, "entitlement_required"),
        ({"feature_flag": "beta"}, {}, "feature_flag_required"),
        ({"organization": True}, {}, "organization_required"),
        ({"organization": "org_1"}, {"organization_id": "org_2"}, "organization_required"),
    ],
)
def test_what_is_lacking_is_403_and_named(app, client, requirements, held, error):
    guard(app, **requirements)
    login_as(client, **held)
    response = ask(client)
    assert (response.status_code, response.json["error"]) == (403, error)
    (name,) = requirements
    wanted = requirements[name]
    assert response.json["required"] == {
        name: wanted if isinstance(wanted, list) or name == "organization" else [wanted]
    }


@pytest.mark.parametrize(
    ("requirements", "held"),
    [
        ({"role": "admin"}, {"role": "admin"}),
        ({"role": ["admin", "owner"]}, {"role": "member", "roles": ["member", "owner"]}),
        ({"permission": ["a", "b"]}, {"permissions": ["a", "b", "c"]}),
        ({"entitlement": "sso"}, {"entitlements": ["sso"]}),
        ({"feature_flag": "beta"}, {"feature_flags": ["beta"]}),
        ({"organization": True}, {"organization_id": "org_2"}),
        ({"organization": "org_2"}, {"organization_id": "org_2"}),
        ({"organization": False}, {}),
        ({"role": "admin", "permission": "p"}, {"role": "admin", "permissions": ["p"]}),
    ],
)
def test_what_is_there_is_enough(app, client, requirements, held):
    guard(app, **requirements)
    login_as(client, **held)
    assert ask(client).status_code == 200


def test_several_requirements_must_all_hold(app, client):
    guard(app, role="admin", permission="p")
    login_as(client, role="admin")
    assert ask(client).status_code == 403


@pytest.mark.parametrize("empty", ["", [], [""], ["a", ""], [3]])
def test_an_empty_requirement_is_an_error_and_lets_nobody_in(empty):
    with pytest.raises(ValueError, match="role"):
        login_required(role=empty)


@pytest.mark.parametrize("organization", ["", 7, []])
def test_an_odd_organization_is_an_error_and_lets_nobody_in(organization):
    with pytest.raises(ValueError, match="organization"):
        login_required(organization=organization)


@pytest.mark.parametrize("max_age", [-1, 0, 29, True, 3.5, 10**9])
def test_an_odd_max_age_is_an_error(max_age):
    with pytest.raises(ValueError, match="max_age"):
        login_required(max_age=max_age)


def test_a_word_in_place_of_the_view_is_an_error():
    with pytest.raises(TypeError, match="keywords"):
        login_required("admin")


@pytest.mark.parametrize("age", [0, 59, 60])
def test_max_age_is_inclusive(app, client, age):
    guard(app, max_age=60)
    clock = app.extensions["workos_sessions.parts"].clock
    login_as(client, authenticated_at=int(clock()) - age + 1)
    assert ask(client).status_code == 200


@pytest.mark.parametrize("claims", [{"auth_time": None}, {"auth_time": "now"}])
def test_security_g2_a_missing_auth_time_is_not_recent(app, client, claims):
    guard(app, max_age=60)
    login_as(client, claims=claims)
    response = ask(client)
    assert (response.status_code, response.json["error"]) == (401, "recent_sign_in_required")
    assert response.json["required"] == {"max_age": 60}


def test_security_g2_an_auth_time_in_the_future_is_not_recent(app, client):
    guard(app, max_age=60)
    clock = app.extensions["workos_sessions.parts"].clock
    login_as(client, authenticated_at=int(clock()) + 3600)
    assert ask(client).status_code == 401


def test_security_g2_an_impersonator_does_not_pass_unless_allowed():
    for allowed, status in ((False, 403), (True, 200)):
        app = Flask("impersonated")
        app.config.update(settings(WORKOS_IMPERSONATOR_STEP_UP=allowed))
        WorkOSSessions(app)
        guard(app, max_age=60)
        client = app.test_client()
        login_as(client, impersonator=Impersonator("support@vendor.test"))
        assert ask(client).status_code == status


def test_tuples_and_responses_of_a_view_pass_through(app, client):
    """Peers: bug class P, scalekit #189."""
    app.add_url_rule(
        "/guarded", "guarded", login_required(lambda: (jsonify(a=1), 201, {"X-A": "b"}))
    )
    login_as(client)
    response = ask(client)
    assert (response.status_code, response.json, response.headers["X-A"]) == (201, {"a": 1}, "b")


def test_async_views_are_guarded(app, client):
    @app.get("/guarded")
    @login_required
    async def view():
        await asyncio.sleep(0)
        return current_user.id

    assert ask(client).status_code == 401
    login_as(client)
    assert ask(client).text == "user_test"


def test_the_name_and_docstring_of_a_view_stay(app):
    def report():
        """Numbers."""

    guarded = login_required(role="admin")(report)
    assert (guarded.__name__, guarded.__doc__) == ("report", "Numbers.")


class Simple(View):
    def dispatch_request(self):
        return "in"


def test_class_based_views_are_guarded_by_decorators_and_above_the_class(app, client):
    @login_required(role="admin")
    class Above(MethodView):
        def get(self):
            return "in"

        def post(self):
            return "in"

    class Listed(Simple):
        decorators = (login_required,)

    app.add_url_rule("/above", view_func=Above.as_view("above"))
    app.add_url_rule("/listed", view_func=Listed.as_view("listed"))
    app.add_url_rule("/open", view_func=Simple.as_view("open"))
    for path in ("/above", "/listed"):
        assert ask(client, path).status_code == 401
    assert ask(client, "/above", "POST").status_code == 401
    assert ask(client, "/open").status_code == 200
    login_as(client, role="admin")
    assert ask(client, "/above", "POST").text == "in"
    assert ask(client, "/listed").text == "in"


def test_security_g1_head_is_get_and_only_automatic_options_are_exempt(app, client):
    guard(app)

    @app.route("/own", methods=["GET", "OPTIONS"], provide_automatic_options=False)
    @login_required
    def own():
        return "secret"

    assert ask(client, method="HEAD").status_code == 401
    assert ask(client, method="OPTIONS").status_code == 200
    assert ask(client, "/own", "OPTIONS").status_code == 401


# Secure by default, when asked.


def protected(**more):
    app = Flask(__name__, static_folder=".", static_url_path="/static")
    app.config.update(settings(WORKOS_PROTECT_ALL=True, **more))
    WorkOSSessions(app)
    return app


def test_protect_all_guards_what_has_no_mark():
    app = protected()
    app.add_url_rule("/a", "a", lambda: "a")
    app.add_url_rule("/b", "b", public(lambda: "b"))
    client = app.test_client()
    assert ask(client, "/a").status_code == 401
    assert ask(client, "/b").status_code == 200
    assert ask(client, "/missing").status_code == 404
    with ask(client, "/static/test_guards.py") as response:
        assert response.status_code == 200
    for path in ("/auth/login", "/auth/callback", "/auth/signed-out", "/auth/logout"):
        assert client.get(path).status_code != 401
    assert ask(client, "/a", "OPTIONS").status_code == 200


def test_security_g1_a_view_called_static_in_a_blueprint_is_guarded():
    app = protected()
    blueprint = Blueprint("files", __name__)
    blueprint.add_url_rule("/files", "static", lambda: "secret")
    app.register_blueprint(blueprint)
    real = Blueprint("assets", __name__, static_folder=".", static_url_path="/assets")
    app.register_blueprint(real)
    client = app.test_client()
    assert ask(client, "/files").status_code == 401
    with ask(client, "/assets/test_guards.py") as response:
        assert response.status_code == 200


def test_security_g1_public_is_not_inherited():
    app = protected()

    @public
    class Open(Simple):
        pass

    class Child(Open):
        pass

    app.add_url_rule("/open", view_func=Open.as_view("open"))
    app.add_url_rule("/child", view_func=Child.as_view("child"))
    client = app.test_client()
    assert ask(client, "/open").status_code == 200
    assert ask(client, "/child").status_code == 401


def test_public_on_a_method_opens_that_method():
    app = protected()

    class Mixed(MethodView):
        @public
        def get(self):
            return "open"

        def post(self):
            return "closed"

    app.add_url_rule("/mixed", view_func=Mixed.as_view("mixed"))
    client = app.test_client()
    assert ask(client, "/mixed").status_code == 200
    assert ask(client, "/mixed", "POST").status_code == 401


def test_protected_paths_with_exceptions():
    app = Flask("paths")
    app.config.update(
        settings(WORKOS_PROTECTED_PATHS=["/app/*"], WORKOS_PUBLIC_PATHS=["/app/open/*"])
    )
    WorkOSSessions(app)
    app.add_url_rule("/", "any", lambda: "x")
    app.add_url_rule("/<path:path>", "path", lambda path: path)
    client = app.test_client()
    for path, status in {
        "/": 200,
        "/application": 200,
        "/app": 401,
        "/app/": 401,
        "/app/x": 401,
        "/app/open/x": 200,
    }.items():
        assert ask(client, path).status_code == status, path


def test_a_protected_blueprint(app, client):
    blueprint = Blueprint("team", __name__)
    blueprint.add_url_rule("/team", "team", lambda: "in")
    blueprint.add_url_rule("/team/open", "open", public(lambda: "open"))
    app.sessions.protect(blueprint)
    app.register_blueprint(blueprint)
    app.add_url_rule("/other", "other", lambda: "other")
    assert ask(client, "/team").status_code == 401
    assert ask(client, "/team/open").status_code == 200
    assert ask(client, "/other").status_code == 200
    login_as(client)
    assert ask(client, "/team").status_code == 200


def test_a_factory_may_protect_a_blueprint_again():
    sessions, blueprint = WorkOSSessions(), Blueprint("shared", __name__)
    blueprint.add_url_rule("/shared", "shared", lambda: "in")
    for _ in range(2):
        app = Flask("made")
        app.config.update(settings())
        sessions.init_app(app)
        app.register_blueprint(sessions.protect(blueprint))
        assert ask(app.test_client(), "/shared").status_code == 401


# Who is it?


def test_current_user_is_never_none_and_falsy_for_nobody(app, client):
    @app.get("/who")
    def who():
        return jsonify(
            none=current_user is None,
            truth=bool(current_user),
            id=current_user.id,
            session=bool(current_session),
        )

    assert client.get("/who").json == {"none": False, "truth": False, "id": None, "session": False}
    login_as(client)
    assert client.get("/who").json["id"] == "user_test"


def test_outside_a_request_nobody_is_signed_in(app):
    assert not current_user
    assert current_user.email is None
    with app.app_context():
        assert not current_session


def test_flask_trap_t1_an_outer_context_shares_nobody(app):
    """Flask-Login #721 and #724: one client sees another one's user."""

    @app.get("/who")
    def who():
        return str(current_user.id)

    with app.app_context():
        one, two, three = app.test_client(), app.test_client(), app.test_client()
        login_as(one, user={"id": "user_1"})
        login_as(two, user={"id": "user_2"})
        seen = [each.get("/who").text for each in (one, two, three, one)]
    assert seen == ["user_1", "user_2", "None", "user_1"]


def test_the_user_loader_makes_the_apps_own_user_once_and_lazily(app, client):
    calls = []

    @app.sessions.user_loader
    def load(session):
        calls.append(session.id)
        return {"name": session.user.first_name}

    @app.get("/open")
    def open_():
        return "open"

    @app.get("/who")
    def who():
        return f"{current_user['name']} {current_user['name']} {current_session.user.id}"

    login_as(client)
    client.get("/open")
    assert calls == []
    assert client.get("/who").text == "Test Test user_test"
    assert len(calls) == 1


def test_a_loader_that_knows_nobody_is_403(app, client):
    app.sessions.user_loader(lambda session: None)
    guard(app)

    @app.errorhandler(errors.UserUnknown)
    def unknown(error):
        return f"sorry {current_user.id}", 403

    login_as(client)
    response = ask(client)
    assert (response.status_code, response.text) == (403, "sorry None")


def test_guards_raise_what_an_app_can_answer_itself(app, client):
    guard(app, role="admin")

    @app.errorhandler(errors.InsufficientRole)
    def lacking(error):
        return {"need": error.required}, 418

    login_as(client, role="member")
    assert ask(client).status_code == 418
    assert ask(client).json == {"need": {"role": ["admin"]}}


def test_an_apps_handler_for_403_gets_our_refusals_too(app, client):
    guard(app, role="admin")

    @app.errorhandler(errors.AccessDenied)
    def denied(error):
        return "own page", 403

    login_as(client)
    assert ask(client).text == "own page"
