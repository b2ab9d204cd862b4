-- The statements of the store, in SQLite's dialect. Every one of the hot path is about one user.

-- name: user
-- what is known of a user
SELECT cursor, updated_at, recovered FROM users WHERE user_id = :user_id;

-- name: put_user
-- the numbers handed out so far, and the money recovered
INSERT INTO users (user_id, cursor, updated_at, recovered)
VALUES (:user_id, :cursor, :updated_at, :recovered)
ON CONFLICT (user_id) DO UPDATE
SET cursor = excluded.cursor, updated_at = excluded.updated_at, recovered = excluded.recovered;

-- name: lifecycle
SELECT * FROM lifecycles WHERE user_id = :user_id AND id = :id;

-- name: claim
SELECT * FROM lifecycles WHERE user_id = :user_id AND claim_id = :claim_id;

-- name: sync
SELECT * FROM lifecycles WHERE user_id = :user_id AND sync_id = :sync_id AND claim_id IS NULL;

-- name: newest_sync
SELECT * FROM lifecycles WHERE user_id = :user_id AND claim_id IS NULL ORDER BY id DESC LIMIT 1;

-- name: newest_sync_in
-- the newest that is in a state and takes part
SELECT * FROM lifecycles
WHERE user_id = :user_id AND claim_id IS NULL AND state = :state AND NOT forked
ORDER BY id DESC LIMIT 1;

-- name: with_case
SELECT * FROM lifecycles WHERE user_id = :user_id AND case_id = :case_id ORDER BY id;

-- name: seek
-- those that take part, are in one of some states, and moved since; newest first
SELECT * FROM lifecycles
WHERE user_id = :user_id AND NOT forked
  AND state IN (SELECT value FROM json_each(:states))
  AND (:unless_case IS NULL OR case_id IS NULL OR case_id = :unless_case)
  AND cursor > :since
ORDER BY id DESC LIMIT :limit;

-- name: seek_in_sync
-- the same, of one sync
SELECT * FROM lifecycles
WHERE user_id = :user_id AND sync_id = :sync_id AND NOT forked
  AND state IN (SELECT value FROM json_each(:states))
  AND (:unless_case IS NULL OR case_id IS NULL OR case_id = :unless_case)
  AND cursor > :since
ORDER BY id DESC LIMIT :limit;

-- name: has_claims
SELECT 1 FROM lifecycles WHERE user_id = :user_id AND claim_id IS NOT NULL LIMIT 1;

-- name: insert_lifecycle
INSERT INTO lifecycles (
    user_id, id, claim_id, sync_id, state, version, entered_at, cursor,
    head, origin, parent, forked, case_id, due_at, facts, paid
) VALUES (
    :user_id, :id, :claim_id, :sync_id, :state, :version, :entered_at, :cursor,
    :head, :origin, :parent, :forked, :case_id, :due_at, :facts, :paid
);

-- name: update_lifecycle
UPDATE lifecycles
SET state = :state, version = :version, entered_at = :entered_at, cursor = :cursor, head = :head,
    forked = :forked, case_id = :case_id, due_at = :due_at, facts = :facts, paid = :paid
WHERE user_id = :user_id AND id = :id;

-- name: insert_row
INSERT INTO history (
    user_id, cursor, lifecycle, claim_id, sync_id, version, "trigger", from_state, to_state,
    event_id, at, occurred_at, actor, hash
) VALUES (
    :user_id, :cursor, :lifecycle, :claim_id, :sync_id, :version, :trigger, :from_state, :to_state,
    :event_id, :at, :occurred_at, :actor, :hash
);

-- name: event
SELECT * FROM events WHERE user_id = :user_id AND event_id = :event_id;

-- name: latest_like
SELECT * FROM events
WHERE user_id = :user_id AND fingerprint = :fingerprint AND "trigger" = :trigger
ORDER BY seq DESC LIMIT 1;

-- name: with_reimbursement
SELECT * FROM events
WHERE user_id = :user_id AND reimbursement_id = :reimbursement_id AND "trigger" = :trigger
ORDER BY seq;

-- name: waiting
-- the waiting events with a nameless part, or a part that names one of some claims, or an alias of one
SELECT * FROM events
WHERE user_id = :user_id AND seq IN (
    SELECT seq FROM waits WHERE user_id = :user_id AND name = ''
    UNION
    SELECT waits.seq FROM json_each(:names) AS names
    JOIN waits ON waits.user_id = :user_id AND waits.name = names.value
    UNION
    SELECT waits.seq FROM json_each(:names) AS names
    JOIN aliases ON aliases.user_id = :user_id AND aliases.claim_id = names.value
    JOIN waits ON waits.user_id = :user_id AND waits.name = aliases.alias
)
ORDER BY seq;

-- name: all_waiting
SELECT * FROM events
WHERE user_id = :user_id AND seq IN (SELECT seq FROM waits WHERE user_id = :user_id)
ORDER BY seq;

-- name: insert_event
INSERT INTO events (
    user_id, seq, event_id, "trigger", standing, received_at, occurred_at, expires_at, settled,
    fingerprint, body, shares, answer, actor, reimbursement_id, currency, minor
) VALUES (
    :user_id, :seq, :event_id, :trigger, :standing, :received_at, :occurred_at, :expires_at, :settled,
    :fingerprint, :body, :shares, :answer, :actor, :reimbursement_id, :currency, :minor
);

-- name: update_event
UPDATE events
SET standing = :standing, settled = :settled, shares = :shares, currency = :currency, minor = :minor
WHERE user_id = :user_id AND seq = :seq;

-- name: delete_event
-- a refused or dead event that came again
DELETE FROM events WHERE user_id = :user_id AND seq = :seq;

