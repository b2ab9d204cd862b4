-- The statements of the store, in PostgreSQL's dialect. Every one of the hot path is about one user, whose row
-- is the lock. A parameter has a cast where nothing else tells its type.

-- name: user
-- what is known of a user, and whether any event of theirs may wait
SELECT cursor, updated_at, recovered, true AS may_wait FROM users WHERE user_id = %(user_id)s;

-- name: lock_user
-- the same, locked to the end of the transaction; whoever is new gets a row that says nothing yet.
-- may_wait: this began to look before it had the lock, so that it could miss what waits since
WITH locked AS MATERIALIZED (
    SELECT cursor, updated_at, recovered FROM users WHERE user_id = %(user_id)s FOR UPDATE
), made AS (
    INSERT INTO users (user_id, cursor, updated_at, recovered)
    SELECT %(user_id)s, 0, '', '{}' WHERE NOT EXISTS (SELECT 1 FROM locked)
    ON CONFLICT (user_id) DO UPDATE SET cursor = users.cursor
    RETURNING cursor, updated_at, recovered
)
SELECT *, true AS may_wait FROM locked UNION ALL SELECT *, true AS may_wait FROM made;

-- name: forget_user
-- of whom nothing came to be known after all
DELETE FROM users WHERE user_id = %(user_id)s AND updated_at = '';

-- name: put_user
-- the numbers handed out so far, and the money recovered; the row was locked, so it is there
UPDATE users SET cursor = %(cursor)s, updated_at = %(updated_at)s, recovered = %(recovered)s
WHERE user_id = %(user_id)s;

-- name: lifecycle
SELECT * FROM lifecycles WHERE user_id = %(user_id)s AND id = %(id)s;

-- name: claim
SELECT * FROM lifecycles WHERE user_id = %(user_id)s AND claim_id = %(claim_id)s;

-- name: sync
SELECT * FROM lifecycles WHERE user_id = %(user_id)s AND sync_id = %(sync_id)s AND claim_id IS NULL;

-- name: newest_sync
SELECT * FROM lifecycles WHERE user_id = %(user_id)s AND claim_id IS NULL ORDER BY id DESC LIMIT 1;

-- name: newest_sync_in
-- the newest that is in a state and takes part
SELECT * FROM lifecycles
WHERE user_id = %(user_id)s AND claim_id IS NULL AND state = %(state)s AND forked = 0
ORDER BY id DESC LIMIT 1;

-- name: with_case
SELECT * FROM lifecycles WHERE user_id = %(user_id)s AND case_id = %(case_id)s ORDER BY id;

-- name: seek
-- those that take part, are in one of some states, and moved since; newest first
SELECT * FROM lifecycles
WHERE user_id = %(user_id)s AND forked = 0
  AND state = ANY (ARRAY(SELECT json_array_elements_text(%(states)s::json)))
  AND (%(unless_case)s::text IS NULL OR case_id IS NULL OR case_id = %(unless_case)s)
  AND cursor > %(since)s
ORDER BY id DESC LIMIT nullif(%(limit)s::bigint, -1);

-- name: seek_in_sync
-- the same, of one sync
SELECT * FROM lifecycles
WHERE user_id = %(user_id)s AND sync_id = %(sync_id)s AND forked = 0
  AND state = ANY (ARRAY(SELECT json_array_elements_text(%(states)s::json)))
  AND (%(unless_case)s::text IS NULL OR case_id IS NULL OR case_id = %(unless_case)s)
  AND cursor > %(since)s
ORDER BY id DESC LIMIT nullif(%(limit)s::bigint, -1);

-- name: has_claims
SELECT 1 FROM lifecycles WHERE user_id = %(user_id)s AND claim_id IS NOT NULL LIMIT 1;

-- name: insert_lifecycle
INSERT INTO lifecycles (
    user_id, id, claim_id, sync_id, state, version, entered_at, cursor,
    head, origin, parent, forked, case_id, due_at, facts, paid
) VALUES (
    %(user_id)s, %(id)s, %(claim_id)s, %(sync_id)s, %(state)s, %(version)s, %(entered_at)s, %(cursor)s,
    %(head)s, %(origin)s, %(parent)s, %(forked)s, %(case_id)s, %(due_at)s, %(facts)s, %(paid)s
);

-- name: update_lifecycle
UPDATE lifecycles
SET state = %(state)s, version = %(version)s, entered_at = %(entered_at)s, cursor = %(cursor)s, head = %(head)s,
    forked = %(forked)s, case_id = %(case_id)s, due_at = %(due_at)s, facts = %(facts)s, paid = %(paid)s
