-- The statements of the store that both dialects say alike; what they don't stands in the file of each. All of
-- the hot path is about one user, of whom no statement reads more than it wants. To a planner that knows little:
-- * `ORDER BY +id`, where the index that finds the rows isn't in that order: else it reads the key, which is.
-- * `forked = 0` means the indexes of those that take part, `forked < 1` (which is the same) the key;
--   `id > 0`, always so, the index of syncs; `lifecycle < 1` the indexes of what is of no lifecycle.
-- A part is no statement: it stands where `-- include:` names it.
-- What locks or writes names the user in `user_id`, so that it goes to one server where users are spread over
-- many; what looks over all users only reads, and takes no lock.

-- part: user_row
SELECT cursor, updated_at, recovered, unapplied, currencies, forgotten_as,
    EXISTS (SELECT 1 FROM waits WHERE user_id = :user_id) AS may_wait
FROM users WHERE user_id = :user_id

-- part: overtaken
-- a sync still in the first state, which doesn't count: a newer one has moved on
claim_id IS NULL AND state = :first AND id < coalesce((
    SELECT id FROM lifecycles WHERE user_id = :user_id AND claim_id IS NULL AND id > 0 AND state <> :first
    ORDER BY id DESC LIMIT 1
), 0)

-- part: ready
-- one lifecycle's effects go one at a time and in order, past those not due yet.
-- suspects: also those whose holder died, or hung, in them: a lease is over by a clock of its own.
-- latest: of both instants, which the index is read up to
effects.ready_at <= :latest AND effects.standing IN ('owed', 'taken')
AND (
    (effects.standing = 'owed' AND effects.ready_at <= :now)
    OR (effects.standing = 'taken' AND effects.ready_at <= :over AND :suspects = 1)
)
AND (effects.lifecycle = 0 OR NOT EXISTS (
    SELECT 1 FROM effects AS other
    WHERE other.user_id = effects.user_id AND other.lifecycle = effects.lifecycle
      AND other.standing IN ('owed', 'taken') AND other.seq <> effects.seq
      AND (
        (other.standing = 'taken' AND other.ready_at > :over)
        OR (other.seq < effects.seq AND (other.ready_at <= :now OR other.attempt > 0))
      )
))

-- part: left
-- work for being in a state that the lifecycle has left
effects.on_enter = 1 AND NOT EXISTS (
    SELECT 1 FROM lifecycles AS whose
    WHERE whose.user_id = effects.user_id AND whose.id = effects.lifecycle
      AND whose.entered = effects.cursor AND whose.forked = 0
)

-- name: user
-- what is known of a user, and whether any event of theirs may wait
-- include: user_row

-- name: forget_user
-- of whom nothing came to be known after all
DELETE FROM users WHERE user_id = :user_id AND updated_at = '' AND forgotten_as IS NULL;

-- name: last_forgotten
-- the highest number that was ever handed out to somebody who was forgotten
SELECT max(cursor) AS cursor FROM forgotten;

-- name: forgotten
-- every stub, in an order that is always the same
SELECT * FROM forgotten ORDER BY id;

-- name: forgotten_as
-- one of them
SELECT * FROM forgotten WHERE id = :stub;

-- name: insert_forgotten
INSERT INTO forgotten (id, at, actor, reason, cursor, kept, events, money, faults, root)
VALUES (:stub, :at, :actor, :reason, :cursor, :kept, :events, :money, :faults, :root);

-- name: next_going
-- the next behind one of those of whom not all is erased yet
SELECT user_id, forgotten_as FROM users WHERE forgotten_as IS NOT NULL AND user_id > :after
ORDER BY user_id LIMIT 1;

-- name: kept_of
-- how much is kept of a user, table by table
SELECT (SELECT count(*) FROM lifecycles WHERE user_id = :user_id) AS lifecycles,
    (SELECT count(*) FROM history WHERE user_id = :user_id) AS history,
    (SELECT count(*) FROM events WHERE user_id = :user_id) AS events,
    (SELECT count(*) FROM event_ids WHERE user_id = :user_id) AS event_ids,
    (SELECT count(*) FROM waits WHERE user_id = :user_id) AS waits,
    (SELECT count(*) FROM aliases WHERE user_id = :user_id) AS aliases,
    (SELECT count(*) FROM cases WHERE user_id = :user_id) AS cases,
    (SELECT count(*) FROM effects WHERE user_id = :user_id) AS effects,
    (SELECT coalesce(max(cursor), 0) FROM history WHERE user_id = :user_id) AS last_row,
    (SELECT coalesce(max(seq), 0) FROM events WHERE user_id = :user_id) AS last_event,
    (SELECT coalesce(max(seq), 0) FROM effects WHERE user_id = :user_id) AS last_effect;

-- name: figures_of
-- a user's events by trigger and standing
SELECT "trigger", standing, count(*) AS many FROM events WHERE user_id = :user_id GROUP BY "trigger", standing;

-- name: put_going
-- a user of whom nothing is told any more, and not all is erased yet
INSERT INTO users (user_id, cursor, updated_at, recovered, unapplied, currencies, forgotten_as)
VALUES (:user_id, 0, '', '{}', '{}', '{}', :stub)
ON CONFLICT (user_id) DO UPDATE
SET cursor = excluded.cursor, updated_at = excluded.updated_at, recovered = excluded.recovered,
    unapplied = excluded.unapplied, currencies = excluded.currencies, forgotten_as = excluded.forgotten_as;

-- name: erase_effects
-- here and below: what is a user's, up to a number
DELETE FROM effects WHERE user_id = :user_id AND seq <= :up_to;

-- name: erase_lifecycles
DELETE FROM lifecycles WHERE user_id = :user_id AND id <= :up_to;

-- name: erase_waits
DELETE FROM waits WHERE user_id = :user_id AND seq <= :up_to;

-- name: erase_event_ids
DELETE FROM event_ids WHERE user_id = :user_id AND seq <= :up_to;

-- name: erase_history
DELETE FROM history WHERE user_id = :user_id AND cursor <= :up_to;

-- name: erase_events
DELETE FROM events WHERE user_id = :user_id AND seq <= :up_to;