-- name: insert_wait
INSERT INTO waits (user_id, name, seq) VALUES (:user_id, :name, :seq);

-- name: delete_waits
DELETE FROM waits WHERE user_id = :user_id AND seq = :seq;

-- name: alias
SELECT claim_id FROM aliases WHERE user_id = :user_id AND alias = :alias;

-- name: has_aliases
SELECT 1 FROM aliases
WHERE user_id = :user_id AND (:claim_id IS NULL OR claim_id = :claim_id) LIMIT 1;

-- name: insert_alias
INSERT INTO aliases (user_id, alias, claim_id) VALUES (:user_id, :alias, :claim_id);

-- name: due
-- users with a lifecycle that a timer would move by now
SELECT user_id, id FROM lifecycles WHERE due_at <= :now ORDER BY due_at LIMIT :limit;

-- name: expired
-- users with a waiting event whose time to live is over
SELECT user_id, event_id FROM events WHERE standing = 'waiting' AND expires_at <= :now
ORDER BY expires_at LIMIT :limit;

-- name: counts
-- how many take part in each state; a sync still in the first state counts only while no newer has moved on
SELECT state, count(*) AS many FROM lifecycles
WHERE user_id = :user_id AND NOT forked AND NOT (
    claim_id IS NULL AND state = :first AND id < coalesce((
        SELECT max(id) FROM lifecycles WHERE user_id = :user_id AND claim_id IS NULL AND state <> :first
    ), 0)
)
GROUP BY state;

-- name: newest_counted
-- the state of the newest that counts
SELECT state FROM lifecycles
WHERE user_id = :user_id AND NOT forked AND NOT (
    claim_id IS NULL AND state = :first AND id < coalesce((
        SELECT max(id) FROM lifecycles WHERE user_id = :user_id AND claim_id IS NULL AND state <> :first
    ), 0)
)
ORDER BY id DESC LIMIT 1;

-- name: claims_page
SELECT * FROM lifecycles
WHERE user_id = :user_id AND NOT forked AND id > :cursor
  AND (:claim_id IS NULL OR claim_id = :claim_id)
  AND (:sync_id IS NULL OR sync_id = :sync_id)
ORDER BY id LIMIT :limit;

-- name: syncs
SELECT * FROM lifecycles
WHERE user_id = :user_id AND claim_id IS NULL AND (:sync_id IS NULL OR sync_id = :sync_id)
ORDER BY id;

-- name: aliases_of
SELECT claim_id, alias FROM aliases
WHERE user_id = :user_id AND claim_id IN (SELECT value FROM json_each(:claims)) ORDER BY claim_id, alias;

-- name: history_page
SELECT * FROM history
WHERE user_id = :user_id AND cursor > :cursor AND (:sync_id IS NULL OR sync_id = :sync_id)
ORDER BY cursor LIMIT :limit;

-- name: claim_history_page
-- a claim's own rows, behind the first row of the sync from which it forked
SELECT * FROM history
WHERE user_id = :user_id AND cursor > :cursor
  AND (lifecycle = :lifecycle OR (lifecycle = :parent AND version = 1))
  AND (:sync_id IS NULL OR sync_id = :sync_id)
ORDER BY cursor LIMIT :limit;

-- name: distinct_states
SELECT DISTINCT state FROM lifecycles;

-- name: distinct_waiting_triggers
SELECT DISTINCT "trigger" FROM events WHERE standing = 'waiting';

-- name: ping
SELECT count(*) FROM users WHERE user_id = '';

-- name: every_complaint
-- what SQLite itself finds wrong with its file: tables, indexes, and values of a wrong type
SELECT integrity_check AS complaint FROM pragma_integrity_check(100) WHERE integrity_check <> 'ok';

-- name: every_user
-- a page of users, from one on. Here and below text is read as its bytes, which may be UTF-8 no more
SELECT CAST(user_id AS BLOB) AS user_id, cursor, CAST(recovered AS BLOB) AS recovered
FROM users WHERE user_id >= CAST(:start AS TEXT) ORDER BY user_id LIMIT :limit;

-- name: every_stranger
-- whoever something is kept of and is no user
SELECT CAST(user_id AS BLOB) AS user_id FROM (
    SELECT user_id FROM history
    UNION SELECT user_id FROM lifecycles
    UNION SELECT user_id FROM events
    UNION SELECT user_id FROM waits
    UNION SELECT user_id FROM aliases
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
    CAST(occurred_at AS BLOB) AS occurred_at, CAST(actor AS BLOB) AS actor, CAST(hash AS BLOB) AS hash
FROM history WHERE user_id IS CAST(:user_id AS TEXT) ORDER BY cursor;

-- name: every_event
SELECT CAST(user_id AS BLOB) AS user_id, seq, CAST(event_id AS BLOB) AS event_id,
    CAST("trigger" AS BLOB) AS "trigger", CAST(standing AS BLOB) AS standing,
    CAST(received_at AS BLOB) AS received_at, CAST(occurred_at AS BLOB) AS occurred_at,
    CAST(expires_at AS BLOB) AS expires_at, settled, CAST(fingerprint AS BLOB) AS fingerprint,
    CAST(body AS BLOB) AS body, CAST(shares AS BLOB) AS shares, CAST(answer AS BLOB) AS answer,
    CAST(actor AS BLOB) AS actor, CAST(reimbursement_id AS BLOB) AS reimbursement_id,
    CAST(currency AS BLOB) AS currency, CAST(minor AS BLOB) AS minor
FROM events WHERE user_id IS CAST(:user_id AS TEXT) ORDER BY seq;

-- name: every_wait
SELECT CAST(name AS BLOB) AS name, seq FROM waits
WHERE user_id IS CAST(:user_id AS TEXT) ORDER BY seq, name;
