-- What PostgreSQL says in its own way. A user's row is the lock on all that is the user's.

-- name: make_user
-- whoever is new gets a row that says nothing yet, for a lock to be on
INSERT INTO users (user_id, cursor, updated_at, recovered, currencies) VALUES (:user_id, 0, '', '{}', '{}')
ON CONFLICT (user_id) DO NOTHING;

-- name: count_migrations
-- how many were applied: as many as when the store was opened, or somebody has migrated it
SELECT count(*) AS many FROM workflow_fsm_migrations;

-- name: migrations
SELECT name FROM workflow_fsm_migrations ORDER BY name;

-- name: lock_user
-- locked to the end of the transaction.
-- may_wait: what was asked on the same way may have been asked before somebody else's wait was committed
SELECT cursor, updated_at, recovered, unapplied, currencies, forgotten_as, true AS may_wait FROM users
WHERE user_id = :user_id FOR UPDATE;

-- name: lock_free_user
-- the same where nobody else holds it: no row where somebody does, or where the user is being forgotten
SELECT cursor, updated_at, recovered, unapplied, currencies, forgotten_as, true AS may_wait FROM users
WHERE user_id = :user_id AND forgotten_as IS NULL FOR UPDATE SKIP LOCKED;

-- name: wait_for_nobody
-- two who make the same new user's row at once still wait for each other: not for longer than this
SET LOCAL lock_timeout = '100ms';

-- name: time
-- by the server's clock, written as instants are
SELECT to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS now;

-- name: probe
-- a write that leaves no row behind: a lock, which the log keeps, and which a commit syncs and a standby gets
SELECT name FROM workflow_fsm_migrations ORDER BY name LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED;

-- name: put_user
-- the numbers handed out so far, the money recovered, and that which waits; the row was locked, so it is there
UPDATE users
SET cursor = :cursor, updated_at = :updated_at, recovered = :recovered, unapplied = :unapplied,
    currencies = :currencies
WHERE user_id = :user_id;

-- name: seek_moved
-- those that are in a state and moved since, the last moved first, found by what happened since; of one sync
-- where one is named. Each OFFSET 0 keeps the order: the rows first, a look-up for each
SELECT lifecycles.* FROM (
    SELECT lifecycle, cursor FROM history
    WHERE user_id = :user_id AND cursor > :since AND to_state = :state ORDER BY cursor DESC OFFSET 0
) AS moved
CROSS JOIN LATERAL (
    SELECT * FROM lifecycles
    WHERE user_id = :user_id AND id = moved.lifecycle AND cursor = moved.cursor AND forked < 1
      AND (:sync_id::text IS NULL OR sync_id = :sync_id) OFFSET 0
) AS lifecycles
LIMIT :limit;

-- name: waiting
-- the events that wait under one of some names, under an alias or a case of a claim among them, or under a case
-- of a sync's plain lifecycle. Each OFFSET 0 keeps a look-up one by whole keys: joined freely, all of a user's
-- events would be read. Of a name with a number, only the first after that; of one without,
-- so many at most, the oldest. Where nothing of the user's waits, nothing is looked up
WITH given (kind, name, "after") AS MATERIALIZED (
    SELECT value ->> 0, value ->> 1, (value ->> 2)::bigint FROM json_array_elements(:names::json) AS names (value)
)
SELECT events.* FROM (
    SELECT waits.seq FROM (
        SELECT kind, name FROM given WHERE "after" IS NULL
        UNION
        SELECT 'claim', aliases.alias FROM given CROSS JOIN LATERAL (
            SELECT alias FROM aliases WHERE user_id = :user_id AND claim_id = given.name OFFSET 0
        ) AS aliases WHERE given.kind = 'claim'
        UNION
        SELECT 'case', cases.case_id FROM given CROSS JOIN LATERAL (
            SELECT case_id FROM cases
            WHERE user_id = :user_id AND claim_id = given.name AND sync_id = '' OFFSET 0
        ) AS cases WHERE given.kind = 'claim'
        UNION
        SELECT 'case', cases.case_id FROM given CROSS JOIN LATERAL (
            SELECT case_id FROM cases
            WHERE user_id = :user_id AND claim_id = '' AND sync_id = given.name OFFSET 0
        ) AS cases WHERE given.kind = 'sync'
    ) AS names
    CROSS JOIN LATERAL (
        SELECT seq FROM waits WHERE user_id = :user_id AND kind = names.kind AND name = names.name
        ORDER BY kind, name, seq LIMIT :limit
    ) AS waits
    UNION
    SELECT waits.seq FROM given CROSS JOIN LATERAL (
        SELECT seq FROM waits WHERE user_id = :user_id AND kind = given.kind AND name = given.name
          AND seq > given."after" ORDER BY kind, name, seq LIMIT 1
    ) AS waits WHERE given."after" IS NOT NULL
) AS found
CROSS JOIN LATERAL (
    SELECT * FROM events WHERE user_id = :user_id AND seq = found.seq OFFSET 0
) AS events
WHERE EXISTS (SELECT 1 FROM waits WHERE user_id = :user_id)
ORDER BY events.seq;