WHERE user_id = %(user_id)s AND id = %(id)s;

-- name: insert_row
INSERT INTO history (
    user_id, cursor, lifecycle, claim_id, sync_id, version, "trigger", from_state, to_state,
    event_id, at, occurred_at, actor, reason, hash
) VALUES (
    %(user_id)s, %(cursor)s, %(lifecycle)s, %(claim_id)s, %(sync_id)s, %(version)s, %(trigger)s, %(from_state)s, %(to_state)s,
    %(event_id)s, %(at)s, %(occurred_at)s, %(actor)s, %(reason)s, %(hash)s
);

-- name: event
SELECT * FROM events WHERE user_id = %(user_id)s AND event_id = %(event_id)s;

-- name: latest_like
SELECT * FROM events
WHERE user_id = %(user_id)s AND fingerprint = %(fingerprint)s AND "trigger" = %(trigger)s
ORDER BY seq DESC LIMIT 1;

-- name: with_reimbursement
SELECT * FROM events
WHERE user_id = %(user_id)s AND reimbursement_id = %(reimbursement_id)s AND "trigger" = %(trigger)s
ORDER BY seq;

-- name: waiting
-- the waiting events with a nameless part, or a part that names one of some claims, or an alias of one.
-- Each OFFSET 0 keeps a look-up one by whole keys: joined freely, all of a user's events would be read
SELECT events.* FROM (
    SELECT DISTINCT waits.seq FROM (
        SELECT '' AS name
        UNION
        SELECT value FROM json_array_elements_text(%(names)s::json) AS names (value)
        UNION
        SELECT aliases.alias FROM json_array_elements_text(%(names)s::json) AS names (value)
        CROSS JOIN LATERAL (
            SELECT alias FROM aliases WHERE user_id = %(user_id)s AND claim_id = names.value OFFSET 0
        ) AS aliases
    ) AS names
    CROSS JOIN LATERAL (
        SELECT seq FROM waits WHERE user_id = %(user_id)s AND name = names.name OFFSET 0
    ) AS waits
) AS found
CROSS JOIN LATERAL (
    SELECT * FROM events WHERE user_id = %(user_id)s AND seq = found.seq OFFSET 0
) AS events
ORDER BY events.seq;

-- name: all_waiting
SELECT * FROM events
WHERE user_id = %(user_id)s AND seq IN (SELECT seq FROM waits WHERE user_id = %(user_id)s)
ORDER BY seq;

-- name: insert_event
INSERT INTO events (
    user_id, seq, event_id, "trigger", standing, received_at, occurred_at, expires_at, settled,
    fingerprint, body, shares, answer, actor, reimbursement_id, currency, minor,
    letter, letter_at
) VALUES (
    %(user_id)s, %(seq)s, %(event_id)s, %(trigger)s, %(standing)s, %(received_at)s, %(occurred_at)s, %(expires_at)s, %(settled)s,
    %(fingerprint)s, %(body)s, %(shares)s, %(answer)s, %(actor)s, %(reimbursement_id)s, %(currency)s, %(minor)s,
    %(letter)s, %(letter_at)s
);

-- name: update_event
UPDATE events
SET standing = %(standing)s, settled = %(settled)s, shares = %(shares)s, currency = %(currency)s, minor = %(minor)s,
    body = %(body)s, expires_at = %(expires_at)s, answer = %(answer)s, letter = %(letter)s, letter_at = %(letter_at)s
WHERE user_id = %(user_id)s AND seq = %(seq)s;

-- name: delete_event
-- a refused or dead event that came again
DELETE FROM events WHERE user_id = %(user_id)s AND seq = %(seq)s;

-- name: insert_wait
INSERT INTO waits (user_id, name, seq) VALUES (%(user_id)s, %(name)s, %(seq)s);

-- name: delete_waits
DELETE FROM waits WHERE user_id = %(user_id)s AND seq = %(seq)s;

-- name: alias
SELECT claim_id FROM aliases WHERE user_id = %(user_id)s AND alias = %(alias)s;

-- name: has_aliases
SELECT 1 FROM aliases
WHERE user_id = %(user_id)s AND (%(claim_id)s::text IS NULL OR claim_id = %(claim_id)s) LIMIT 1;

-- name: insert_alias
INSERT INTO aliases (user_id, alias, claim_id) VALUES (%(user_id)s, %(alias)s, %(claim_id)s);