-- name: next_row_number
-- here and below: the last of as many as are erased at once; no row where that is all
SELECT cursor AS last FROM history WHERE user_id = :user_id ORDER BY cursor LIMIT 1 OFFSET :many;

-- name: next_event_number
SELECT seq AS last FROM events WHERE user_id = :user_id ORDER BY seq LIMIT 1 OFFSET :many;

-- name: next_effect_number
SELECT seq AS last FROM effects WHERE user_id = :user_id ORDER BY seq LIMIT 1 OFFSET :many;

-- name: next_case
-- here and below: the same of what has no number
SELECT case_id, claim_id, sync_id FROM cases WHERE user_id = :user_id
ORDER BY claim_id, sync_id, case_id LIMIT 1 OFFSET :many;

-- name: erase_cases
DELETE FROM cases
WHERE user_id = :user_id AND (claim_id, sync_id, case_id) <= (:claim_id, :sync_id, :case_id);

-- name: next_alias
SELECT alias FROM aliases WHERE user_id = :user_id ORDER BY alias LIMIT 1 OFFSET :many;

-- name: erase_aliases
DELETE FROM aliases WHERE user_id = :user_id AND alias <= :alias;

-- name: erase_checked
DELETE FROM checked WHERE user_id = :user_id;

-- name: erase_user
DELETE FROM users WHERE user_id = :user_id AND forgotten_as IS NOT NULL;

-- name: lifecycle
SELECT * FROM lifecycles WHERE user_id = :user_id AND id = :id;

-- name: claim
SELECT * FROM lifecycles WHERE user_id = :user_id AND claim_id = :claim_id;

-- name: sync
SELECT * FROM lifecycles WHERE user_id = :user_id AND sync_id = :sync_id AND claim_id IS NULL;

-- name: syncs_page
SELECT * FROM lifecycles WHERE user_id = :user_id AND claim_id IS NULL AND id > 0 AND id > :cursor
ORDER BY id LIMIT :limit;

-- name: newest_sync
SELECT * FROM lifecycles WHERE user_id = :user_id AND claim_id IS NULL AND id > 0 ORDER BY id DESC LIMIT 1;

-- name: newest_sync_in
-- the newest that is in a state and takes part
SELECT * FROM lifecycles
WHERE user_id = :user_id AND state = :state AND forked = 0 AND claim_id IS NULL
ORDER BY id DESC LIMIT 1;

-- name: cases_of
SELECT * FROM cases WHERE user_id = :user_id AND claim_id = :claim_id AND sync_id = :sync_id;

-- name: put_case
INSERT INTO cases (
    user_id, case_id, claim_id, sync_id, state, at, seq, told, paid, units, alone
) VALUES (
    :user_id, :case_id, :claim_id, :sync_id, :state, :at, :seq, :told, :paid, :units, :alone
)
ON CONFLICT (user_id, case_id, claim_id, sync_id) DO UPDATE
SET state = excluded.state, at = excluded.at, seq = excluded.seq, told = excluded.told, paid = excluded.paid,
    units = excluded.units, alone = excluded.alone;

-- name: delete_case
DELETE FROM cases
WHERE user_id = :user_id AND case_id = :case_id AND claim_id = :claim_id AND sync_id = :sync_id;

-- name: seek
-- those that take part and are in a state, newest first
SELECT * FROM lifecycles
WHERE user_id = :user_id AND state = :state AND forked = 0
ORDER BY id DESC LIMIT :limit;

-- name: seek_in_sync
SELECT * FROM lifecycles
WHERE user_id = :user_id AND sync_id = :sync_id AND state = :state AND forked = 0
ORDER BY id DESC LIMIT :limit;


-- name: has_claims
SELECT 1 FROM lifecycles WHERE user_id = :user_id AND claim_id IS NOT NULL AND claim_id > '' LIMIT 1;

-- name: anything_waits
SELECT 1 FROM waits WHERE user_id = :user_id LIMIT 1;

-- name: insert_lifecycle
INSERT INTO lifecycles (
    user_id, id, claim_id, sync_id, state, version, entered_at, cursor,
    head, origin, parent, forked, due_at, facts, paid, units, entered, merged_into,
    listed_decision, listed_currency, listed_deadline, listed_amount
) VALUES (
    :user_id, :id, :claim_id, :sync_id, :state, :version, :entered_at, :cursor,
    :head, :origin, :parent, :forked, :due_at, :facts, :paid, :units, :entered, :merged_into,
    :listed_decision, :listed_currency, :listed_deadline, :listed_amount
);

-- name: update_lifecycle
UPDATE lifecycles
SET state = :state, version = :version, entered_at = :entered_at, cursor = :cursor, head = :head,
    forked = :forked, due_at = :due_at, facts = :facts, paid = :paid, units = :units, entered = :entered,
    merged_into = :merged_into, listed_decision = :listed_decision, listed_currency = :listed_currency,
    listed_deadline = :listed_deadline, listed_amount = :listed_amount
WHERE user_id = :user_id AND id = :id;

-- name: insert_row
INSERT INTO history (
    user_id, cursor, lifecycle, claim_id, sync_id, version, "trigger", from_state, to_state,
    event_id, at, occurred_at, actor, reason, hash, definition
) VALUES (
    :user_id, :cursor, :lifecycle, :claim_id, :sync_id, :version, :trigger, :from_state, :to_state,
    :event_id, :at, :occurred_at, :actor, :reason, :hash, :definition
);

-- name: event
-- the event that has an id, as its first or a further one
SELECT * FROM events WHERE user_id = :user_id AND event_id = :event_id
UNION ALL
SELECT events.* FROM event_ids
JOIN events ON events.user_id = event_ids.user_id AND events.seq = event_ids.seq
WHERE event_ids.user_id = :user_id AND event_ids.event_id = :event_id;

-- name: said
-- what the event that has an id said
SELECT user_id, seq, event_id, body FROM events WHERE user_id = :user_id AND event_id = :event_id
UNION ALL
SELECT events.user_id, events.seq, events.event_id, events.body FROM event_ids
JOIN events ON events.user_id = event_ids.user_id AND events.seq = event_ids.seq
WHERE event_ids.user_id = :user_id AND event_ids.event_id = :event_id;