-- name: ready_effects
-- the first that are ready, but for some users'; nobody is locked, and each is looked at again by its user's lock
SELECT user_id, seq, handler, ready_at, lifecycle, cursor FROM effects
WHERE handler = :handler AND NOT :but_of::jsonb ? user_id AND
-- include: ready
ORDER BY ready_at, user_id, seq LIMIT :limit;

-- name: waiting_page_of_claim
-- what waits under one name of a claim, from a number on; compared by all of it, which only the key can look up
SELECT * FROM events
WHERE user_id = :user_id AND seq IN (
    SELECT seq FROM waits
    WHERE user_id = :user_id AND kind = 'claim' AND name = :claim_id
      AND (kind, name, seq) >= ('claim', :claim_id, :seq)
    ORDER BY seq LIMIT :limit
)
ORDER BY seq;

-- name: claims_named
-- those that have some ids
SELECT lifecycles.* FROM json_array_elements_text(:claims::json) AS claims (value)
CROSS JOIN LATERAL (
    SELECT * FROM lifecycles WHERE user_id = :user_id AND claim_id = claims.value OFFSET 0
) AS lifecycles;

-- name: aliases_named
-- of some names, those that are aliases
SELECT aliases.alias, aliases.claim_id FROM json_array_elements_text(:claims::json) AS claims (value)
CROSS JOIN LATERAL (
    SELECT alias, claim_id FROM aliases WHERE user_id = :user_id AND alias = claims.value OFFSET 0
) AS aliases;

-- name: aliases_of
SELECT aliases.claim_id, aliases.alias FROM json_array_elements_text(:claims::json) AS claims (value)
CROSS JOIN LATERAL (
    SELECT claim_id, alias FROM aliases WHERE user_id = :user_id AND claim_id = claims.value OFFSET 0
) AS aliases;

-- name: is_waited_for
-- whether an event waits under the id of a claim, or an alias of it. Each OFFSET 0 keeps a look-up of it: else all
-- that waits is hashed
SELECT 1 FROM lifecycles WHERE user_id = :user_id AND id = :id AND (
    EXISTS (
        SELECT 1 FROM waits WHERE user_id = :user_id AND kind = 'claim' AND name = lifecycles.claim_id OFFSET 0
    ) OR EXISTS (
        SELECT 1 FROM aliases WHERE user_id = :user_id AND claim_id = lifecycles.claim_id AND EXISTS (
            SELECT 1 FROM waits WHERE user_id = :user_id AND kind = 'claim' AND name = aliases.alias OFFSET 0
        ) OFFSET 0
    )
);

-- name: with_case
-- whose a case is, with the lifecycle where there is one: a claim may not be detected yet. Each OFFSET 0 keeps a
-- look-up for each
SELECT cases.claim_id AS case_claim, cases.sync_id AS case_sync, lifecycles.* FROM cases
LEFT JOIN LATERAL (
    SELECT * FROM lifecycles WHERE user_id = :user_id AND claim_id = cases.claim_id OFFSET 0
) AS lifecycles ON true
WHERE cases.user_id = :user_id AND cases.case_id = :case_id AND cases.claim_id > ''
UNION ALL
SELECT cases.claim_id AS case_claim, cases.sync_id AS case_sync, lifecycles.* FROM cases
LEFT JOIN LATERAL (
    SELECT * FROM lifecycles
    WHERE user_id = :user_id AND sync_id = cases.sync_id AND claim_id IS NULL OFFSET 0
) AS lifecycles ON true
WHERE cases.user_id = :user_id AND cases.case_id = :case_id AND cases.claim_id = '';