-- name: handlers
SELECT name, pattern, registered_at FROM handlers ORDER BY name;

-- name: put_handler
INSERT INTO handlers (name, pattern, registered_at) VALUES (%(name)s, %(pattern)s, %(registered_at)s)
ON CONFLICT (name) DO UPDATE SET pattern = excluded.pattern, registered_at = excluded.registered_at;

-- name: drop_handler
DELETE FROM handlers WHERE name = %(handler)s RETURNING name;

-- name: void_effects_of_handler
-- nothing takes them up any more; what runs finishes
UPDATE effects SET standing = 'void'
WHERE handler = %(handler)s AND (standing = 'owed' OR (standing = 'taken' AND ready_at <= %(now)s)) RETURNING seq;

-- name: insert_effect
INSERT INTO effects (
    user_id, seq, lifecycle, cursor, handler, on_enter, standing, owed_at, due_at, ready_at, attempt, forgiven,
    key, error, about
) VALUES (
    %(user_id)s, %(seq)s, %(lifecycle)s, %(cursor)s, %(handler)s, %(on_enter)s, 'owed', %(owed_at)s,
    %(due_at)s, %(due_at)s, 0, 0, %(key)s, NULL, %(about)s
);

-- name: void_effects
-- work for being in a state that the lifecycle has left, where nobody is at it
UPDATE effects SET standing = 'void'
WHERE user_id = %(user_id)s AND lifecycle = %(lifecycle)s AND on_enter = 1
  AND (standing = 'owed' OR (standing = 'taken' AND ready_at <= %(now)s));

-- name: next_effect
-- the first that is ready; one lifecycle's go one at a time and in order, past those not due yet.
-- suspects: also those whose holder died, or hung, in them
SELECT mine.user_id, mine.seq, mine.handler, mine.ready_at FROM effects AS mine
WHERE mine.handler = %(handler)s AND mine.ready_at <= %(now)s AND mine.standing IN ('owed', 'taken')
  AND (%(suspects)s::bigint = 1 OR mine.standing = 'owed')
  AND (mine.lifecycle = 0 OR NOT EXISTS (
    SELECT 1 FROM effects AS other
    WHERE other.user_id = mine.user_id AND other.lifecycle = mine.lifecycle
      AND other.standing IN ('owed', 'taken') AND other.seq <> mine.seq
      AND (
        (other.standing = 'taken' AND other.ready_at > %(now)s)
        OR (other.seq < mine.seq AND (other.ready_at <= %(now)s OR other.attempt > 0))
      )
  ))
ORDER BY mine.ready_at, mine.user_id, mine.seq LIMIT 1;

-- name: lock_effect
-- the first that is ready of a user whom nobody else has locked, and the lock on that user
WITH first AS MATERIALIZED (
    SELECT mine.user_id, mine.seq, mine.handler, mine.ready_at
    FROM effects AS mine JOIN users AS owner ON owner.user_id = mine.user_id
    WHERE mine.handler = %(handler)s AND mine.ready_at <= %(now)s AND mine.standing IN ('owed', 'taken')
      AND (%(suspects)s::bigint = 1 OR mine.standing = 'owed')
      AND (mine.lifecycle = 0 OR NOT EXISTS (
        SELECT 1 FROM effects AS other
        WHERE other.user_id = mine.user_id AND other.lifecycle = mine.lifecycle
          AND other.standing IN ('owed', 'taken') AND other.seq <> mine.seq
          AND (
            (other.standing = 'taken' AND other.ready_at > %(now)s)
            OR (other.seq < mine.seq AND (other.ready_at <= %(now)s OR other.attempt > 0))
          )
      ))
    ORDER BY mine.ready_at, mine.user_id, mine.seq LIMIT 1
    FOR UPDATE OF owner SKIP LOCKED
)
SELECT * FROM first;