-- name: insert_event_id
INSERT INTO event_ids (user_id, event_id, seq) VALUES (:user_id, :event_id, :seq)
ON CONFLICT (user_id, event_id) DO NOTHING;

-- name: hand_over_event_ids
-- to the event that takes the place of one that was refused, dead or dropped
UPDATE event_ids SET seq = :by WHERE user_id = :user_id AND seq = :seq;

-- name: delete_event_id
-- one that is an event's first by now
DELETE FROM event_ids WHERE user_id = :user_id AND event_id = :event_id;

-- name: latest_like
-- alike are few, but for who sends the same again and again: read the last first, whatever a planner expects
SELECT * FROM (
    SELECT * FROM events WHERE user_id = :user_id AND "trigger" = :trigger
      AND substr(fingerprint, 1, 16) = substr(:fingerprint, 1, 16)
    ORDER BY seq DESC LIMIT 9223372036854775807
) AS alike
WHERE fingerprint = :fingerprint AND answer NOT LIKE '{"status":"refused","code":"event-id-reused"%' LIMIT 1;

-- name: reuses
-- those that were kept though their ids are other events'
SELECT * FROM (
    SELECT * FROM events WHERE user_id = :user_id AND "trigger" = :trigger
      AND substr(fingerprint, 1, 16) = substr(:fingerprint, 1, 16)
    ORDER BY seq DESC LIMIT 9223372036854775807
) AS alike
WHERE fingerprint = :fingerprint AND answer LIKE '%"code":"event-id-reused"%';

-- name: with_reimbursement
SELECT * FROM events
WHERE user_id = :user_id AND reimbursement_id = :reimbursement_id AND "trigger" || '' = :trigger
ORDER BY +seq;

-- name: with_line
-- those that tell one line of a reimbursement, and those that tell none
SELECT * FROM (
    SELECT * FROM events
    WHERE user_id = :user_id AND reimbursement_id = :reimbursement_id AND line_id = :line_id
    UNION ALL
    SELECT * FROM events
    WHERE user_id = :user_id AND reimbursement_id = :reimbursement_id AND line_id IS NULL
) AS alike
WHERE "trigger" = :trigger ORDER BY +seq;

-- name: taking_back
-- those that name a reimbursement as what they take back
SELECT * FROM events WHERE user_id = :user_id AND original_id = :original_id ORDER BY +seq;

-- name: waiting_page
-- what waits from a number on, oldest first; an event may wait under several names
SELECT * FROM events
WHERE user_id = :user_id AND seq IN (
    SELECT DISTINCT seq FROM waits WHERE user_id = :user_id AND seq >= :seq ORDER BY seq LIMIT :limit
)
ORDER BY seq;

-- name: insert_event
INSERT INTO events (
    user_id, seq, event_id, "trigger", standing, received_at, occurred_at, expires_at, settled,
    fingerprint, body, shares, answer, actor, reimbursement_id, original_id, line_id, currency,
    amount, units, booked_case, overlay, doubt, id_given, letter, letter_at, dropped
) VALUES (
    :user_id, :seq, :event_id, :trigger, :standing, :received_at, :occurred_at, :expires_at, :settled,
    :fingerprint, :body, :shares, :answer, :actor, :reimbursement_id, :original_id, :line_id,
    :currency,
    :amount, :units, :booked_case, :overlay, :doubt, :id_given, :letter, :letter_at, :dropped
);

-- name: update_event
UPDATE events
SET standing = :standing, settled = :settled, shares = :shares, currency = :currency, amount = :amount,
    units = :units, booked_case = :booked_case, reimbursement_id = :reimbursement_id,
    original_id = :original_id, line_id = :line_id, overlay = :overlay, doubt = :doubt, expires_at = :expires_at,
    answer = :answer, letter = :letter, letter_at = :letter_at, dropped = :dropped
WHERE user_id = :user_id AND seq = :seq;

-- name: delete_event
-- a refused or dead event that came again
DELETE FROM events WHERE user_id = :user_id AND seq = :seq;

-- name: insert_wait
INSERT INTO waits (user_id, kind, name, seq) VALUES (:user_id, :kind, :name, :seq);

-- name: delete_waits
DELETE FROM waits WHERE user_id = :user_id AND seq = :seq;

-- name: alias
SELECT claim_id FROM aliases WHERE user_id = :user_id AND alias = :alias;

-- name: has_aliases
SELECT 1 FROM aliases WHERE user_id = :user_id LIMIT 1;

-- name: has_aliases_of
SELECT 1 FROM aliases WHERE user_id = :user_id AND claim_id = :claim_id LIMIT 1;

-- name: insert_alias
INSERT INTO aliases (user_id, alias, claim_id) VALUES (:user_id, :alias, :claim_id);

-- name: delete_alias
DELETE FROM aliases WHERE user_id = :user_id AND alias = :alias;

-- name: currencies
-- every currency that the store has met, with the decimals that it had then
SELECT currency, decimals FROM currencies;

-- name: definitions
-- every definition that the store was worked under, oldest first
SELECT id, name, source, at, content FROM definitions ORDER BY at, id;

-- name: definition_ids
-- the numbers of these, which tell whether another has come
SELECT id FROM definitions;

-- name: insert_definition
-- one that is known already is told only by what else it is named
INSERT INTO definitions (id, name, source, at, content) VALUES (:id, :name, :source, :at, :content)
ON CONFLICT (id) DO UPDATE SET source = coalesce(excluded.source, definitions.source);

-- name: insert_currency
INSERT INTO currencies (currency, decimals) VALUES (:currency, :decimals) ON CONFLICT (currency) DO NOTHING;

-- name: handlers
SELECT name, pattern, registered_at FROM handlers ORDER BY name;

-- name: handler
SELECT name, pattern, registered_at FROM handlers WHERE name = :handler;

-- name: put_handler
-- only where nobody changed it since it was looked at: of two programs at once one is told of the other
INSERT INTO handlers (name, pattern, registered_at) VALUES (:handler, :pattern, :registered_at)
ON CONFLICT (name) DO UPDATE SET pattern = excluded.pattern, registered_at = excluded.registered_at
WHERE handlers.pattern = :before RETURNING name;