-- name: cases_of_many
SELECT cases.* FROM json_array_elements_text(:claims::json) AS claims (value)
CROSS JOIN LATERAL (
    SELECT * FROM cases WHERE user_id = :user_id AND claim_id = claims.value AND sync_id = '' OFFSET 0
) AS cases
UNION ALL
SELECT cases.* FROM json_array_elements_text(:syncs::json) AS syncs (value)
CROSS JOIN LATERAL (
    SELECT * FROM cases WHERE user_id = :user_id AND claim_id = '' AND sync_id = syncs.value OFFSET 0
) AS cases;

-- name: not_at
-- which of some users have reached another cursor than one: further, or, where what was acknowledged was lost
-- with a server, not so far
SELECT asked.key AS user_id, coalesce(users.cursor, 0) AS cursor FROM json_each_text(:cursors::json) AS asked
LEFT JOIN users ON users.user_id = asked.key WHERE coalesce(users.cursor, 0) <> asked.value::bigint;

-- name: figures_of_kind
-- claims in a state with a decision and in a currency: how many, what they ask, and the same of those whose deadline
-- is near. Floats, as the figures of money are
SELECT count(*) AS many, coalesce(sum(amount), 0)::float8 AS amount, count(*) FILTER (WHERE is_due) AS due,
    coalesce(sum(amount) FILTER (WHERE is_due), 0)::float8 AS due_amount
FROM (
    SELECT CASE WHEN amount ~ '^[0-9]+([.][0-9]+)?$' THEN amount::numeric ELSE 0 END AS amount,
        deadline BETWEEN '0' AND :soon AS is_due
    FROM (
        SELECT
            -- include: listed_amount
            AS amount,
            -- include: listed_deadline
            AS deadline
        FROM lifecycles WHERE forked = 0 AND state = :state AND
            -- include: listed_decision
            = :decision AND
            -- include: listed_currency
            = :currency OFFSET 0
    ) AS told
) AS kind;

-- name: moves_since
-- where transitions led from and to, by the ten minutes in which they did: of each of some users, behind a number
SELECT left(moved.at, 15) AS span, moved.from_state, moved.to_state, count(*) AS many
FROM json_each_text(:cursors::json) AS asked
CROSS JOIN LATERAL (
    SELECT at, from_state, to_state FROM history
    WHERE user_id = asked.key AND cursor > asked.value::bigint AND at >= :since AND lifecycle > 0 OFFSET 0
) AS moved
GROUP BY left(moved.at, 15), moved.from_state, moved.to_state;

-- name: intake_since
-- what became of events, by the ten seconds in which they came in: of each of some users, behind a number
SELECT left(came.received_at, 18) AS span, came.standing, count(*) AS many
FROM json_each_text(:cursors::json) AS asked
CROSS JOIN LATERAL (
    SELECT received_at, standing FROM events
    WHERE user_id = asked.key AND seq > asked.value::bigint AND received_at >= :since OFFSET 0
) AS came
GROUP BY left(came.received_at, 18), came.standing;

-- name: figures_of_money
-- a float: it may be more than a whole number can hold, and what reads it knows only floats.
-- under '': how many users' money can't be read
SELECT money.key AS currency, sum(money.value::numeric)::float8 AS amount
FROM users, json_each_text(CASE
    WHEN users.recovered ~ '^[{]("[A-Z]{3}": ?"-?[0-9]+([.][0-9]+)?"(, ?)?)*[}]$' THEN users.recovered
    ELSE '{"": 1}'
END::json) AS money GROUP BY money.key;

-- name: money_by_day
-- what payouts brought and reversals took back, in a currency, by the day on which they came in; floats, as above
SELECT left(received_at, 10) AS day, count(*) AS many,
    coalesce(sum(booked) FILTER (WHERE booked > 0), 0)::float8 AS paid,
    coalesce(-sum(booked) FILTER (WHERE booked < 0), 0)::float8 AS reversed
