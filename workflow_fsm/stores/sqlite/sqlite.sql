-- The statements of the store, in SQLite's dialect. Every one of the hot path is about one user.

-- name: user
-- what is known of a user, and whether any event of theirs may wait
SELECT cursor, updated_at, recovered, EXISTS (SELECT 1 FROM waits WHERE user_id = :user_id) AS may_wait
FROM users WHERE user_id = :user_id;

-- name: lock_user
-- the same: whoever writes here writes alone
SELECT cursor, updated_at, recovered, EXISTS (SELECT 1 FROM waits WHERE user_id = :user_id) AS may_wait
FROM users WHERE user_id = :user_id;

-- name: forget_user
-- of whom nothing came to be known after all
DELETE FROM users WHERE user_id = :user_id AND updated_at = '';

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
    event_id, at, occurred_at, actor, reason, hash
) VALUES (
    :user_id, :cursor, :lifecycle, :claim_id, :sync_id, :version, :trigger, :from_state, :to_state,
    :event_id, :at, :occurred_at, :actor, :reason, :hash
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
    fingerprint, body, shares, answer, actor, reimbursement_id, currency, minor,
    letter, letter_at
) VALUES (
    :user_id, :seq, :event_id, :trigger, :standing, :received_at, :occurred_at, :expires_at, :settled,
    :fingerprint, :body, :shares, :answer, :actor, :reimbursement_id, :currency, :minor,
    :letter, :letter_at
);

-- name: update_event
UPDATE events
SET standing = :standing, settled = :settled, shares = :shares, currency = :currency, minor = :minor,
    body = :body, expires_at = :expires_at, answer = :answer, letter = :letter, letter_at = :letter_at
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

-- name: handlers
SELECT name, pattern, registered_at FROM handlers ORDER BY name;

-- name: put_handler
INSERT INTO handlers (name, pattern, registered_at) VALUES (:name, :pattern, :registered_at)
ON CONFLICT (name) DO UPDATE SET pattern = excluded.pattern, registered_at = excluded.registered_at;

-- name: drop_handler
DELETE FROM handlers WHERE name = :handler RETURNING name;

-- name: void_effects_of_handler
-- nothing takes them up any more; what runs finishes
UPDATE effects SET standing = 'void'
WHERE handler = :handler AND (standing = 'owed' OR (standing = 'taken' AND ready_at <= :now)) RETURNING seq;

-- name: insert_effect
INSERT INTO effects (
    user_id, seq, lifecycle, cursor, handler, on_enter, standing, owed_at, due_at, ready_at, attempt, forgiven,
    key, error, about
) VALUES (
    :user_id, :seq, :lifecycle, :cursor, :handler, :on_enter, 'owed', :owed_at, :due_at, :due_at, 0, 0,
    :key, NULL, :about
);

-- name: void_effects
-- work for being in a state that the lifecycle has left, where nobody is at it
UPDATE effects SET standing = 'void'
WHERE user_id = :user_id AND lifecycle = :lifecycle AND on_enter
  AND (standing = 'owed' OR (standing = 'taken' AND ready_at <= :now));

-- name: next_effect
-- the first that is ready; one lifecycle's go one at a time and in order, past those not due yet.
-- suspects: also those whose holder died, or hung, in them
SELECT mine.user_id, mine.seq, mine.handler, mine.ready_at FROM effects AS mine
WHERE mine.handler = :handler AND mine.ready_at <= :now AND mine.standing IN ('owed', 'taken')
  AND (:suspects OR mine.standing = 'owed')
  AND (mine.lifecycle = 0 OR NOT EXISTS (
    SELECT 1 FROM effects AS other
    WHERE other.user_id = mine.user_id AND other.lifecycle = mine.lifecycle
      AND other.standing IN ('owed', 'taken') AND other.seq <> mine.seq
      AND (
        (other.standing = 'taken' AND other.ready_at > :now)
        OR (other.seq < mine.seq AND (other.ready_at <= :now OR other.attempt > 0))
      )
  ))
ORDER BY mine.ready_at, mine.user_id, mine.seq LIMIT 1;