-- name: drop_handler
DELETE FROM handlers WHERE name = :handler RETURNING name;

-- name: next_owed_handler
-- the next behind one that anything is owed to: a walk over few
SELECT min(handler) AS handler FROM effects WHERE handler > :after AND standing IN ('owed', 'taken');

-- name: owed_to_handler
SELECT count(*) AS many FROM effects WHERE handler = :handler AND standing IN ('owed', 'taken');

-- name: users_owing
-- whoever has work of a handler that isn't done
SELECT DISTINCT user_id FROM effects WHERE handler = :handler AND standing IN ('owed', 'taken') ORDER BY user_id;

-- name: void_effects_of_handler
-- nothing takes them up any more; what runs finishes
UPDATE effects SET standing = 'void'
WHERE user_id = :user_id AND handler = :handler AND standing IN ('owed', 'taken')
  AND (standing = 'owed' OR ready_at <= :over)
RETURNING seq;

-- name: insert_effect
INSERT INTO effects (
    user_id, seq, lifecycle, cursor, handler, on_enter, standing, owed_at, due_at, ready_at, attempt, forgiven,
    key, error, about
) VALUES (
    :user_id, :seq, :lifecycle, :cursor, :handler, :on_enter, 'owed', :owed_at, :due_at, :due_at, 0, 0,
    :key, NULL, :about
);

-- name: void_effects
-- work for being in a state that the lifecycle has left, which nobody has taken: what is taken is its holder's,
-- and void where another finds that holder dead
UPDATE effects SET standing = 'void'
WHERE user_id = :user_id AND lifecycle = :lifecycle AND on_enter = 1 AND standing = 'owed';

-- name: reschedule_effects
-- an instant before which work isn't due was told anew, and nobody has begun it. `handler || ''` means the
-- index of the lifecycle's, not the handler's
UPDATE effects SET due_at = CASE WHEN owed_at > :due_at THEN owed_at ELSE :due_at END,
    ready_at = CASE WHEN owed_at > :due_at THEN owed_at ELSE :due_at END
WHERE user_id = :user_id AND lifecycle = :lifecycle AND handler || '' = :handler
  AND standing IN ('owed', 'taken') AND standing = 'owed' AND attempt = 0;

-- name: ready_effect
-- that effect as it stands under the lock, where it is ready still.
-- is_left: its lifecycle left the state while the effect was running
SELECT effects.*, (
    -- include: left
) AS is_left
FROM effects WHERE effects.user_id = :user_id AND effects.seq = :seq AND
-- include: ready

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

-- name: overlong_leases
-- those that end later than any can: the clock was set back, or wrong
SELECT user_id, seq, attempt FROM effects
WHERE handler = :handler AND standing BETWEEN 'taken' AND 'taken' AND ready_at > :latest;

-- name: cut_lease
-- so that it ends in time; whoever holds it and lives extends it
UPDATE effects SET ready_at = :ready_at
WHERE user_id = :user_id AND seq = :seq AND attempt = :attempt AND standing = 'taken' AND ready_at > :ready_at;

-- name: settle_effect
-- done, dead, or owed again; only while this attempt still holds it, so that a late worker changes nothing.
-- What would be tried again for being in a state that the lifecycle left meanwhile is void
UPDATE effects SET ready_at = :ready_at, error = :error, forgiven = forgiven + :forgiven,
    traceback = CASE WHEN :forgiven = 1 THEN traceback ELSE :traceback END, standing = CASE
    WHEN :standing = 'owed' AND
    -- include: left
    THEN 'void' ELSE :standing END
WHERE user_id = :user_id AND seq = :seq AND attempt = :attempt AND standing = 'taken' RETURNING standing;

-- name: revive_effect
-- a dead effect that a person retries, or drops. Its attempts are forgiven, and their numbers stay used: a
-- late holder of one changes nothing. Work for being in a state that the lifecycle has left is void
UPDATE effects SET ready_at = :now, forgiven = attempt, standing = CASE
    WHEN :standing = 'owed' AND
    -- include: left
    THEN 'void' ELSE :standing END
WHERE user_id = :user_id AND seq = :seq AND standing = 'dead' RETURNING standing;

-- name: restore_effect
-- a dropped effect is the dead letter again that it was
UPDATE effects SET standing = 'dead' WHERE user_id = :user_id AND seq = :seq AND standing = 'dropped'
RETURNING seq;

-- name: unfinished_effects
SELECT page.*, history.claim_id, history.sync_id, history."trigger" FROM (
    SELECT * FROM effects WHERE standing IN ('owed', 'taken') ORDER BY owed_at, user_id, seq LIMIT :limit
) AS page
LEFT JOIN history ON history.user_id = page.user_id AND history.cursor = page.cursor
ORDER BY page.owed_at, page.user_id, page.seq;

-- name: unfinished_effects_of
-- the same, of one user
SELECT page.*, history.claim_id, history.sync_id, history."trigger" FROM (
    SELECT * FROM effects WHERE user_id = :user_id AND standing IN ('owed', 'taken')
    ORDER BY owed_at, seq LIMIT :limit
) AS page
LEFT JOIN history ON history.user_id = page.user_id AND history.cursor = page.cursor
ORDER BY page.owed_at, page.seq;

-- name: dead_events
-- refused and expired events, and money that waits; oldest first
SELECT * FROM events
WHERE letter IS NOT NULL AND (letter_at, user_id, seq) > (:at, :after_user, :after_seq)
ORDER BY letter_at, user_id, seq LIMIT :limit;

-- name: dead_events_of
-- the same, of one user
SELECT * FROM events
WHERE user_id = :user_id AND letter IS NOT NULL
  AND letter_at >= :at AND (letter_at, user_id, seq) > (:at, :after_user, :after_seq)
ORDER BY letter_at, seq LIMIT :limit;

-- name: dead_effects
SELECT effects.*, history.claim_id, history."trigger", history.event_id FROM effects
LEFT JOIN history ON history.user_id = effects.user_id AND history.cursor = effects.cursor
WHERE effects.standing = 'dead'
  AND (effects.ready_at, effects.user_id, effects.seq) > (:at, :after_user, :after_seq)