FROM (
    SELECT received_at, CASE WHEN amount ~ '^-?[0-9]+([.][0-9]+)?$' THEN amount::numeric ELSE 0 END AS booked
    FROM events WHERE amount IS NOT NULL AND currency = :currency AND received_at >= :since OFFSET 0
) AS told
GROUP BY left(received_at, 10);

-- name: figures_of_unapplied
-- the same of the money that waits; what tells no currency is under XXX, as ISO 4217 has it
SELECT CASE money.key WHEN '' THEN 'XXX' ELSE money.key END AS currency,
    sum(money.value::numeric)::float8 AS amount
FROM users, json_each_text(CASE
    WHEN users.unapplied ~ '^[{]("([A-Z]{3})?": ?"-?[0-9]+([.][0-9]+)?"(, ?)?)*[}]$' THEN users.unapplied
    ELSE '{}'
END::json) AS money WHERE users.unapplied <> '{}' GROUP BY money.key;

-- name: every_complaint
-- what PostgreSQL itself finds wrong with its indexes
SELECT 'the index ' || index.relname || ' is not valid; REINDEX it' AS complaint
FROM pg_index JOIN pg_class AS index ON index.oid = pg_index.indexrelid
WHERE NOT pg_index.indisvalid AND index.relnamespace = (
    SELECT oid FROM pg_namespace WHERE nspname = current_schema()
);

-- name: every_user
-- a page of users, from one on. PostgreSQL takes no text that isn't UTF-8
SELECT user_id, cursor, updated_at, recovered, unapplied, currencies, forgotten_as IS NOT NULL AS is_going,
    (SELECT min(seq) FROM events WHERE events.user_id = users.user_id) AS first
FROM users
WHERE user_id >= :start ORDER BY user_id LIMIT :limit;

-- name: user_numbers
-- whoever is behind one, and the number that was handed out last
SELECT user_id, cursor FROM users WHERE user_id > :after_user ORDER BY user_id LIMIT :limit;

-- name: every_stranger
-- whoever something is kept of and is no user: looked up row by row, so that no more than those are sorted
SELECT DISTINCT user_id FROM (
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
-- here and below: a page of a user's, from a key on
SELECT * FROM lifecycles WHERE user_id = :user_id AND id >= :from_id ORDER BY id LIMIT 500;

-- name: every_row
SELECT * FROM history WHERE user_id = :user_id AND cursor >= :from_cursor ORDER BY cursor LIMIT 500;

-- name: every_event
-- as many as hold a megabyte, or one that holds more; `of` is how many would have been a page
SELECT * FROM (
    SELECT page.*, count(*) OVER () AS of, sum(size) OVER (ORDER BY seq) - size AS ahead FROM (
        SELECT *, octet_length(body)::bigint + octet_length(shares) + octet_length(answer) AS size FROM events
        WHERE user_id = :user_id AND seq >= :from_seq ORDER BY seq LIMIT 500
    ) AS page
) AS page
WHERE ahead < 1048576 ORDER BY seq;

-- name: every_effect
SELECT * FROM effects WHERE user_id = :user_id AND seq >= :from_seq ORDER BY seq LIMIT 500;

-- name: every_wait
SELECT * FROM waits WHERE user_id = :user_id AND (kind, name, seq) >= (:from_kind, :from_name, :from_seq)
ORDER BY kind, name, seq LIMIT 500;

-- name: every_case
SELECT * FROM cases
WHERE user_id = :user_id AND (case_id, claim_id, sync_id) >= (:from_case_id, :from_claim_id, :from_sync_id)
ORDER BY case_id, claim_id, sync_id LIMIT 500;

-- name: every_alias
SELECT * FROM aliases WHERE user_id = :user_id AND alias >= :from_alias ORDER BY alias LIMIT 500;

-- name: every_event_id
SELECT * FROM event_ids WHERE user_id = :user_id AND event_id >= :from_event_id ORDER BY event_id LIMIT 500;

-- name: heads_until
-- the heads that a user's chains had when a number had been handed out last
SELECT lifecycle, hash FROM history AS head
WHERE user_id = :user_id AND lifecycle >= :from_lifecycle AND cursor <= :cursor AND NOT EXISTS (
    SELECT 1 FROM history AS later
    WHERE later.user_id = :user_id AND later.lifecycle = head.lifecycle AND later.version > head.version
        AND later.cursor <= :cursor
)
ORDER BY lifecycle LIMIT 500;
