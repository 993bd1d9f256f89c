from __future__ import annotations

import hashlib

from tests.emulator.onedata.lab import Answer, Client, Lab


def scope(client: Client, token: str) -> Answer:
    return Client(client.about, "").ask("POST", "/api/v3/onezone/tokens/infer_access_token_scope", {"token": token})


def test_a_token_tells_its_spaces_and_where_they_are(client: Client) -> None:
    answer = scope(client, client.token).json
    data = answer["dataAccessScope"]
    assert answer["validUntil"] is None
    assert data["readonly"] is False
    assert data["spaces"][client.sid]["name"] == client.about["name"]
    ((known, provider),) = data["providers"].items()
    assert data["spaces"][client.sid]["supports"] == {known: {"readonly": False}}
    assert provider["domain"] == client.about["host"]
    assert (provider["version"], provider["online"]) == ("25.0", True)


def test_a_token_for_reading_says_so(lab: Lab, client: Client) -> None:
    data = scope(client, lab.token(client.about["name"], readonly=True)).json["dataAccessScope"]
    assert data["readonly"] is True
    assert list(data["spaces"]) == [client.sid]
    assert all(support["readonly"] for support in data["spaces"][client.sid]["supports"].values())


def test_a_bad_token_is_refused_without_being_repeated(client: Client) -> None:
    answer = scope(client, "of-somebody-else")
    assert (answer.status, answer.error) == (400, "badValueToken")
    assert b"of-somebody-else" not in answer.body


def issued(client: Client) -> set[str]:
    return set(client.ask("GET", "/api/v3/onezone/user/tokens/named").json["tokens"])


def test_a_token_that_was_deleted_opens_nothing_any_more(lab: Lab, client: Client) -> None:
    before = issued(client)
    secret = lab.token(client.about["name"], readonly=True)
    (made,) = issued(client) - before
    reader = Client(client.about, secret)
    assert reader.ask("GET", "/api/v3/onezone/user/spaces").status == 200

    assert client.ask("DELETE", f"/api/v3/onezone/tokens/named/{made}").status == 204
    assert reader.ask("GET", "/api/v3/onezone/user/spaces").error == "unauthorized"
    assert scope(client, secret).error == "badValueToken"
    assert issued(client) == before
    assert client.ask("DELETE", f"/api/v3/onezone/tokens/named/{made}").status == 404


def test_only_the_owner_lists_and_deletes_tokens_and_never_loses_his_own(lab: Lab, client: Client) -> None:
    guest = Client(client.about, lab.token(client.about["name"], readonly=False))
    made = next(iter(issued(client)))
    assert guest.ask("GET", "/api/v3/onezone/user/tokens/named").error == "forbidden"
    assert guest.ask("DELETE", f"/api/v3/onezone/tokens/named/{made}").error == "forbidden"
    assert made in issued(client)
    own = hashlib.sha256(client.token.encode()).hexdigest()[:32]
    assert own not in issued(client)
    assert client.ask("DELETE", f"/api/v3/onezone/tokens/named/{own}").status == 404


def test_spaces_are_listed_by_id(client: Client) -> None:
    for path in ("user/spaces", "user/effective_spaces"):
        assert client.sid in client.ask("GET", f"/api/v3/onezone/{path}").json["spaces"]
    assert client.ask("GET", "/api/v3/onezone/configuration").json["version"] == "25.0"
