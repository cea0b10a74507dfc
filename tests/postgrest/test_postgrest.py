"""A browser's way to a machine: a token, PostgREST, the official clients."""

from __future__ import annotations

import json
import subprocess
from typing import Any

import pytest

from tests.database.order import COURIER, CUSTOMER, RESTAURANT
from tests.postgrest.rest import HERE, Rest, signed

ORDER = {"customer_id": CUSTOMER, "restaurant_id": RESTAURANT, "total": 12.5}
ERRORS: list[tuple[str, dict[str, Any], int, str]] = [
    ("send_event", {"machine": "order", "id": "", "event": {"no": 1}}, 400, "malformed_event"),
    ("order_accept", {"id": "", "prep_minutes": None}, 400, "malformed_payload"),
    ("order_accept", {"id": "", "prep_minutes": 0}, 422, "check_violated"),
    ("order_complete", {"id": ""}, 403, "denied"),
    ("order_accept", {"id": "absent", "prep_minutes": 5}, 404, "not_found"),
    (
        "send_event",
        {"machine": "ordr", "id": "", "event": {"type": "x"}},
        404,
        "unknown_machine",
    ),
    ("order_accept", {"id": "", "prep_minutes": 5, "expected_seq": 9}, 409, "seq_mismatch"),
    ("create_order", {"id": "", **ORDER}, 409, "already_exists"),
    ("order_reject", {"id": "", "reason": "x" * 1_100_000}, 413, "too_large"),
    ("create_order", {"id": "cheap", **ORDER, "total": -1}, 422, "check_violated"),
]


@pytest.fixture
def customer(rest: Rest) -> str:
    return rest.token(sub=CUSTOMER)


@pytest.fixture
def restaurant(rest: Rest) -> str:
    return rest.token(sub="r", restaurant_id=RESTAURANT)


@pytest.fixture
def order(rest: Rest, customer: str, request: pytest.FixtureRequest) -> str:
    """A new order of the customer's."""
    id = request.node.name
    assert rest.rpc("create_order", {"id": id, **ORDER}, customer).status == 200
    return str(id)


def test_the_python_client_creates_sends_and_lists(
    rest: Rest, customer: str, restaurant: str
) -> None:
    from postgrest import APIError, SyncPostgrestClient

    def client(token: str) -> Any:
        headers = {"Authorization": f"Bearer {token}"}
        return SyncPostgrestClient(rest.url, schema="api", headers=headers)

    with client(customer) as own, client(restaurant) as kitchen, client(rest.token()) as other:
        assert own.rpc("create_order", {"id": "py", **ORDER}).execute().data["state"] == ["offered"]
        accept = {"id": "py", "prep_minutes": 15}
        assert kitchen.rpc("order_accept", accept).execute().data["state_value"] == "preparing"
        table = "order_instance"
        listed = own.table(table).select("id,total").eq("id", "py").gt("prep_minutes", 10).execute()
        assert listed.data == [{"id": "py", "total": 12.5}]
        assert other.table(table).select("*").execute().data == []
        with pytest.raises(APIError) as refused:
            kitchen.rpc("order_accept", accept).execute()
        assert refused.value.code == "PT409"


def test_the_clients_of_the_browser_do_the_same(rest: Rest, customer: str, restaurant: str) -> None:
    command = ["node", "clients.mjs", rest.url, customer, restaurant, "js"]
    ran = subprocess.run(command, cwd=HERE, capture_output=True, text=True, timeout=60)
    assert ran.returncode == 0, ran.stderr
    expected = {
        "created": [200, ["offered"]],
        "accepted": [200, "preparing"],
        "listed": [{"state_value": "preparing", "prep_minutes": 20}],
        "denied": [403, "PT403", "denied"],
    }
    assert json.loads(ran.stdout) == {"plain": expected, "supabase": expected}


def test_reading_goes_by_get_and_by_post(rest: Rest, customer: str, order: str) -> None:
    for path in (
        f"/rpc/get_instance?machine=order&id={order}",
        f"/order_instance?id=eq.{order}&select=id,state,seq",
        f"/rpc/enabled_events?machine=order&id={order}",
        f"/rpc/history?machine=order&id={order}",
    ):
        assert rest.request("GET", path, token=customer).status == 200, path
        refused = rest.request("GET", path, token=rest.token(sub=COURIER))
        assert refused.status == 404 or refused.body == [], path
    arguments = {"machine": "order", "id": order}
    assert rest.rpc("get_instance", arguments, customer).body["status"] == "running"


@pytest.mark.parametrize(("function", "arguments", "status", "code"), ERRORS)
def test_an_error_is_an_http_status_with_a_code(
    rest: Rest,
    order: str,
    function: str,
    arguments: dict[str, object],
    status: int,
    code: str,
) -> None:
    token = rest.token(sub=CUSTOMER, restaurant_id=RESTAURANT)
    answer = rest.rpc(function, of(order, arguments), token)
    assert answer.status == status, answer.body
    assert json.loads(answer.body["details"])["error"] == code


