-- What SQLite says in its own way.

-- name: count_migrations
-- how many were applied: as many as when the store was opened, or somebody has migrated it
SELECT count(*) AS many FROM _sqlite_migrations;

-- name: migrations
SELECT name FROM _sqlite_migrations WHERE migration_set = 'workflow_fsm' ORDER BY name;

-- name: lock_user
-- whoever writes here writes alone
-- include: user_row

-- name: lock_free_user
-- nobody else holds anybody, either; no row of whoever is being forgotten
SELECT :user_id AS user_id
WHERE NOT EXISTS (SELECT 1 FROM users WHERE user_id = :user_id AND forgotten_as IS NOT NULL);

-- name: put_user
-- the numbers handed out so far, the money recovered, and that which waits
INSERT INTO users (user_id, cursor, updated_at, recovered, unapplied, currencies)
VALUES (:user_id, :cursor, :updated_at, :recovered, :unapplied, :currencies)
ON CONFLICT (user_id) DO UPDATE
SET cursor = excluded.cursor, updated_at = excluded.updated_at, recovered = excluded.recovered,
    unapplied = excluded.unapplied, currencies = excluded.currencies;

-- name: seek_moved
-- those that are in a state and moved since, the last moved first, found by what happened since; of one sync
-- where one is named. CROSS JOIN keeps its order: the rows first, a look-up for each
SELECT lifecycles.* FROM history
CROSS JOIN lifecycles ON lifecycles.user_id = :user_id AND lifecycles.id = history.lifecycle
  AND lifecycles.cursor = history.cursor
WHERE history.user_id = :user_id AND history.cursor > :since AND history.to_state = :state
  AND lifecycles.forked < 1 AND (:sync_id IS NULL OR lifecycles.sync_id = :sync_id)
ORDER BY history.cursor DESC LIMIT :limit;

-- name: waiting
-- the events that wait under one of some names, under an alias or a case of a claim among them, or under a case
-- of a sync's plain lifecycle. IN and LEFT JOIN are a look-up for each name; joined otherwise, all that the user
-- has would be read for a filter, once it was analyzed. Of a name with a number, only the first after that. Oldest
-- first, so many at most
WITH given (kind, name, "after") AS (
    SELECT value ->> 0, value ->> 1, value ->> 2 FROM json_each(:names)
), names (kind, name) AS (
    SELECT kind, name FROM given WHERE "after" IS NULL
    UNION
    SELECT 'claim', alias FROM aliases
    WHERE user_id = :user_id AND claim_id IN (SELECT name FROM given WHERE kind = 'claim')
    UNION
    SELECT 'case', case_id FROM cases
    WHERE user_id = :user_id AND claim_id IN (SELECT name FROM given WHERE kind = 'claim') AND sync_id = ''
    UNION
    SELECT 'case', case_id FROM cases
    WHERE user_id = :user_id AND claim_id = '' AND sync_id IN (SELECT name FROM given WHERE kind = 'sync')
)
SELECT * FROM events
WHERE user_id = :user_id AND seq IN (
    SELECT waits.seq FROM names
    LEFT JOIN waits ON waits.user_id = :user_id AND waits.kind = names.kind AND waits.name = names.name
    UNION ALL
    SELECT (
        SELECT seq FROM waits WHERE user_id = :user_id AND kind = given.kind AND name = given.name
          AND seq > given."after" ORDER BY seq LIMIT 1
    ) FROM given WHERE "after" IS NOT NULL
)
ORDER BY seq LIMIT :limit;

-- name: ready_effects
-- the first that are ready, but for some users'
SELECT user_id, seq, handler, ready_at, lifecycle, cursor FROM effects
WHERE handler = :handler AND user_id NOT IN (SELECT value FROM json_each(:but_of)) AND
-- include: ready
ORDER BY ready_at, user_id, seq LIMIT :limit;

-- name: waiting_page_of_claim
-- what waits under one name of a claim, from a number on
SELECT * FROM events
WHERE user_id = :user_id AND seq IN (
    SELECT seq FROM waits
    WHERE user_id = :user_id AND kind = 'claim' AND name = :claim_id AND seq >= :seq ORDER BY seq LIMIT :limit
)
ORDER BY seq;

-- name: claims_named
-- those that have some ids
SELECT * FROM lifecycles
WHERE user_id = :user_id AND claim_id IN (SELECT value FROM json_each(:claims));

-- name: aliases_named
-- of some names, those that are aliases
SELECT alias, claim_id FROM aliases
WHERE user_id = :user_id AND alias IN (SELECT value FROM json_each(:claims));