ORDER BY effects.ready_at, effects.user_id, effects.seq LIMIT :limit;

-- name: dead_effects_of
-- the same, of one user
SELECT effects.*, history.claim_id, history."trigger", history.event_id FROM effects
LEFT JOIN history ON history.user_id = effects.user_id AND history.cursor = effects.cursor
WHERE effects.user_id = :user_id AND effects.standing = 'dead'
  AND effects.ready_at >= :at
  AND (effects.ready_at, effects.user_id, effects.seq) > (:at, :after_user, :after_seq)
ORDER BY effects.ready_at, effects.seq LIMIT :limit;

-- name: count_dead_effects
-- of a handler
SELECT count(*) AS many FROM effects WHERE handler = :handler AND standing = 'dead';

-- name: count_dead_effects_by_error
-- the same, by what is said of the last try
SELECT error, count(*) AS many FROM effects WHERE handler = :handler AND standing = 'dead' GROUP BY error;

-- name: dropped_events
-- those that a person dropped, in whole or in part; oldest first
SELECT * FROM events
WHERE dropped = 1 AND (received_at, user_id, seq) > (:at, :after_user, :after_seq)
ORDER BY received_at, user_id, seq LIMIT :limit;

-- name: dropped_events_of
-- the same, of one user
SELECT * FROM events
WHERE user_id = :user_id AND dropped = 1
  AND received_at >= :at AND (received_at, user_id, seq) > (:at, :after_user, :after_seq)
ORDER BY received_at, seq LIMIT :limit;

-- name: dropped_effects
SELECT effects.*, history.claim_id, history."trigger", history.event_id FROM effects
LEFT JOIN history ON history.user_id = effects.user_id AND history.cursor = effects.cursor
WHERE effects.standing = 'dropped'
  AND (effects.ready_at, effects.user_id, effects.seq) > (:at, :after_user, :after_seq)
ORDER BY effects.ready_at, effects.user_id, effects.seq LIMIT :limit;

-- name: dropped_effects_of
-- the same, of one user
SELECT effects.*, history.claim_id, history."trigger", history.event_id FROM effects
LEFT JOIN history ON history.user_id = effects.user_id AND history.cursor = effects.cursor
WHERE effects.user_id = :user_id AND effects.standing = 'dropped'
  AND effects.ready_at >= :at
  AND (effects.ready_at, effects.user_id, effects.seq) > (:at, :after_user, :after_seq)
ORDER BY effects.ready_at, effects.seq LIMIT :limit;

-- name: event_at
SELECT * FROM events WHERE user_id = :user_id AND seq = :seq;

-- name: effect_at
SELECT effects.*, history.claim_id, history."trigger", history.event_id FROM effects
LEFT JOIN history ON history.user_id = effects.user_id AND history.cursor = effects.cursor
WHERE effects.user_id = :user_id AND effects.seq = :seq;

-- name: requested
SELECT 1 FROM effects
WHERE user_id = :user_id AND lifecycle < 1 AND handler = :handler AND standing IN ('owed', 'taken') LIMIT 1;

-- name: last_act
SELECT version, hash FROM history WHERE user_id = :user_id AND lifecycle = 0 ORDER BY version DESC LIMIT 1;

-- name: last_drop
-- how a dead letter was dropped last, if it was
SELECT reason FROM history
WHERE user_id = :user_id AND to_state = :about AND "trigger" = 'deadletter_dropped'
ORDER BY cursor DESC LIMIT 1;

-- name: acts
-- what persons did with a user's dead letters, oldest first
SELECT * FROM history WHERE user_id = :user_id AND lifecycle < 1 AND cursor > :cursor
ORDER BY cursor LIMIT :limit;

-- name: row_at
-- a row of history, with what its event booked
SELECT history.*, events.amount, events.currency FROM history
LEFT JOIN events ON events.user_id = history.user_id AND events.event_id = history.event_id
WHERE history.user_id = :user_id AND history.cursor = :cursor;

-- name: history_page
-- transitions; what persons did with dead letters is a chain of its own
SELECT history.*, events.amount, events.currency FROM history
LEFT JOIN events ON events.user_id = history.user_id AND events.event_id = history.event_id
WHERE history.user_id = :user_id AND history.cursor > :cursor AND history.lifecycle > 0
ORDER BY history.cursor LIMIT :limit;

-- name: history_page_of_sync
-- acts are of no sync
SELECT history.*, events.amount, events.currency FROM history
LEFT JOIN events ON events.user_id = history.user_id AND events.event_id = history.event_id
WHERE history.user_id = :user_id AND history.sync_id = :sync_id AND history.cursor > :cursor
  AND history.lifecycle > 0
ORDER BY history.cursor LIMIT :limit;

-- name: history_page_of_claim
-- a claim's own rows, behind the first row of the sync from which it forked
SELECT told.*, events.amount, events.currency FROM (
    SELECT * FROM history WHERE user_id = :user_id AND lifecycle = :parent AND version = 1
    UNION ALL
    SELECT * FROM history WHERE user_id = :user_id AND lifecycle = :lifecycle
) AS told
LEFT JOIN events ON events.user_id = told.user_id AND events.event_id = told.event_id
WHERE +told.cursor > :cursor AND (told.sync_id = :sync_id OR CAST(:sync_id AS text) IS NULL)
ORDER BY +told.cursor LIMIT :limit;

-- name: due
-- users with a lifecycle that a timer would move by now, and who aren't being forgotten: asked of each by its key, as no
-- planner makes a join of it, which would read all that is due before the first
SELECT user_id, id FROM lifecycles WHERE due_at <= :now AND NOT coalesce((
    SELECT forgotten_as IS NOT NULL FROM users WHERE users.user_id = lifecycles.user_id
), false)
ORDER BY due_at LIMIT :limit;

-- name: expired
-- users with a waiting event whose time to live is over, and who aren't being forgotten
SELECT user_id, event_id FROM events WHERE standing = 'waiting' AND expires_at <= :now AND NOT coalesce((
    SELECT forgotten_as IS NOT NULL FROM users WHERE users.user_id = events.user_id
), false)
ORDER BY expires_at LIMIT :limit;

