"""User ids of every kind, from Node.js: encodeURIComponent in a path, any character in a body."""

from __future__ import annotations

import pytest

from tests.node.conftest import Tell

pytestmark = pytest.mark.node


def test_user_ids_of_every_kind_are_found_again_by_their_encoded_path(tell: Tell) -> None:
    assert tell("paths", "userIdsOfEveryKind") == {"users": 21, "faults": []}


def test_dots_are_user_ids_like_any_other_where_the_client_leaves_them_alone(tell: Tell) -> None:
    assert tell("paths", "dotsAsSpelled") == [
        [".", 200, "."],
        ["%2E", 200, "."],
        ["..", 200, ".."],
        ["%2E%2E", 200, ".."],
        ["..%2F..", 200, "../.."],
        ["%2E%2E%2F%2E%2E", 200, "../.."],
        ["..%2Fstatus%2F..", 200, "../status/.."],
        ["%2E%2E%2Fstatus%2F%2E%2E", 200, "../status/.."],
    ]


def test_ids_that_are_no_ids_are_400_and_never_repaired(tell: Tell) -> None:
    assert tell("paths", "halfACharacter") == {
        "told": [
            ["400 malformed-body", ["user_id"]],
            ["400 malformed-body", ["claim_id"]],
            ["400 malformed-body", ["rejection_reason"]],
            *[["400 invalid-event", ["user_id"]]] * 5,
        ],
        "known": 404,
    }


def test_a_user_nobody_knows_is_404_under_their_own_name(tell: Tell) -> None:
    assert tell("paths", "aUserNobodyKnows") == [[404, 404, "nobody/knows?me"]] * 2
