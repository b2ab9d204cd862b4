"""Secrets bound to routes: what is signed with one opens those, and is told so at every other."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from flask.testing import FlaskClient

from tests.webapp.http import keys
from tests.webapp.http.keys import NEW, OLD, STRANGE, OpenApp
from webapp.paths import PREFIX, SENDERS
from webapp.settings import ServiceSettings
from workflow_fsm import SettingsInvalid
from workflow_fsm.testing import ManualClock

BODY = b'{"user_id": "u1"}'


def fault(entries: str) -> str:
    with pytest.raises(SettingsInvalid) as raised:
        ServiceSettings.from_environment({"WORKFLOW_WEBHOOK_SECRETS": entries})
    return str(raised.value)


def codes(client: FlaskClient, headers: Mapping[str, str]) -> dict[str, int]:
    """Post the same signed body to every route of senders; 400 is for who was let in with it."""
    return {
        route: client.post(
            f"{PREFIX}/{route}", data=BODY, content_type="application/json", headers={**headers}
        ).status_code
        for route in SENDERS
    }


def test_a_secret_that_names_routes_opens_those_and_one_that_names_none_all(
    open_app: OpenApp, clock: ManualClock
) -> None:
    entries = f"payout/received+payout/reversed={NEW},{OLD}"
    client = open_app(WORKFLOW_WEBHOOK_SECRETS=entries).test_client()

    bound = codes(client, keys.signed(BODY, clock.now, of=NEW))
    free = codes(client, keys.signed(BODY, clock.now, of=OLD))

    assert {route for route, code in bound.items() if code != 403} == {"payout/received", "payout/reversed"}
    assert not {401, 403} & set(free.values())
    assert set(codes(client, keys.signed(BODY, clock.now, of=STRANGE)).values()) == {401}


def test_the_answer_says_that_it_is_the_route(open_app: OpenApp, clock: ManualClock) -> None:
    client = open_app(WORKFLOW_WEBHOOK_SECRETS=f"payout/received={NEW}").test_client()
    refused = client.post(
        f"{PREFIX}/payout/reversed",
        data=BODY,
        content_type="application/json",
        headers=keys.signed(BODY, clock.now),
    )

    assert refused.status_code == 403
    told = refused.get_json(force=True)["detail"]
    assert told == "The signature is good, but the secret that made it is for other routes than this one."


def test_one_secret_may_stand_in_several_entries_and_opens_what_each_of_them_names(
    open_app: OpenApp, clock: ManualClock
) -> None:
    headers = keys.signed(BODY, clock.now)
    twice = open_app(WORKFLOW_WEBHOOK_SECRETS=f"events={NEW},claims/link={NEW}").test_client()
    freed = open_app(WORKFLOW_WEBHOOK_SECRETS=f"events={NEW},{NEW}").test_client()

    opened = {route for route, code in codes(twice, headers).items() if code != 403}
    assert opened == {"events", "claims/link"}
    assert 403 not in codes(freed, headers).values()


def test_a_bound_secret_is_rotated_as_any_other_and_written_without_its_padding(
    open_app: OpenApp, clock: ManualClock
) -> None:
    entries = f" sync/complete = {NEW} , sync/complete={OLD.rstrip('=')}".replace(" = ", "=")
    client = open_app(WORKFLOW_WEBHOOK_SECRETS=entries).test_client()

    for one in (NEW, OLD):
        assert codes(client, keys.signed(BODY, clock.now, of=one))["sync/complete"] == 200


@pytest.mark.parametrize(
    ("entries", "told"),
    [
        (f"payout={NEW}", "binds a secret to 'payout', which is no route that is signed"),
        (f"payout/received+={NEW}", "binds a secret to something that is none"),
        (f"={NEW}", "binds a secret to something that is none"),
        (f"status={NEW}", "binds a secret to 'status'"),
        (f"{OLD}={NEW}", "binds a secret to something that is none"),
        (f"payout/received,{NEW}", "holds a secret that does not begin with whsec_"),
        ("payout/received=whsec_AAAA", "holds a secret of 3 bytes"),
    ],
)
def test_an_entry_that_can_t_be_used_stops_the_start_with_a_sentence_that_tells_no_secret(
    entries: str, told: str
) -> None:
    sentence = fault(entries)

    assert sentence.startswith("WORKFLOW_WEBHOOK_SECRETS ")
    assert told in sentence
    assert not [one for one in keys.EVERY_SECRET if one.removeprefix("whsec_").rstrip("=") in sentence]