-- name: counts
-- how many take part in each state, counted in an index alone, less those that don't count
SELECT state, CAST(sum(many) AS bigint) AS many FROM (
    SELECT state, count(*) AS many FROM lifecycles WHERE user_id = :user_id AND forked = 0 GROUP BY state
    UNION ALL
    SELECT state, -count(*) FROM lifecycles WHERE user_id = :user_id AND forked = 0 AND
    -- include: overtaken
    GROUP BY state
) AS told
GROUP BY state HAVING sum(many) > 0;

-- name: newest_counted
-- the state of the newest that counts
SELECT state FROM lifecycles WHERE user_id = :user_id AND forked < 1 AND NOT (
    -- include: overtaken
) ORDER BY id DESC LIMIT 1;

-- name: is_told_of
-- whether any event, or an alias linked early, speaks of the user; a request alone doesn't, nor what is erased soon
SELECT 1 FROM (
    SELECT 1 FROM events WHERE user_id = :user_id
    UNION ALL SELECT 1 FROM aliases WHERE user_id = :user_id
) AS told
WHERE NOT EXISTS (SELECT 1 FROM users WHERE user_id = :user_id AND forgotten_as IS NOT NULL) LIMIT 1;

-- name: claims_page
SELECT * FROM lifecycles WHERE user_id = :user_id AND forked < 1 AND id > :cursor ORDER BY id LIMIT :limit;

-- name: claims_page_of_sync
-- of one sync, those in a state
SELECT * FROM lifecycles
WHERE user_id = :user_id AND sync_id = :sync_id AND state = :state AND forked = 0 AND id > :cursor
ORDER BY id LIMIT :limit;

-- name: merged_page
-- the claims that are names of others by now
SELECT * FROM lifecycles
WHERE user_id = :user_id AND merged_into IS NOT NULL AND id > :cursor ORDER BY id LIMIT :limit;

-- name: merged_page_of_sync
SELECT * FROM lifecycles
WHERE user_id = :user_id AND merged_into IS NOT NULL AND id > :cursor AND sync_id = :sync_id
ORDER BY id LIMIT :limit;

-- name: figures_of_events
-- these count everything, all users together: each reads one small index from end to end
-- What isn't applied is counted by itself; the rest is applied
SELECT "trigger", standing, CAST(sum(many) AS bigint) AS many FROM (
    SELECT "trigger", 'applied' AS standing, count(*) AS many FROM events GROUP BY "trigger"
    UNION ALL
    SELECT "trigger", 'applied', -count(*) FROM events WHERE standing || '' <> 'applied' GROUP BY "trigger"
    UNION ALL
    SELECT "trigger", standing, count(*) FROM events WHERE standing || '' <> 'applied' GROUP BY "trigger", standing
) AS told
GROUP BY "trigger", standing HAVING sum(many) > 0;

-- name: figures_of_effects
SELECT handler, standing, count(*) AS many FROM effects GROUP BY handler, standing;

-- name: figures_of_due_effects
-- ready, and nobody at it: a lease that has run out among them
SELECT handler, count(*) AS due, count(*) FILTER (WHERE ready_at <= :late) AS overdue FROM effects
WHERE standing IN ('owed', 'taken') AND ready_at <= :now GROUP BY handler;

-- name: figures_of_lifecycles
SELECT state, count(*) AS many FROM lifecycles WHERE forked = 0 GROUP BY state;

-- name: figures_of_the_rest
SELECT
    (SELECT count(*) FROM events WHERE letter IS NOT NULL) AS dead_events,
    (SELECT count(*) FROM effects WHERE standing = 'dead') AS dead_effects,
    (SELECT count(*) FROM lifecycles WHERE due_at <= :late) AS late_deadlines,
    (SELECT count(*) FROM events WHERE standing = 'waiting' AND expires_at <= :late) AS late_expiries;

-- name: figures_of_waiting
-- how many events of a trigger wait, and since when the one does that has waited longest
SELECT count(*) AS many, min(received_at) AS received_at FROM events
WHERE standing BETWEEN 'waiting' AND 'waiting' AND "trigger" = :trigger;

-- name: oldest_waiting
-- since when the event waits that has waited longest, of those that came after an instant
SELECT min(received_at) AS received_at FROM events WHERE standing = 'waiting' AND received_at > :after;

-- name: next_state
-- the next state behind one that any lifecycle is in: a walk over few, since a store is opened often
SELECT min(state) AS state FROM (
    SELECT min(state) AS state FROM lifecycles WHERE forked = 0 AND state > :after
    UNION ALL
    SELECT min(state) FROM lifecycles WHERE forked = 1 AND state > :after
) AS told;

-- name: next_trigger
-- the same of the triggers of events
SELECT min("trigger") AS "trigger" FROM events WHERE "trigger" > :after;

-- name: waits_by_trigger
-- whether an event of a trigger waits
SELECT 1 FROM events WHERE "trigger" = :trigger AND standing BETWEEN 'waiting' AND 'waiting' LIMIT 1;

-- name: confirmed_state
-- whether a lifecycle in a state is in it by its history, too; else that row was damaged
SELECT told.user_id, told.claim_id FROM (
    SELECT user_id, claim_id, cursor FROM lifecycles WHERE forked = 0 AND state = :state
    UNION ALL
    SELECT user_id, claim_id, cursor FROM lifecycles WHERE forked = 1 AND state = :state
) AS told
JOIN history ON history.user_id = told.user_id AND history.cursor = told.cursor
WHERE history.to_state = :state LIMIT 1;

-- name: confirmed_trigger
-- whether an event that waits was answered as that trigger, too; else that row was damaged
SELECT 1 FROM events
WHERE "trigger" = :trigger AND standing BETWEEN 'waiting' AND 'waiting' AND answer LIKE :answered LIMIT 1;

-- name: checks
-- every check that was kept, oldest first
SELECT check_id, parent, root, forgotten FROM checks ORDER BY at, check_id;

-- name: last_check
-- when the newest check that was kept was done
SELECT max(at) AS at FROM checks;

-- name: checked
-- what checks saw of a user
SELECT check_id, cursor FROM checked WHERE user_id = :user_id;