-- name: ready_effect
-- that effect as it stands under the lock, where it is ready still.
-- is_left: it is work for being in a state that the lifecycle left while the effect was running
SELECT mine.*, (mine.on_enter = 1 AND NOT EXISTS (
    SELECT 1 FROM lifecycles AS whose
    WHERE whose.user_id = mine.user_id AND whose.id = mine.lifecycle AND whose.cursor = mine.cursor
      AND whose.forked = 0
)) AS is_left
FROM effects AS mine
WHERE mine.user_id = %(user_id)s AND mine.seq = %(seq)s AND mine.ready_at <= %(now)s AND mine.standing IN ('owed', 'taken')
  AND (%(suspects)s::bigint = 1 OR mine.standing = 'owed')
  AND (mine.lifecycle = 0 OR NOT EXISTS (
    SELECT 1 FROM effects AS other
    WHERE other.user_id = mine.user_id AND other.lifecycle = mine.lifecycle
      AND other.standing IN ('owed', 'taken') AND other.seq <> mine.seq
      AND (
        (other.standing = 'taken' AND other.ready_at > %(now)s)
        OR (other.seq < mine.seq AND (other.ready_at <= %(now)s OR other.attempt > 0))
      )
  ));

-- name: take_effect
-- the attempt is the fence: only whoever holds this number may finish, extend or fail it
UPDATE effects SET standing = 'taken', attempt = %(attempt)s, ready_at = %(ready_at)s
WHERE user_id = %(user_id)s AND seq = %(seq)s;

-- name: end_effect
-- one that is void or dead before it is taken again
UPDATE effects SET standing = %(standing)s, ready_at = %(now)s, error = coalesce(%(error)s, error)
WHERE user_id = %(user_id)s AND seq = %(seq)s;

-- name: extend_effect
UPDATE effects SET ready_at = %(ready_at)s
WHERE user_id = %(user_id)s AND seq = %(seq)s AND attempt = %(attempt)s AND standing = 'taken' RETURNING seq;

-- name: settle_effect
-- done, dead, or owed again; only while this attempt still holds it, so that a late worker changes nothing.
-- What would be tried again for being in a state that the lifecycle left meanwhile is void
UPDATE effects
SET ready_at = %(ready_at)s, error = %(error)s, forgiven = forgiven + %(forgiven)s::bigint, standing = CASE
    WHEN %(standing)s::text = 'owed' AND on_enter = 1 AND NOT EXISTS (
        SELECT 1 FROM lifecycles AS whose
        WHERE whose.user_id = effects.user_id AND whose.id = effects.lifecycle
          AND whose.cursor = effects.cursor AND whose.forked = 0
    ) THEN 'void' ELSE %(standing)s END
WHERE user_id = %(user_id)s AND seq = %(seq)s AND attempt = %(attempt)s AND standing = 'taken' RETURNING standing;

-- name: unfinished_effects
SELECT effects.*, history.claim_id, history.sync_id, history."trigger" FROM effects
LEFT JOIN history ON history.user_id = effects.user_id AND history.cursor = effects.cursor
WHERE effects.standing IN ('owed', 'taken') AND (%(user_id)s::text IS NULL OR effects.user_id = %(user_id)s)
ORDER BY effects.owed_at, effects.user_id, effects.seq LIMIT %(limit)s::bigint;

-- name: dead_events
-- refused and expired events, and money that waits; oldest first
SELECT * FROM events
WHERE letter IS NOT NULL AND (%(user_id)s::text IS NULL OR user_id = %(user_id)s)
  AND (letter_at, user_id, seq) > (%(at)s::text, %(after_user)s::text, %(after_seq)s::bigint)
ORDER BY letter_at, user_id, seq LIMIT %(limit)s::bigint;

-- name: dead_effects
SELECT effects.*, history.claim_id, history."trigger", history.event_id FROM effects
LEFT JOIN history ON history.user_id = effects.user_id AND history.cursor = effects.cursor
WHERE effects.standing = 'dead' AND (%(user_id)s::text IS NULL OR effects.user_id = %(user_id)s)
  AND (effects.ready_at, effects.user_id, effects.seq) > (%(at)s::text, %(after_user)s::text, %(after_seq)s::bigint)
ORDER BY effects.ready_at, effects.user_id, effects.seq LIMIT %(limit)s::bigint;

-- name: event_at
SELECT * FROM events WHERE user_id = %(user_id)s AND seq = %(seq)s;

-- name: effect_at
SELECT effects.*, history.claim_id, history."trigger", history.event_id FROM effects
LEFT JOIN history ON history.user_id = effects.user_id AND history.cursor = effects.cursor
WHERE effects.user_id = %(user_id)s AND effects.seq = %(seq)s;

-- name: revive_effect
-- a dead effect that a person retries, or drops. Its attempts are forgiven, and their numbers stay used: a
-- late holder of one changes nothing. Work for being in a state that the lifecycle has left is void
UPDATE effects SET ready_at = %(now)s, forgiven = attempt, standing = CASE
    WHEN %(standing)s::text = 'owed' AND on_enter = 1 AND NOT EXISTS (
        SELECT 1 FROM lifecycles AS whose
        WHERE whose.user_id = effects.user_id AND whose.id = effects.lifecycle
          AND whose.cursor = effects.cursor AND whose.forked = 0
    ) THEN 'void' ELSE %(standing)s END