-- name: put_lifecycle
-- changed ones, many at once
INSERT INTO lifecycles (
    user_id, id, claim_id, sync_id, state, version, entered_at, cursor,
    head, origin, parent, forked, due_at, facts, paid, units, entered, merged_into,
    listed_decision, listed_currency, listed_deadline, listed_amount
) VALUES (
    :user_id, :id, :claim_id, :sync_id, :state, :version, :entered_at, :cursor,
    :head, :origin, :parent, :forked, :due_at, :facts, :paid, :units, :entered, :merged_into,
    :listed_decision, :listed_currency, :listed_deadline, :listed_amount
)
ON CONFLICT (user_id, id) DO UPDATE
SET state = excluded.state, version = excluded.version, entered_at = excluded.entered_at,
    cursor = excluded.cursor, head = excluded.head, forked = excluded.forked, due_at = excluded.due_at,
    facts = excluded.facts, paid = excluded.paid, units = excluded.units, entered = excluded.entered,
    merged_into = excluded.merged_into, listed_decision = excluded.listed_decision,
    listed_currency = excluded.listed_currency, listed_deadline = excluded.listed_deadline,
    listed_amount = excluded.listed_amount;

-- name: void_effects_of_many
-- the same of many lifecycles as `void_effects` of one
UPDATE effects SET standing = 'void'
WHERE user_id = :user_id AND lifecycle IN (SELECT value FROM json_each(:lifecycles)) AND on_enter = 1
  AND standing = 'owed';

-- name: aliases_of
SELECT claim_id, alias FROM aliases
WHERE user_id = :user_id AND claim_id IN (SELECT value FROM json_each(:claims));

-- name: is_waited_for
-- whether an event waits under the id of a claim, or an alias of it; a join would go through all that waits
SELECT 1 FROM lifecycles WHERE user_id = :user_id AND id = :id AND (
    EXISTS (SELECT 1 FROM waits WHERE user_id = :user_id AND kind = 'claim' AND name = lifecycles.claim_id)
    OR EXISTS (
        SELECT 1 FROM aliases WHERE user_id = :user_id AND claim_id = lifecycles.claim_id AND EXISTS (
            SELECT 1 FROM waits WHERE user_id = :user_id AND kind = 'claim' AND name = aliases.alias
        )
    )
);

-- name: with_case
-- whose a case is, with the lifecycle where there is one: a claim may not be detected yet
SELECT cases.claim_id AS case_claim, cases.sync_id AS case_sync, lifecycles.* FROM cases
LEFT JOIN lifecycles ON lifecycles.user_id = cases.user_id AND lifecycles.claim_id = cases.claim_id
WHERE cases.user_id = :user_id AND cases.case_id = :case_id AND cases.claim_id > ''
UNION ALL
SELECT cases.claim_id AS case_claim, cases.sync_id AS case_sync, lifecycles.* FROM cases
LEFT JOIN lifecycles ON lifecycles.user_id = cases.user_id AND lifecycles.sync_id = cases.sync_id
    AND lifecycles.claim_id IS NULL
WHERE cases.user_id = :user_id AND cases.case_id = :case_id AND cases.claim_id = '';

-- name: cases_of_many
SELECT * FROM cases
WHERE user_id = :user_id AND claim_id IN (SELECT value FROM json_each(:claims)) AND sync_id = ''
UNION ALL
SELECT * FROM cases
WHERE user_id = :user_id AND claim_id = '' AND sync_id IN (SELECT value FROM json_each(:syncs));

-- name: not_at
-- which of some users have reached another cursor than one: further, or, where a backup was restored, not so far
SELECT asked.key AS user_id, coalesce(users.cursor, 0) AS cursor FROM json_each(:cursors) AS asked
LEFT JOIN users ON users.user_id = asked.key WHERE coalesce(users.cursor, 0) <> asked.value;

-- name: figures_of_money
-- a float: it may be more than a whole number can hold, and what reads it knows only floats.
-- under '': how many users' money can't be read
SELECT money.key AS currency, total(money.value) AS amount FROM users, json_each(
    CASE WHEN json_valid(users.recovered) THEN users.recovered ELSE '{"": 1}' END
) AS money
GROUP BY money.key;

-- name: figures_of_kind
-- claims in a state with a decision and in a currency: how many, what they ask, and the same of those whose deadline
-- is near. Floats, as the figures of money are; that an amount isn't less than none names the index that has it all
SELECT count(*) AS many, total(
    -- include: listed_amount
    ) AS amount, count(*) FILTER (WHERE
    -- include: listed_deadline
    BETWEEN '0' AND :soon) AS due, total(
    -- include: listed_amount
    ) FILTER (WHERE
    -- include: listed_deadline
    BETWEEN '0' AND :soon) AS due_amount
FROM lifecycles WHERE forked = 0 AND state = :state AND
    -- include: listed_decision
    = :decision AND
    -- include: listed_currency
    = :currency AND
    -- include: listed_amount
    >= '';