-- name: put_check
INSERT INTO checks (check_id, parent, root, at, forgotten) VALUES (:check_id, :parent, :root, :at, :forgotten);

-- name: put_checked
INSERT INTO checked (user_id, check_id, cursor) VALUES (:user_id, :check_id, :cursor);

-- name: extent
-- how many numbers were handed out to all users
SELECT CAST(coalesce(sum(cursor - coalesce((
    SELECT min(seq) FROM events WHERE events.user_id = users.user_id
), 1) + 1), 0) AS bigint) AS numbers FROM users;

-- name: users_since
-- who was told of since an instant, and the number that was handed out last to each
SELECT user_id, cursor FROM users WHERE updated_at >= :since;

-- name: row_behind
-- when the first row of a user's was written whose number is behind one
SELECT cursor, at FROM history WHERE user_id = :user_id AND cursor > :cursor ORDER BY cursor LIMIT 1;

-- name: next_currency_of_claims
-- the next currency behind one, of claims in a state with a decision
SELECT
    -- include: listed_currency
    AS currency
FROM lifecycles
WHERE forked = 0 AND state = :state AND
    -- include: listed_decision
    = :decision AND
    -- include: listed_currency
    > :after
ORDER BY
    -- include: listed_currency
LIMIT 1;

-- name: claims_by_deadline
-- beyond a place, up to another
SELECT user_id, id,
    -- include: listed_deadline
    AS place
FROM lifecycles
WHERE forked = 0 AND state = :state AND
    -- include: listed_decision
    = :decision AND
    -- include: listed_currency
    = :currency
  AND
    -- include: listed_deadline
    > :at AND
    -- include: listed_deadline
    < :until
ORDER BY
    -- include: listed_deadline
    , user_id, id LIMIT :limit;

-- name: claims_at_deadline
-- in a place, behind a claim
SELECT user_id, id,
    -- include: listed_deadline
    AS place
FROM lifecycles
WHERE forked = 0 AND state = :state AND
    -- include: listed_decision
    = :decision AND
    -- include: listed_currency
    = :currency
  AND
    -- include: listed_deadline
    = :at AND (user_id, id) > (:after_user, :after_seq)
ORDER BY user_id, id LIMIT :limit;

-- name: claims_by_deadline_down
-- beyond a place, up to another
SELECT user_id, id,
    -- include: listed_deadline
    AS place
FROM lifecycles
WHERE forked = 0 AND state = :state AND
    -- include: listed_decision
    = :decision AND
    -- include: listed_currency
    = :currency
  AND
    -- include: listed_deadline
    < :at AND
    -- include: listed_deadline
    > :until
ORDER BY
    -- include: listed_deadline
    DESC, user_id DESC, id DESC LIMIT :limit;

-- name: claims_at_deadline_down
-- in a place, behind a claim
SELECT user_id, id,
    -- include: listed_deadline
    AS place
FROM lifecycles
WHERE forked = 0 AND state = :state AND
    -- include: listed_decision
    = :decision AND
    -- include: listed_currency
    = :currency
  AND
    -- include: listed_deadline
    = :at AND (user_id, id) < (:after_user, :after_seq)
ORDER BY user_id DESC, id DESC LIMIT :limit;

-- name: claims_by_amount
-- beyond a place, up to another
SELECT user_id, id,
    -- include: listed_amount
    AS place
FROM lifecycles
WHERE forked = 0 AND state = :state AND
    -- include: listed_decision
    = :decision AND
    -- include: listed_currency
    = :currency
  AND
    -- include: listed_amount
    > :at AND
    -- include: listed_amount
    < :until
  AND
    -- include: listed_deadline
    >= :due_from AND
    -- include: listed_deadline
    < :due_before
ORDER BY
    -- include: listed_amount
    , user_id, id LIMIT :limit;

-- name: claims_at_amount
-- in a place, behind a claim
SELECT user_id, id,
    -- include: listed_amount
    AS place
FROM lifecycles
WHERE forked = 0 AND state = :state AND
    -- include: listed_decision
    = :decision AND
    -- include: listed_currency
    = :currency
  AND
    -- include: listed_amount
    = :at AND (user_id, id) > (:after_user, :after_seq)
ORDER BY user_id, id LIMIT :limit;

-- name: claims_by_amount_down
-- beyond a place, up to another
SELECT user_id, id,
    -- include: listed_amount
    AS place
FROM lifecycles
WHERE forked = 0 AND state = :state AND
    -- include: listed_decision
    = :decision AND
    -- include: listed_currency
    = :currency
  AND
    -- include: listed_amount
    < :at AND
    -- include: listed_amount
    > :until
  AND
    -- include: listed_deadline
    >= :due_from AND
    -- include: listed_deadline
    < :due_before
ORDER BY
    -- include: listed_amount
    DESC, user_id DESC, id DESC LIMIT :limit;

-- name: claims_at_amount_down
-- in a place, behind a claim
SELECT user_id, id,
    -- include: listed_amount
    AS place
FROM lifecycles
WHERE forked = 0 AND state = :state AND
    -- include: listed_decision
    = :decision AND
    -- include: listed_currency
    = :currency
  AND
    -- include: listed_amount
    = :at AND (user_id, id) < (:after_user, :after_seq)
ORDER BY user_id DESC, id DESC LIMIT :limit;

-- name: claims_by_entry
-- beyond a place, up to another
SELECT user_id, id,
    entered_at
    AS place
FROM lifecycles
WHERE forked = 0 AND state = :state AND
    -- include: listed_decision
    = :decision AND
    -- include: listed_currency
    = :currency
  AND
    entered_at
    > :at AND
    entered_at
    < :until
  AND
    -- include: listed_deadline
    >= :due_from AND
    -- include: listed_deadline
    < :due_before
ORDER BY
    entered_at
    , user_id, id LIMIT :limit;

-- name: claims_at_entry
-- in a place, behind a claim
SELECT user_id, id,
    entered_at
    AS place
FROM lifecycles
WHERE forked = 0 AND state = :state AND
    -- include: listed_decision
    = :decision AND
    -- include: listed_currency
    = :currency
  AND
    entered_at
    = :at AND (user_id, id) > (:after_user, :after_seq)