-- name: lock_effect
-- the same: whoever writes here writes alone
SELECT mine.user_id, mine.seq, mine.handler, mine.ready_at FROM effects AS mine
WHERE mine.handler = :handler AND mine.ready_at <= :now AND mine.standing IN ('owed', 'taken')
  AND (:suspects OR mine.standing = 'owed')
  AND (mine.lifecycle = 0 OR NOT EXISTS (
    SELECT 1 FROM effects AS other
    WHERE other.user_id = mine.user_id AND other.lifecycle = mine.lifecycle
      AND other.standing IN ('owed', 'taken') AND other.seq <> mine.seq
      AND (
        (other.standing = 'taken' AND other.ready_at > :now)
        OR (other.seq < mine.seq AND (other.ready_at <= :now OR other.attempt > 0))
      )
  ))
ORDER BY mine.ready_at, mine.user_id, mine.seq LIMIT 1;

-- name: ready_effect
-- that effect, where it is ready still.
-- is_left: it is work for being in a state that the lifecycle left while the effect was running
SELECT mine.*, mine.on_enter AND NOT EXISTS (
    SELECT 1 FROM lifecycles AS whose
    WHERE whose.user_id = mine.user_id AND whose.id = mine.lifecycle AND whose.cursor = mine.cursor
      AND NOT whose.forked
) AS is_left
FROM effects AS mine
WHERE mine.user_id = :user_id AND mine.seq = :seq AND mine.ready_at <= :now AND mine.standing IN ('owed', 'taken')
  AND (:suspects OR mine.standing = 'owed')
  AND (mine.lifecycle = 0 OR NOT EXISTS (
    SELECT 1 FROM effects AS other
    WHERE other.user_id = mine.user_id AND other.lifecycle = mine.lifecycle
      AND other.standing IN ('owed', 'taken') AND other.seq <> mine.seq
      AND (
        (other.standing = 'taken' AND other.ready_at > :now)
        OR (other.seq < mine.seq AND (other.ready_at <= :now OR other.attempt > 0))
      )
  ));

-- name: take_effect
-- the attempt is the fence: only whoever holds this number may finish, extend or fail it
UPDATE effects SET standing = 'taken', attempt = :attempt, ready_at = :ready_at
WHERE user_id = :user_id AND seq = :seq;

-- name: end_effect
-- one that is void or dead before it is taken again
UPDATE effects SET standing = :standing, ready_at = :now, error = coalesce(:error, error)
WHERE user_id = :user_id AND seq = :seq;

-- name: extend_effect
UPDATE effects SET ready_at = :ready_at
WHERE user_id = :user_id AND seq = :seq AND attempt = :attempt AND standing = 'taken' RETURNING seq;

-- name: settle_effect
-- done, dead, or owed again; only while this attempt still holds it, so that a late worker changes nothing.
-- What would be tried again for being in a state that the lifecycle left meanwhile is void
UPDATE effects SET ready_at = :ready_at, error = :error, forgiven = forgiven + :forgiven, standing = CASE
    WHEN :standing = 'owed' AND on_enter AND NOT EXISTS (
        SELECT 1 FROM lifecycles AS whose
        WHERE whose.user_id = effects.user_id AND whose.id = effects.lifecycle
          AND whose.cursor = effects.cursor AND NOT whose.forked
    ) THEN 'void' ELSE :standing END
WHERE user_id = :user_id AND seq = :seq AND attempt = :attempt AND standing = 'taken' RETURNING standing;

-- name: unfinished_effects
SELECT effects.*, history.claim_id, history.sync_id, history."trigger" FROM effects
LEFT JOIN history ON history.user_id = effects.user_id AND history.cursor = effects.cursor
WHERE effects.standing IN ('owed', 'taken') AND (:user_id IS NULL OR effects.user_id = :user_id)
ORDER BY effects.owed_at, effects.user_id, effects.seq LIMIT :limit;

-- name: dead_events
-- refused and expired events, and money that waits; oldest first
SELECT * FROM events
WHERE letter IS NOT NULL AND (:user_id IS NULL OR user_id = :user_id)
  AND (letter_at, user_id, seq) > (:at, :after_user, :after_seq)
ORDER BY letter_at, user_id, seq LIMIT :limit;

-- name: dead_effects
SELECT effects.*, history.claim_id, history."trigger", history.event_id FROM effects
LEFT JOIN history ON history.user_id = effects.user_id AND history.cursor = effects.cursor
WHERE effects.standing = 'dead' AND (:user_id IS NULL OR effects.user_id = :user_id)
  AND (effects.ready_at, effects.user_id, effects.seq) > (:at, :after_user, :after_seq)
ORDER BY effects.ready_at, effects.user_id, effects.seq LIMIT :limit;

-- name: event_at
SELECT * FROM events WHERE user_id = :user_id AND seq = :seq;

