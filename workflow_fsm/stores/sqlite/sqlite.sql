-- What SQLite says in its own way.

-- name: lock_user
-- whoever writes here writes alone
-- include: user_row

-- name: put_user
-- the numbers handed out so far, and the money recovered
INSERT INTO users (user_id, cursor, updated_at, recovered)
VALUES (:user_id, :cursor, :updated_at, :recovered)
ON CONFLICT (user_id) DO UPDATE
SET cursor = excluded.cursor, updated_at = excluded.updated_at, recovered = excluded.recovered;

-- name: seek_moved
-- those that are in a state and moved since, the last moved first, found by what happened since; of one sync
-- where one is named, and of no other case. CROSS JOIN keeps its order: the rows first, a look-up for each
SELECT lifecycles.* FROM history
CROSS JOIN lifecycles ON lifecycles.user_id = :user_id AND lifecycles.id = history.lifecycle
  AND lifecycles.cursor = history.cursor
WHERE history.user_id = :user_id AND history.cursor > :since AND history.to_state = :state
  AND lifecycles.forked < 1 AND (:sync_id IS NULL OR lifecycles.sync_id = :sync_id)
  AND (:unless_case IS NULL OR case_id IS NULL OR case_id = :unless_case)
ORDER BY history.cursor DESC LIMIT :limit;

-- name: waiting
-- the waiting events with a nameless part, or a part that names one of some claims, or an alias of one.
-- Each CROSS JOIN keeps its order: the names first, then a look-up for each
SELECT * FROM events
WHERE user_id = :user_id AND seq IN (
    SELECT seq FROM waits WHERE user_id = :user_id AND name = ''
    UNION
    SELECT waits.seq FROM json_each(:names) AS names
    CROSS JOIN waits ON waits.user_id = :user_id AND waits.name = names.value
    UNION
    SELECT waits.seq FROM json_each(:names) AS names
    CROSS JOIN aliases ON aliases.user_id = :user_id AND aliases.claim_id = names.value
    CROSS JOIN waits ON waits.user_id = :user_id AND waits.name = aliases.alias
)
ORDER BY seq;

-- name: lock_effect
-- the first that is ready: whoever writes here writes alone
-- include: first_ready

-- name: aliases_of
SELECT claim_id, alias FROM aliases
WHERE user_id = :user_id AND claim_id IN (SELECT value FROM json_each(:claims));

-- name: further
-- which of some users are further than a cursor of theirs
SELECT users.user_id FROM json_each(:cursors) AS asked
CROSS JOIN users ON users.user_id = asked.key WHERE users.cursor > asked.value;

-- name: figures_of_money
-- a float: it may be more than a whole number can hold, and what reads it knows only floats
SELECT money.key AS currency, total(money.value) AS minor FROM users, json_each(users.recovered) AS money
GROUP BY money.key;

-- name: every_complaint
-- what SQLite itself finds wrong with its file: tables, indexes, and values of a wrong type
SELECT integrity_check AS complaint FROM pragma_integrity_check(100) WHERE integrity_check <> 'ok';

-- name: every_user
-- a page of users, from one on. Here and below text is read as its bytes, which may be UTF-8 no more
SELECT CAST(user_id AS BLOB) AS user_id, cursor, CAST(recovered AS BLOB) AS recovered
FROM users WHERE user_id >= CAST(:start AS TEXT) ORDER BY users.user_id LIMIT :limit;

-- name: every_stranger
-- whoever something is kept of and is no user
SELECT CAST(user_id AS BLOB) AS user_id FROM (
    SELECT user_id FROM history
    UNION SELECT user_id FROM lifecycles
    UNION SELECT user_id FROM events
    UNION SELECT user_id FROM waits
    UNION SELECT user_id FROM aliases
    UNION SELECT user_id FROM effects
) AS kept WHERE NOT EXISTS (SELECT 1 FROM users WHERE users.user_id = kept.user_id) ORDER BY user_id;

-- name: every_lifecycle
SELECT id, CAST(claim_id AS BLOB) AS claim_id, CAST(sync_id AS BLOB) AS sync_id,
    CAST(state AS BLOB) AS state, version, CAST(entered_at AS BLOB) AS entered_at, cursor,
    CAST(head AS BLOB) AS head, CAST(origin AS BLOB) AS origin, parent, forked,
    CAST(case_id AS BLOB) AS case_id, CAST(due_at AS BLOB) AS due_at,
    CAST(facts AS BLOB) AS facts, CAST(paid AS BLOB) AS paid
FROM lifecycles WHERE user_id IS CAST(:user_id AS TEXT) ORDER BY id;

-- name: every_row
SELECT CAST(user_id AS BLOB) AS user_id, cursor, lifecycle, CAST(claim_id AS BLOB) AS claim_id,
    CAST(sync_id AS BLOB) AS sync_id, version, CAST("trigger" AS BLOB) AS "trigger",
    CAST(from_state AS BLOB) AS from_state, CAST(to_state AS BLOB) AS to_state,
    CAST(event_id AS BLOB) AS event_id, CAST(at AS BLOB) AS at,
    CAST(occurred_at AS BLOB) AS occurred_at, CAST(actor AS BLOB) AS actor,
    CAST(reason AS BLOB) AS reason, CAST(hash AS BLOB) AS hash
FROM history WHERE user_id IS CAST(:user_id AS TEXT) ORDER BY cursor;

-- name: every_event
SELECT CAST(user_id AS BLOB) AS user_id, seq, CAST(event_id AS BLOB) AS event_id,
    CAST("trigger" AS BLOB) AS "trigger", CAST(standing AS BLOB) AS standing,
    CAST(received_at AS BLOB) AS received_at, CAST(occurred_at AS BLOB) AS occurred_at,
    CAST(expires_at AS BLOB) AS expires_at, settled, CAST(fingerprint AS BLOB) AS fingerprint,
    CAST(body AS BLOB) AS body, CAST(shares AS BLOB) AS shares, CAST(answer AS BLOB) AS answer,
    CAST(actor AS BLOB) AS actor, CAST(reimbursement_id AS BLOB) AS reimbursement_id,
    CAST(currency AS BLOB) AS currency, CAST(minor AS BLOB) AS minor,
    CAST(letter AS BLOB) AS letter, CAST(letter_at AS BLOB) AS letter_at
FROM events WHERE user_id IS CAST(:user_id AS TEXT) ORDER BY seq;

-- name: every_effect
SELECT seq, lifecycle, cursor, CAST(handler AS BLOB) AS handler, on_enter,
    CAST(standing AS BLOB) AS standing, CAST(owed_at AS BLOB) AS owed_at, CAST(due_at AS BLOB) AS due_at,
    CAST(ready_at AS BLOB) AS ready_at, attempt, forgiven, CAST("key" AS BLOB) AS "key",
    CAST(about AS BLOB) AS about
FROM effects WHERE user_id IS CAST(:user_id AS TEXT) ORDER BY seq;

-- name: every_wait
SELECT CAST(name AS BLOB) AS name, seq FROM waits
WHERE user_id IS CAST(:user_id AS TEXT) ORDER BY seq, name;