def of(order: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """The arguments, about this order where they leave the id empty."""
    return {key: order if (key, value) == ("id", "") else value for key, value in arguments.items()}


def test_the_official_clients_tell_each_error_by_status_and_code(rest: Rest, order: str) -> None:
    """400, 403, 404, 409, 413, 422, and 401 for a token that is not ours."""
    from postgrest import APIError, SyncPostgrestClient

    token = rest.token(sub=CUSTOMER, restaurant_id=RESTAURANT)
    calls = [(token, name, of(order, given)) for name, given, _, _ in ERRORS]
    expected = [[status, f"PT{status}", code] for _, _, status, code in ERRORS]
    forged = signed({"role": rest.user}, "another secret, 32 characters or more")
    calls.append((forged, "get_instance", {"machine": "order", "id": order}))
    expected.append([401, "PGRST301", None])
    command = ["node", "errors.mjs", rest.url]
    ran = subprocess.run(
        command, cwd=HERE, input=json.dumps(calls), capture_output=True, text=True, timeout=60
    )
    assert ran.returncode == 0, ran.stderr
    assert json.loads(ran.stdout) == {"plain": expected, "supabase": expected}
    for (sent, function, arguments), (_, sqlstate, code) in zip(calls, expected, strict=True):
        headers = {"Authorization": f"Bearer {sent}"}
        with (
            SyncPostgrestClient(rest.url, schema="api", headers=headers) as client,
            pytest.raises(APIError) as refused,
        ):
            client.rpc(function, arguments).execute()
        assert refused.value.code == sqlstate
        assert code is None or json.loads(str(refused.value.details))["error"] == code


def test_a_token_of_another_secret_is_nobodys(rest: Rest, order: str) -> None:
    forged = signed({"role": rest.user, "sub": CUSTOMER}, "another secret, 32 characters or more")
    arguments = {"machine": "order", "id": order}
    assert rest.rpc("get_instance", arguments, forged).status == 401
    stolen = signed({"role": "pawl_admin", "sub": CUSTOMER})
    assert rest.rpc("get_instance", arguments, stolen).status in (401, 403)
    assert rest.rpc("get_instance", arguments).status == 404, "anon is a client like any other"


def test_nothing_but_the_api_is_there(rest: Rest, customer: str, order: str) -> None:
    for path in ("/instance", "/journal", "/outbox"):
        assert rest.request("GET", path, token=customer).status == 404, path
    for profile in ("pawl", "pawl_order"):
        headers = {"Accept-Profile": profile}
        answer = rest.request("GET", "/instance", token=customer, headers=headers)
        assert answer.status == 406
    for method in ("POST", "PATCH", "DELETE"):
        body = None if method == "DELETE" else {"id": order, "status": "done"}
        answer = rest.request(method, f"/order_instance?id=eq.{order}", body, token=customer)
        assert answer.status == 403, method
    assert rest.rpc("pause_instance", {"machine": "order", "id": order}, customer).status == 403
    privately = f"/order_instance?id=eq.{order}&select=customer_id"
    assert rest.request("GET", privately, token=customer).status == 400


def test_openapi_documents_the_machine(rest: Rest, customer: str) -> None:
    api = rest.request("GET", "/", token=customer).body
    assert {"id", "state", "state_value", "total"} <= api["definitions"]["order_instance"][
        "properties"
    ].keys()
    accept = api["paths"]["/rpc/order_accept"]["post"]
    assert accept["summary"] == "Send accept to an instance of order"
    (arguments,) = (p["schema"] for p in accept["parameters"] if p.get("name") == "args")
    assert arguments["required"] == ["id", "prep_minutes"]
    assert arguments["properties"]["prep_minutes"]["format"] == "integer"
    assert "/rpc/pause_instance" not in api["paths"]


def test_what_is_forbidden_and_unreadable_is_as_absent_over_http(rest: Rest, order: str) -> None:
    token = rest.token(sub="eve")
    attempts: list[tuple[str, dict[str, object]]] = [
        ("order_accept", {"prep_minutes": 5}),
        ("order_accept", {"prep_minutes": None}),
        ("send_event", {"machine": "order", "event": {"type": "unheard_of"}}),
        ("send_event", {"machine": "order", "event": {"no": 1}}),
        ("send_event", {"machine": "order", "event": {"type": "complete"}, "expected_seq": 9}),
        ("get_instance", {"machine": "order"}),
        ("enabled_events", {"machine": "order"}),
    ]
    for function, arguments in attempts:
        forbidden = rest.rpc(function, {"id": order, **arguments}, token)
        absent = rest.rpc(function, {"id": "gone", **arguments}, token)
        assert forbidden.status == absent.status == 404, function
        assert json.dumps(forbidden.body).replace(order, "gone") == json.dumps(absent.body)