WHERE user_id = %(user_id)s AND seq = %(seq)s AND standing = 'dead' RETURNING standing;

-- name: last_act
SELECT version, hash FROM history WHERE user_id = %(user_id)s AND lifecycle = 0 ORDER BY version DESC LIMIT 1;

-- name: acts
-- what persons did with a user's dead letters, oldest first
SELECT * FROM history WHERE user_id = %(user_id)s AND lifecycle = 0 AND cursor > %(cursor)s
ORDER BY cursor LIMIT %(limit)s::bigint;

-- name: requested
SELECT 1 FROM effects
WHERE user_id = %(user_id)s AND lifecycle = 0 AND handler = %(handler)s AND standing IN ('owed', 'taken') LIMIT 1;

-- name: row_at
SELECT * FROM history WHERE user_id = %(user_id)s AND cursor = %(cursor)s;

-- name: due
-- users with a lifecycle that a timer would move by now
SELECT user_id, id FROM lifecycles WHERE due_at <= %(now)s ORDER BY due_at LIMIT %(limit)s::bigint;

-- name: expired
-- users with a waiting event whose time to live is over
SELECT user_id, event_id FROM events WHERE standing = 'waiting' AND expires_at <= %(now)s
ORDER BY expires_at LIMIT %(limit)s::bigint;

-- name: counts
-- how many take part in each state; a sync still in the first state counts only while no newer has moved on
SELECT state, count(*) AS many FROM lifecycles
WHERE user_id = %(user_id)s AND forked = 0 AND NOT (
    claim_id IS NULL AND state = %(first)s AND id < coalesce((
        SELECT max(id) FROM lifecycles WHERE user_id = %(user_id)s AND claim_id IS NULL AND state <> %(first)s
    ), 0)
)
GROUP BY state;

-- name: is_told_of
-- whether any event, or an alias linked early, speaks of the user; a request alone doesn't
SELECT 1 FROM events WHERE user_id = %(user_id)s
UNION ALL SELECT 1 FROM aliases WHERE user_id = %(user_id)s LIMIT 1;

-- name: newest_counted
-- the state of the newest that counts
SELECT state FROM lifecycles
WHERE user_id = %(user_id)s AND forked = 0 AND NOT (
    claim_id IS NULL AND state = %(first)s AND id < coalesce((
        SELECT max(id) FROM lifecycles WHERE user_id = %(user_id)s AND claim_id IS NULL AND state <> %(first)s
    ), 0)
)
ORDER BY id DESC LIMIT 1;

-- name: claims_page
SELECT * FROM lifecycles
WHERE user_id = %(user_id)s AND forked = 0 AND id > %(cursor)s
  AND (%(claim_id)s::text IS NULL OR claim_id = %(claim_id)s)
  AND (%(sync_id)s::text IS NULL OR sync_id = %(sync_id)s)
ORDER BY id LIMIT %(limit)s::bigint;

-- name: syncs
SELECT * FROM lifecycles
WHERE user_id = %(user_id)s AND claim_id IS NULL AND (%(sync_id)s::text IS NULL OR sync_id = %(sync_id)s)
ORDER BY id;

-- name: aliases_of
SELECT claim_id, alias FROM aliases
WHERE user_id = %(user_id)s AND claim_id = ANY (ARRAY(SELECT json_array_elements_text(%(claims)s::json))) ORDER BY claim_id, alias;

-- name: history_page
-- transitions; what persons did with dead letters is a chain of its own
SELECT * FROM history
WHERE user_id = %(user_id)s AND cursor > %(cursor)s AND lifecycle > 0 AND (%(sync_id)s::text IS NULL OR sync_id = %(sync_id)s)
ORDER BY cursor LIMIT %(limit)s::bigint;

-- name: further
-- which of some users are further than a cursor of theirs
SELECT users.user_id FROM json_each_text(%(cursors)s::json) AS asked
JOIN users ON users.user_id = asked.key WHERE users.cursor > asked.value::bigint;