-- name: moves_since
-- where transitions led from and to, by the ten minutes in which they did: of each of some users, behind a number
SELECT substr(history.at, 1, 15) AS span, history.from_state, history.to_state, count(*) AS many
FROM json_each(:cursors) AS asked
CROSS JOIN history ON history.user_id = asked.key AND history.cursor > asked.value
WHERE history.at >= :since AND history.lifecycle > 0
GROUP BY substr(history.at, 1, 15), history.from_state, history.to_state;

-- name: intake_since
-- what became of events, by the ten seconds in which they came in: of each of some users, behind a number
SELECT substr(events.received_at, 1, 18) AS span, events.standing, count(*) AS many
FROM json_each(:cursors) AS asked
CROSS JOIN events ON events.user_id = asked.key AND events.seq > asked.value
WHERE events.received_at >= :since GROUP BY substr(events.received_at, 1, 18), events.standing;

-- name: money_by_day
-- what payouts brought and reversals took back, in a currency, by the day on which they came in; floats, as above
SELECT substr(received_at, 1, 10) AS day, count(*) AS many, total(amount) FILTER (WHERE amount NOT LIKE '-%') AS paid,
    -total(amount) FILTER (WHERE amount LIKE '-%') AS reversed
FROM events WHERE amount IS NOT NULL AND currency = :currency AND received_at >= :since
GROUP BY substr(received_at, 1, 10);

-- name: figures_of_unapplied
-- the same of the money that waits; what tells no currency is under XXX, as ISO 4217 has it
SELECT CASE money.key WHEN '' THEN 'XXX' ELSE money.key END AS currency, total(money.value) AS amount
FROM users, json_each(CASE WHEN json_valid(users.unapplied) THEN users.unapplied ELSE '{}' END) AS money
WHERE users.unapplied <> '{}' GROUP BY money.key;

-- name: every_complaint
-- what SQLite itself finds wrong with its file: tables, indexes, and values of a wrong type
SELECT integrity_check AS complaint FROM pragma_integrity_check(100) WHERE integrity_check <> 'ok';

-- name: every_user
-- a page of users, from one on. Here and below text is read as its bytes, which may be UTF-8 no more
SELECT CAST(user_id AS BLOB) AS user_id, cursor, CAST(updated_at AS BLOB) AS updated_at,
    CAST(recovered AS BLOB) AS recovered, CAST(unapplied AS BLOB) AS unapplied,
    CAST(currencies AS BLOB) AS currencies, forgotten_as IS NOT NULL AS is_going,
    (SELECT min(seq) FROM events WHERE events.user_id = users.user_id) AS first
FROM users WHERE user_id >= CAST(:start AS TEXT) ORDER BY users.user_id LIMIT :limit;

-- name: user_numbers
-- whoever is behind one, and the number that was handed out last
SELECT CAST(user_id AS BLOB) AS user_id, cursor FROM users
WHERE user_id > CAST(:after_user AS TEXT) ORDER BY users.user_id LIMIT :limit;

-- name: every_stranger
-- whoever something is kept of and is no user: looked up row by row, so that no more than those are sorted
SELECT DISTINCT CAST(user_id AS BLOB) AS user_id FROM (
    SELECT user_id FROM history
    UNION ALL SELECT user_id FROM lifecycles
    UNION ALL SELECT user_id FROM events
    UNION ALL SELECT user_id FROM waits
    UNION ALL SELECT user_id FROM aliases
    UNION ALL SELECT user_id FROM cases
    UNION ALL SELECT user_id FROM event_ids
    UNION ALL SELECT user_id FROM effects
) AS kept WHERE NOT EXISTS (SELECT 1 FROM users WHERE users.user_id = kept.user_id) ORDER BY user_id;

-- name: every_lifecycle
-- here and below: read on as it is asked for, so that where PostgreSQL begins a page means nothing
SELECT id, CAST(claim_id AS BLOB) AS claim_id, CAST(sync_id AS BLOB) AS sync_id,
    CAST(state AS BLOB) AS state, version, CAST(entered_at AS BLOB) AS entered_at, cursor,
    CAST(head AS BLOB) AS head, CAST(origin AS BLOB) AS origin, parent, forked,
    CAST(due_at AS BLOB) AS due_at, CAST(facts AS BLOB) AS facts, CAST(paid AS BLOB) AS paid, units, entered,
    CAST(merged_into AS BLOB) AS merged_into, CAST(listed_decision AS BLOB) AS listed_decision,
    CAST(listed_currency AS BLOB) AS listed_currency, CAST(listed_deadline AS BLOB) AS listed_deadline,
    CAST(listed_amount AS BLOB) AS listed_amount
FROM lifecycles
WHERE user_id IS CAST(:user_id AS TEXT) AND :from_id IS NOT NULL ORDER BY id;