ORDER BY user_id, id LIMIT :limit;

-- name: claims_by_entry_down
-- beyond a place, up to another
SELECT user_id, id,
    entered_at
    AS place
FROM lifecycles
WHERE forked = 0 AND state = :state AND
    -- include: listed_decision
    = :decision AND
    -- include: listed_currency
    = :currency
  AND
    entered_at
    < :at AND
    entered_at
    > :until
  AND
    -- include: listed_deadline
    >= :due_from AND
    -- include: listed_deadline
    < :due_before
ORDER BY
    entered_at
    DESC, user_id DESC, id DESC LIMIT :limit;

-- name: claims_at_entry_down
-- in a place, behind a claim
SELECT user_id, id,
    entered_at
    AS place
FROM lifecycles
WHERE forked = 0 AND state = :state AND
    -- include: listed_decision
    = :decision AND
    -- include: listed_currency
    = :currency
  AND
    entered_at
    = :at AND (user_id, id) < (:after_user, :after_seq)
ORDER BY user_id DESC, id DESC LIMIT :limit;

-- name: claims_called
-- those whose id begins so, up to where it does no more
SELECT user_id, id FROM lifecycles
WHERE forked < 1 AND claim_id IS NOT NULL AND claim_id >= :q AND claim_id < :q_end
ORDER BY claim_id, user_id, id LIMIT :limit;

-- name: aliases_called
SELECT user_id, claim_id FROM aliases WHERE alias >= :q AND alias < :q_end
ORDER BY alias, user_id, claim_id LIMIT :limit;

-- name: claims_of_case
SELECT user_id, claim_id, sync_id FROM cases WHERE case_id = :case_id AND case_id > ''
ORDER BY user_id, claim_id, sync_id LIMIT :limit;

-- name: claims_waited_for
-- the names of claims that events wait under
SELECT user_id, name FROM waits WHERE kind = 'claim' AND (user_id, name) > (:after_user, :after)
ORDER BY user_id, name LIMIT :limit;

-- name: events_of_reimbursement
SELECT * FROM events WHERE reimbursement_id = :reimbursement_id ORDER BY user_id, seq LIMIT :limit;

-- name: next_currency_booked
SELECT min(currency) AS currency FROM events WHERE amount IS NOT NULL AND currency > :after;

-- name: next_currency_booked_of
SELECT min(currency) AS currency FROM events
WHERE user_id = :user_id AND amount IS NOT NULL AND currency > :after;

-- name: money_booked
-- payouts and reversals that were applied, in a currency; oldest first
SELECT * FROM events
WHERE amount IS NOT NULL AND currency = :currency AND received_at < :until
  AND (received_at, user_id, seq) > (:at, :after_user, :after_seq)
ORDER BY received_at, user_id, seq LIMIT :limit;

-- name: money_booked_of
-- the same, of one user
SELECT * FROM events
WHERE user_id = :user_id AND amount IS NOT NULL AND currency = :currency AND received_at < :until
  AND (received_at, seq) > (:at, :after_seq)
ORDER BY received_at, seq LIMIT :limit;

-- name: money_waiting
-- events of a trigger that wait; oldest first
SELECT * FROM events
WHERE standing BETWEEN 'waiting' AND 'waiting' AND "trigger" = :trigger AND received_at < :until
  AND (received_at, user_id, seq) > (:at, :after_user, :after_seq)
ORDER BY received_at, user_id, seq LIMIT :limit;

-- name: money_waiting_of
-- the same, of one user
SELECT * FROM events
WHERE user_id = :user_id AND standing BETWEEN 'waiting' AND 'waiting' AND "trigger" = :trigger AND received_at < :until
  AND (received_at, seq) > (:at, :after_seq)
ORDER BY received_at, seq LIMIT :limit;

-- name: money_dropped
-- events of a trigger that a person dropped; oldest first
SELECT * FROM events
WHERE dropped = 1 AND "trigger" = :trigger AND received_at < :until
  AND (received_at, user_id, seq) > (:at, :after_user, :after_seq)
ORDER BY received_at, user_id, seq LIMIT :limit;

-- name: money_dropped_of
-- the same, of one user
SELECT * FROM events
WHERE user_id = :user_id AND dropped = 1 AND "trigger" = :trigger AND received_at < :until
  AND (received_at, seq) > (:at, :after_seq)
ORDER BY received_at, seq LIMIT :limit;

-- name: users_page
-- those of whom anything is known, whose ids begin so
SELECT user_id, updated_at, recovered, unapplied, currencies FROM users
WHERE user_id > :after_user AND user_id >= :q AND user_id < :q_end AND updated_at <> ''
ORDER BY user_id LIMIT :limit;

-- name: next_handler
-- the next name behind one of those to whom anything was owed
SELECT min(handler) AS handler FROM effects WHERE handler > :after;

-- name: effects_page
SELECT effects.*, history.claim_id, history.sync_id, history."trigger", history.event_id FROM effects
LEFT JOIN history ON history.user_id = effects.user_id AND history.cursor = effects.cursor
WHERE effects.handler = :handler AND effects.standing = :standing
  AND (effects.user_id, effects.seq) > (:after_user, :after_seq)
ORDER BY effects.user_id, effects.seq LIMIT :limit;

-- name: effects_page_of
-- the same, of one user
SELECT effects.*, history.claim_id, history.sync_id, history."trigger", history.event_id FROM effects
LEFT JOIN history ON history.user_id = effects.user_id AND history.cursor = effects.cursor
WHERE effects.user_id = :user_id AND effects.handler = :handler AND effects.standing = :standing
  AND effects.seq > :after_seq
ORDER BY effects.seq LIMIT :limit;

-- name: effects_of_claim
-- all of a lifecycle's, few; in no order
SELECT told.*, history.claim_id, history.sync_id, history."trigger", history.event_id FROM (
    SELECT * FROM effects WHERE user_id = :user_id AND lifecycle = :lifecycle AND on_enter = 1
    UNION ALL
    SELECT * FROM effects WHERE user_id = :user_id AND lifecycle = :lifecycle AND on_enter = 0
) AS told
LEFT JOIN history ON history.user_id = told.user_id AND history.cursor = told.cursor;