-- name: claim_history_page
-- a claim's own rows, behind the first row of the sync from which it forked
SELECT * FROM history
WHERE user_id = %(user_id)s AND cursor > %(cursor)s
  AND (lifecycle = %(lifecycle)s OR (lifecycle = %(parent)s AND version = 1))
  AND (%(sync_id)s::text IS NULL OR sync_id = %(sync_id)s)
ORDER BY cursor LIMIT %(limit)s::bigint;

-- name: figures_of_events
-- these count everything, all users together: each reads one small index from end to end
SELECT "trigger", standing, count(*) AS many FROM events GROUP BY "trigger", standing;

-- name: figures_of_effects
SELECT handler, standing, count(*) AS many FROM effects GROUP BY handler, standing;

-- name: figures_of_due_effects
-- ready, and nobody at it: a lease that has run out among them
SELECT handler, count(*) AS due, count(*) FILTER (WHERE ready_at <= %(late)s) AS overdue FROM effects
WHERE standing IN ('owed', 'taken') AND ready_at <= %(now)s GROUP BY handler;

-- name: figures_of_lifecycles
SELECT state, count(*) AS many FROM lifecycles WHERE forked = 0 GROUP BY state;

-- name: figures_of_money
-- a float: it may be more than a whole number can hold, and what reads it knows only floats
SELECT money.key AS currency, sum(money.value::numeric)::float8 AS minor
FROM users, json_each_text(users.recovered::json) AS money
GROUP BY money.key;

-- name: figures_of_the_rest
SELECT
    (SELECT min(received_at) FROM events WHERE standing = 'waiting') AS oldest_waiting,
    (SELECT count(*) FROM events WHERE letter IS NOT NULL) AS dead_events,
    (SELECT count(*) FROM lifecycles WHERE due_at <= %(late)s) AS late_deadlines,
    (SELECT count(*) FROM events WHERE standing = 'waiting' AND expires_at <= %(late)s) AS late_expiries;

-- name: distinct_states
SELECT DISTINCT state FROM lifecycles;

-- name: distinct_waiting_triggers
SELECT DISTINCT "trigger" FROM events WHERE standing = 'waiting';

-- name: ping
SELECT count(*) AS many FROM users WHERE user_id = '';

-- name: every_complaint
-- what PostgreSQL itself finds wrong with its indexes
SELECT 'the index ' || index.relname || ' is not valid; REINDEX it' AS complaint
FROM pg_index JOIN pg_class AS index ON index.oid = pg_index.indexrelid
WHERE NOT pg_index.indisvalid AND index.relnamespace = (
    SELECT oid FROM pg_namespace WHERE nspname = current_schema()
);

-- name: every_user
-- a page of users, from one on. PostgreSQL takes no text that isn't UTF-8
SELECT user_id, cursor, recovered
FROM users WHERE user_id >= %(start)s ORDER BY user_id LIMIT %(limit)s::bigint;

-- name: every_stranger
-- whoever something is kept of and is no user
SELECT user_id FROM (
    SELECT user_id FROM history
    UNION SELECT user_id FROM lifecycles
    UNION SELECT user_id FROM events
    UNION SELECT user_id FROM waits
    UNION SELECT user_id FROM aliases
    UNION SELECT user_id FROM effects
) AS kept WHERE NOT EXISTS (SELECT 1 FROM users WHERE users.user_id = kept.user_id) ORDER BY user_id;

-- name: every_lifecycle
SELECT id, claim_id, sync_id,
    state, version, entered_at, cursor,
    head, origin, parent, forked,
    case_id, due_at,
    facts, paid
FROM lifecycles WHERE user_id = %(user_id)s ORDER BY id;

-- name: every_row
SELECT user_id, cursor, lifecycle, claim_id,
    sync_id, version, "trigger",
    from_state, to_state,
    event_id, at,
    occurred_at, actor,
    reason, hash
FROM history WHERE user_id = %(user_id)s ORDER BY cursor;

-- name: every_event
SELECT user_id, seq, event_id,
    "trigger", standing,
    received_at, occurred_at,
    expires_at, settled, fingerprint,
    body, shares, answer,
    actor, reimbursement_id,
    currency, minor,
    letter, letter_at
FROM events WHERE user_id = %(user_id)s ORDER BY seq;

-- name: every_effect
SELECT seq, lifecycle, cursor, handler, on_enter,
    standing, owed_at, due_at,
    ready_at, attempt, forgiven, "key",
    about
FROM effects WHERE user_id = %(user_id)s ORDER BY seq;

-- name: every_wait
SELECT name, seq FROM waits
WHERE user_id = %(user_id)s ORDER BY seq, name;