-- name: every_row
SELECT CAST(user_id AS BLOB) AS user_id, cursor, lifecycle, CAST(claim_id AS BLOB) AS claim_id,
    CAST(sync_id AS BLOB) AS sync_id, version, CAST("trigger" AS BLOB) AS "trigger",
    CAST(from_state AS BLOB) AS from_state, CAST(to_state AS BLOB) AS to_state,
    CAST(event_id AS BLOB) AS event_id, CAST(at AS BLOB) AS at,
    CAST(occurred_at AS BLOB) AS occurred_at, CAST(actor AS BLOB) AS actor,
    CAST(reason AS BLOB) AS reason, CAST(hash AS BLOB) AS hash, definition
FROM history
WHERE user_id IS CAST(:user_id AS TEXT) AND :from_cursor IS NOT NULL ORDER BY cursor;

-- name: every_event
SELECT CAST(user_id AS BLOB) AS user_id, seq, CAST(event_id AS BLOB) AS event_id,
    CAST("trigger" AS BLOB) AS "trigger", CAST(standing AS BLOB) AS standing,
    CAST(received_at AS BLOB) AS received_at, CAST(occurred_at AS BLOB) AS occurred_at,
    CAST(expires_at AS BLOB) AS expires_at, settled, CAST(fingerprint AS BLOB) AS fingerprint,
    CAST(body AS BLOB) AS body, CAST(shares AS BLOB) AS shares, CAST(answer AS BLOB) AS answer,
    CAST(actor AS BLOB) AS actor, CAST(reimbursement_id AS BLOB) AS reimbursement_id,
    CAST(original_id AS BLOB) AS original_id, CAST(line_id AS BLOB) AS line_id,
    CAST(currency AS BLOB) AS currency,
    CAST(amount AS BLOB) AS amount, units, CAST(booked_case AS BLOB) AS booked_case,
    CAST(overlay AS BLOB) AS overlay, CAST(doubt AS BLOB) AS doubt, id_given,
    CAST(letter AS BLOB) AS letter, CAST(letter_at AS BLOB) AS letter_at, dropped
FROM events
WHERE user_id IS CAST(:user_id AS TEXT) AND :from_seq IS NOT NULL ORDER BY seq;

-- name: every_effect
SELECT seq, lifecycle, cursor, CAST(handler AS BLOB) AS handler, on_enter,
    CAST(standing AS BLOB) AS standing, CAST(owed_at AS BLOB) AS owed_at, CAST(due_at AS BLOB) AS due_at,
    CAST(ready_at AS BLOB) AS ready_at, attempt, forgiven, CAST("key" AS BLOB) AS "key",
    CAST(about AS BLOB) AS about
FROM effects
WHERE user_id IS CAST(:user_id AS TEXT) AND :from_seq IS NOT NULL ORDER BY seq;

-- name: every_wait
SELECT CAST(kind AS BLOB) AS kind, CAST(name AS BLOB) AS name, seq FROM waits
WHERE user_id IS CAST(:user_id AS TEXT)
  AND :from_kind IS NOT NULL AND :from_name IS NOT NULL AND :from_seq IS NOT NULL
ORDER BY kind, name, seq;

-- name: every_case
SELECT CAST(case_id AS BLOB) AS case_id, CAST(claim_id AS BLOB) AS claim_id, CAST(sync_id AS BLOB) AS sync_id,
    CAST(state AS BLOB) AS state, CAST(at AS BLOB) AS at, seq, told, CAST(paid AS BLOB) AS paid, units, alone
FROM cases WHERE user_id IS CAST(:user_id AS TEXT)
  AND :from_case_id IS NOT NULL AND :from_claim_id IS NOT NULL AND :from_sync_id IS NOT NULL
ORDER BY case_id, claim_id, sync_id;

-- name: every_alias
SELECT CAST(alias AS BLOB) AS alias, CAST(claim_id AS BLOB) AS claim_id FROM aliases
WHERE user_id IS CAST(:user_id AS TEXT) AND :from_alias IS NOT NULL ORDER BY alias;

-- name: every_event_id
SELECT CAST(event_id AS BLOB) AS event_id, seq FROM event_ids
WHERE user_id IS CAST(:user_id AS TEXT) AND :from_event_id IS NOT NULL ORDER BY event_id;

-- name: heads_until
-- the heads that a user's chains had when a number had been handed out last
SELECT lifecycle, CAST(hash AS BLOB) AS hash FROM history AS head
WHERE user_id IS CAST(:user_id AS TEXT) AND cursor <= :cursor AND :from_lifecycle IS NOT NULL AND NOT EXISTS (
    SELECT 1 FROM history AS later
    WHERE later.user_id = head.user_id AND later.lifecycle = head.lifecycle AND later.version > head.version
        AND later.cursor <= :cursor
)
ORDER BY lifecycle;