-- name: effect_at
SELECT effects.*, history.claim_id, history."trigger", history.event_id FROM effects
LEFT JOIN history ON history.user_id = effects.user_id AND history.cursor = effects.cursor
WHERE effects.user_id = :user_id AND effects.seq = :seq;

-- name: revive_effect
-- a dead effect that a person retries, or drops. Its attempts are forgiven, and their numbers stay used: a
-- late holder of one changes nothing. Work for being in a state that the lifecycle has left is void
UPDATE effects SET ready_at = :now, forgiven = attempt, standing = CASE
    WHEN :standing = 'owed' AND on_enter AND NOT EXISTS (
        SELECT 1 FROM lifecycles AS whose
        WHERE whose.user_id = effects.user_id AND whose.id = effects.lifecycle
          AND whose.cursor = effects.cursor AND NOT whose.forked
    ) THEN 'void' ELSE :standing END
WHERE user_id = :user_id AND seq = :seq AND standing = 'dead' RETURNING standing;

-- name: last_act
SELECT version, hash FROM history WHERE user_id = :user_id AND lifecycle = 0 ORDER BY version DESC LIMIT 1;

-- name: acts
-- what persons did with a user's dead letters, oldest first
SELECT * FROM history WHERE user_id = :user_id AND lifecycle = 0 AND cursor > :cursor
ORDER BY cursor LIMIT :limit;

-- name: requested
SELECT 1 FROM effects
WHERE user_id = :user_id AND lifecycle = 0 AND handler = :handler AND standing IN ('owed', 'taken') LIMIT 1;

-- name: row_at
SELECT * FROM history WHERE user_id = :user_id AND cursor = :cursor;

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

-- name: is_told_of
-- whether any event, or an alias linked early, speaks of the user; a request alone doesn't
SELECT 1 FROM events WHERE user_id = :user_id
UNION ALL SELECT 1 FROM aliases WHERE user_id = :user_id LIMIT 1;

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
-- transitions; what persons did with dead letters is a chain of its own
SELECT * FROM history
WHERE user_id = :user_id AND cursor > :cursor AND lifecycle > 0 AND (:sync_id IS NULL OR sync_id = :sync_id)
ORDER BY cursor LIMIT :limit;

-- name: further
-- which of some users are further than a cursor of theirs
SELECT users.user_id FROM json_each(:cursors) AS asked
CROSS JOIN users ON users.user_id = asked.key WHERE users.cursor > asked.value;

-- name: claim_history_page
-- a claim's own rows, behind the first row of the sync from which it forked
SELECT * FROM history
WHERE user_id = :user_id AND cursor > :cursor
  AND (lifecycle = :lifecycle OR (lifecycle = :parent AND version = 1))
  AND (:sync_id IS NULL OR sync_id = :sync_id)
ORDER BY cursor LIMIT :limit;

-- name: figures_of_events
-- these count everything, all users together: each reads one small index from end to end
SELECT "trigger", standing, count(*) AS many FROM events GROUP BY "trigger", standing;

-- name: figures_of_effects
SELECT handler, standing, count(*) AS many FROM effects GROUP BY handler, standing;

-- name: figures_of_due_effects
-- ready, and nobody at it: a lease that has run out among them
SELECT handler, count(*) AS due, sum(ready_at <= :late) AS overdue FROM effects
WHERE standing IN ('owed', 'taken') AND ready_at <= :now GROUP BY handler;

-- name: figures_of_lifecycles
SELECT state, count(*) AS many FROM lifecycles WHERE NOT forked GROUP BY state;

-- name: figures_of_money
-- a float: it may be more than a whole number can hold, and what reads it knows only floats
SELECT money.key AS currency, total(money.value) AS minor FROM users, json_each(users.recovered) AS money
GROUP BY money.key;

-- name: figures_of_the_rest
SELECT
    (SELECT min(received_at) FROM events WHERE standing = 'waiting') AS oldest_waiting,
    (SELECT count(*) FROM events WHERE letter IS NOT NULL) AS dead_events,
    (SELECT count(*) FROM lifecycles WHERE due_at <= :late) AS late_deadlines,
    (SELECT count(*) FROM events WHERE standing = 'waiting' AND expires_at <= :late) AS late_expiries;

-- name: distinct_states
SELECT DISTINCT state FROM lifecycles;

-- name: distinct_waiting_triggers
SELECT DISTINCT "trigger" FROM events WHERE standing = 'waiting';

-- name: ping
SELECT count(*) AS many FROM users WHERE user_id = '';

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
