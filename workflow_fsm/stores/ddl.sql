-- The schema as numbered migrations, applied when a store is opened. A migration that was released is never
-- changed; a new one is added behind it. Instants are ISO 8601 text in UTC, money is text of whole minor units
-- or JSON.

-- migration: 0001_lifecycles_events_history

CREATE TABLE users (
    user_id $text PRIMARY KEY NOT NULL, cursor $integer NOT NULL,
    updated_at $text NOT NULL, recovered $text NOT NULL
) $often_written;

CREATE TABLE lifecycles (
    user_id $text NOT NULL, id $integer NOT NULL, claim_id $text, sync_id $text NOT NULL, state $text NOT NULL,
    version $integer NOT NULL, entered_at $text NOT NULL, cursor $integer NOT NULL, head $text NOT NULL,
    origin $text NOT NULL, parent $integer, forked $integer NOT NULL, case_id $text, due_at $text,
    facts $text NOT NULL, paid $text NOT NULL, PRIMARY KEY (user_id, id)
) $table;

CREATE TABLE history (
    user_id $text NOT NULL, cursor $integer NOT NULL, lifecycle $integer NOT NULL, claim_id $text,
    sync_id $text NOT NULL, version $integer NOT NULL, "trigger" $text NOT NULL, from_state $text,
    to_state $text NOT NULL, event_id $text, at $text NOT NULL, occurred_at $text, actor $text NOT NULL,
    reason $text, hash $text NOT NULL, PRIMARY KEY (user_id, cursor)
) $table;

CREATE TABLE events (
    user_id $text NOT NULL, seq $integer NOT NULL, event_id $text NOT NULL, "trigger" $text NOT NULL,
    standing $text NOT NULL, received_at $text NOT NULL, occurred_at $text, expires_at $text,
    settled $integer NOT NULL, fingerprint $text NOT NULL, body $text NOT NULL, shares $text NOT NULL,
    answer $text NOT NULL, actor $text NOT NULL, reimbursement_id $text, currency $text, minor $text,
    letter $text, letter_at $text, PRIMARY KEY (user_id, seq)
) $table;

CREATE TABLE waits (
    user_id $text NOT NULL, name $text NOT NULL, seq $integer NOT NULL, PRIMARY KEY (user_id, name, seq)
) $table;

CREATE TABLE aliases (
    user_id $text NOT NULL, alias $text NOT NULL, claim_id $text NOT NULL, PRIMARY KEY (user_id, alias)
) $table;

CREATE UNIQUE INDEX lifecycles_claim ON lifecycles (user_id, claim_id) WHERE claim_id IS NOT NULL;
CREATE UNIQUE INDEX lifecycles_sync ON lifecycles (user_id, sync_id) WHERE claim_id IS NULL;
CREATE INDEX lifecycles_of_sync ON lifecycles (user_id, sync_id, id);
CREATE INDEX lifecycles_syncs ON lifecycles (user_id, id) WHERE claim_id IS NULL;
CREATE INDEX lifecycles_state ON lifecycles (user_id, state, id);
CREATE INDEX lifecycles_case ON lifecycles (user_id, case_id) WHERE case_id IS NOT NULL;
CREATE INDEX lifecycles_due ON lifecycles (due_at) WHERE due_at IS NOT NULL;
CREATE UNIQUE INDEX history_version ON history (user_id, lifecycle, version);
CREATE UNIQUE INDEX events_id ON events (user_id, event_id);
CREATE INDEX events_content ON events (user_id, fingerprint, seq);
CREATE INDEX events_reimbursement ON events (user_id, reimbursement_id) WHERE reimbursement_id IS NOT NULL;
CREATE INDEX events_expiring ON events (expires_at) WHERE standing = 'waiting';
CREATE INDEX events_letters ON events (letter_at, user_id, seq) WHERE letter IS NOT NULL;
CREATE INDEX waits_event ON waits (user_id, seq);
CREATE INDEX aliases_claim ON aliases (user_id, claim_id);

-- migration: 0002_effects_and_handlers
-- the outbox: effects, and the handlers whose names and patterns every process owes

CREATE TABLE effects (
    user_id $text NOT NULL, seq $integer NOT NULL, lifecycle $integer NOT NULL, cursor $integer NOT NULL,
    handler $text NOT NULL, on_enter $integer NOT NULL, standing $text NOT NULL, owed_at $text NOT NULL,
    due_at $text NOT NULL, ready_at $text NOT NULL, attempt $integer NOT NULL, forgiven $integer NOT NULL,
    key $text NOT NULL, error $text, about $text, PRIMARY KEY (user_id, seq)
) $table;

CREATE TABLE handlers (
    name $text PRIMARY KEY NOT NULL, pattern $text NOT NULL, registered_at $text NOT NULL
) $table;

CREATE INDEX effects_ready ON effects (handler, ready_at, user_id, seq) WHERE standing IN ('owed', 'taken');
CREATE INDEX effects_unfinished ON effects (user_id, lifecycle, seq) WHERE standing IN ('owed', 'taken');
CREATE INDEX effects_dead ON effects (ready_at, user_id, seq) WHERE standing = 'dead';

-- migration: 0003_figures
-- what counting everything reads: indexes that hold all that is counted, and little else

-- only: sqlite
CREATE INDEX events_figures ON events ("trigger", standing);
-- only: postgres
CREATE INDEX events_figures ON events (standing, "trigger");
CREATE INDEX events_waiting ON events (received_at) WHERE standing = 'waiting';
CREATE INDEX effects_figures ON effects (handler, standing);
-- only: sqlite
CREATE INDEX lifecycles_figures ON lifecycles (state, forked) WHERE NOT forked;

-- migration: 0004_look_ups
-- what look-ups read, so that each reads no more than it wants of a user who has much. From here on both dialects
-- have the same indexes

-- of those that take part: in a state, and in a state of one sync
DROP INDEX lifecycles_state;
CREATE INDEX lifecycles_in_state ON lifecycles (user_id, state, id) WHERE forked = 0;
DROP INDEX lifecycles_of_sync;
CREATE INDEX lifecycles_in_sync ON lifecycles (user_id, sync_id, state, id) WHERE forked = 0;
CREATE INDEX lifecycles_without_case ON lifecycles (user_id, state, id) WHERE forked = 0 AND case_id IS NULL;
-- `id > 0`, which is always so, says that syncs are wanted in their order; a sync by its id has a better index
DROP INDEX lifecycles_syncs;
CREATE INDEX lifecycles_syncs ON lifecycles (user_id, id) WHERE claim_id IS NULL AND id > 0;

CREATE INDEX history_of_sync ON history (user_id, sync_id, cursor);
-- of no lifecycle. By `lifecycle = 0` SQLite would plan each `lifecycle = :lifecycle` anew for every value
CREATE INDEX history_acts ON history (user_id, cursor) WHERE lifecycle < 1;
CREATE INDEX events_letters_of ON events (user_id, letter_at, seq) WHERE letter IS NOT NULL;
-- of no standing, so that making one void leaves the index alone, and SQLite writes as it reads
CREATE INDEX effects_entered ON effects (user_id, lifecycle) WHERE on_enter = 1;
CREATE INDEX effects_dead_of ON effects (user_id, ready_at, seq) WHERE standing = 'dead';
CREATE INDEX effects_requested ON effects (user_id, handler, lifecycle)
    WHERE lifecycle < 1 AND standing IN ('owed', 'taken');

-- only: postgres
DROP INDEX events_figures;
-- only: postgres
CREATE INDEX events_figures ON events ("trigger", standing);
-- only: sqlite
DROP INDEX lifecycles_figures;
CREATE INDEX lifecycles_figures ON lifecycles (state, forked);

-- migration: 0005_second_edition
-- cases as rows, what waits under what it waits for, all ids of an event, money with its decimals. What was
-- stored is said anew by `second_edition/`, once these have run

CREATE TABLE cases (
    user_id $text NOT NULL, case_id $text NOT NULL, claim_id $text NOT NULL, sync_id $text NOT NULL,
    state $text, at $text NOT NULL, seq $integer NOT NULL, told $integer NOT NULL, paid $text NOT NULL,
    units $integer NOT NULL, alone $integer, PRIMARY KEY (user_id, case_id, claim_id, sync_id)
) $table;
CREATE INDEX cases_of ON cases (user_id, claim_id, sync_id, case_id);

CREATE TABLE event_ids (
    user_id $text NOT NULL, event_id $text NOT NULL, seq $integer NOT NULL, PRIMARY KEY (user_id, event_id)
) $table;
CREATE INDEX event_ids_event ON event_ids (user_id, seq);

CREATE TABLE currencies (currency $text PRIMARY KEY NOT NULL, decimals $integer NOT NULL) $table;

DROP TABLE waits;
CREATE TABLE waits (
    user_id $text NOT NULL, kind $text NOT NULL, name $text NOT NULL, seq $integer NOT NULL,
    PRIMARY KEY (user_id, kind, name, seq)
) $table;
CREATE INDEX waits_event ON waits (user_id, seq);

ALTER TABLE users ADD COLUMN currencies $text NOT NULL DEFAULT '{}';

DROP INDEX lifecycles_case;
DROP INDEX lifecycles_without_case;
ALTER TABLE lifecycles DROP COLUMN case_id;
ALTER TABLE lifecycles ADD COLUMN units $integer NOT NULL DEFAULT 0;
ALTER TABLE lifecycles ADD COLUMN entered $integer NOT NULL DEFAULT 0;
ALTER TABLE lifecycles ADD COLUMN merged_into $text;
CREATE INDEX lifecycles_merged ON lifecycles (user_id, id) WHERE merged_into IS NOT NULL;
CREATE INDEX lifecycles_merged_in_sync ON lifecycles (user_id, sync_id, id) WHERE merged_into IS NOT NULL;

ALTER TABLE events RENAME COLUMN minor TO amount;
ALTER TABLE events ADD COLUMN units $integer NOT NULL DEFAULT 0;
ALTER TABLE events ADD COLUMN booked_case $text;
ALTER TABLE events ADD COLUMN overlay $text;
-- 0: its id was made for it
ALTER TABLE events ADD COLUMN id_given $integer NOT NULL DEFAULT 1;
ALTER TABLE events ADD COLUMN doubt $text;
ALTER TABLE events ADD COLUMN original_id $text;
-- of its reimbursement, as it is told by now
ALTER TABLE events ADD COLUMN line_id $text;
DROP INDEX events_reimbursement;
CREATE INDEX events_reimbursement ON events (user_id, reimbursement_id, line_id)
    WHERE reimbursement_id IS NOT NULL;
CREATE INDEX events_original ON events (user_id, original_id) WHERE original_id IS NOT NULL;
-- of which a person has dropped a part, or all
ALTER TABLE events ADD COLUMN dropped $integer NOT NULL DEFAULT 0;
CREATE INDEX events_dropped ON events (received_at, user_id, seq) WHERE dropped = 1;
CREATE INDEX events_dropped_of ON events (user_id, received_at, seq) WHERE dropped = 1;
CREATE INDEX history_drops ON history (user_id, to_state, cursor) WHERE "trigger" = 'deadletter_dropped';
CREATE INDEX effects_dropped ON effects (ready_at, user_id, seq) WHERE standing = 'dropped';
CREATE INDEX effects_dropped_of ON effects (user_id, ready_at, seq) WHERE standing = 'dropped';

-- migration: 0007_unapplied
-- the money that waits, by the currency that it tells ('' where it tells none), kept as it comes and goes. What
-- waits already is added up by `second_edition/`

ALTER TABLE users ADD COLUMN unapplied $text NOT NULL DEFAULT '{}';

-- migration: 0008_expand_checks
-- what checks saw, for the next to go on from: the root that each printed, and of each user the number handed out
-- last, where its parent saw another

CREATE TABLE checks (
    check_id $text PRIMARY KEY NOT NULL, parent $text, root $text NOT NULL, at $text NOT NULL
) $table;

CREATE TABLE checked (
    user_id $text NOT NULL, check_id $text NOT NULL, cursor $integer NOT NULL, PRIMARY KEY (user_id, check_id)
) $table;

-- migration: 0009_expand_definitions
-- the definitions that the store was worked under, by a number that their content tells, and under which of them
-- a row of history was written: null where a version wrote it that records none

CREATE TABLE definitions (
    id $integer NOT NULL, name $text NOT NULL, source $text, at $text NOT NULL, content $text NOT NULL,
    PRIMARY KEY (id)
) $table;
ALTER TABLE history ADD COLUMN definition $integer;

-- migration: 0010_expand_facts
-- what reads a fact in an index on PostgreSQL, where a row that can't be read mustn't end whoever writes it

-- only: postgres
CREATE OR REPLACE FUNCTION workflow_fact(facts text, name text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS
    'BEGIN RETURN facts::json ->> name; EXCEPTION WHEN OTHERS THEN RETURN NULL; END';

-- migration: 0011_expand_questions
-- what questions across users are answered by: each filter and each order has an index that gives a page of it.
-- What is told in facts is read by the database, so that versions that know nothing of this keep it, too

CREATE INDEX lifecycles_by_deadline ON lifecycles
    (state, ($told_decision), ($told_currency), ($told_deadline), user_id, id) WHERE forked = 0;
CREATE INDEX lifecycles_by_amount ON lifecycles
    (state, ($told_decision), ($told_currency), ($told_amount), user_id, id, ($told_deadline)) WHERE forked = 0;
CREATE INDEX lifecycles_by_entry ON lifecycles
    (state, ($told_decision), ($told_currency), entered_at, user_id, id, ($told_deadline)) WHERE forked = 0;
CREATE INDEX lifecycles_by_claim ON lifecycles (claim_id, user_id, id) WHERE forked = 0 AND claim_id IS NOT NULL;
CREATE INDEX aliases_by_alias ON aliases (alias, user_id, claim_id);
CREATE INDEX cases_by_case ON cases (case_id, user_id, claim_id, sync_id) WHERE case_id > '';
CREATE INDEX waits_for_claims ON waits (user_id, name) WHERE kind = 'claim';
CREATE INDEX events_by_reimbursement ON events (reimbursement_id, user_id, seq) WHERE reimbursement_id IS NOT NULL;
CREATE INDEX events_booked ON events (currency, received_at, user_id, seq) WHERE amount IS NOT NULL;
CREATE INDEX events_booked_of ON events (user_id, currency, received_at, seq) WHERE amount IS NOT NULL;
-- of their own predicate, so that no planner takes `events_waiting` for these, or these for it
CREATE INDEX events_waiting_by ON events ("trigger", received_at, user_id, seq) WHERE standing BETWEEN 'waiting' AND 'waiting';
CREATE INDEX events_waiting_of ON events (user_id, "trigger", received_at, seq) WHERE standing BETWEEN 'waiting' AND 'waiting';
CREATE INDEX events_dropped_by ON events ("trigger", received_at, user_id, seq) WHERE dropped = 1;
CREATE INDEX events_dropped_by_of ON events (user_id, "trigger", received_at, seq) WHERE dropped = 1;
CREATE INDEX effects_by_handler ON effects (handler, standing, user_id, seq);
CREATE INDEX effects_of_claim ON effects (user_id, lifecycle) WHERE on_enter = 0;

-- migration: 0012_expand_tracebacks
-- of an effect's last try that failed, beside its error's text

ALTER TABLE effects ADD COLUMN traceback $text;

-- migration: 0013_expand_forgotten
-- users who were forgotten: a stub in the place of each, which doesn't tell who it was. `cursor` is the number that was
-- handed out last, from which on new users get theirs. `checks.forgotten` is how many stubs a check's root is over

CREATE TABLE forgotten (
    id $text PRIMARY KEY NOT NULL, at $text NOT NULL, actor $text NOT NULL, reason $text NOT NULL,
    cursor $integer NOT NULL, kept $text NOT NULL, events $text NOT NULL, money $text NOT NULL,
    faults $integer NOT NULL, root $text NOT NULL
) $table;
ALTER TABLE checks ADD COLUMN forgotten $integer NOT NULL DEFAULT 0;
-- the stub of one who is being forgotten: until all is erased the user's row stays, and says no more than that
ALTER TABLE users ADD COLUMN forgotten_as $text;

-- migration: 0014_expand_going
-- the last number of stubs, and those of whom not all is erased yet

CREATE INDEX forgotten_cursor ON forgotten (cursor);
CREATE INDEX users_going ON users (user_id) WHERE forgotten_as IS NOT NULL;

-- migration: 0015_expand_listed
-- what lifecycles are listed by, beside the facts that tell it: facts that begin with a space have it there

ALTER TABLE lifecycles ADD COLUMN listed_decision $text NOT NULL DEFAULT '';
ALTER TABLE lifecycles ADD COLUMN listed_currency $text NOT NULL DEFAULT '';
ALTER TABLE lifecycles ADD COLUMN listed_deadline $text NOT NULL DEFAULT '';
ALTER TABLE lifecycles ADD COLUMN listed_amount $text NOT NULL DEFAULT '';

-- migration: 0016_expand_listing

CREATE INDEX lifecycles_listed_by_deadline ON lifecycles
    (state, ($listed_decision), ($listed_currency), ($listed_deadline), user_id, id) WHERE forked = 0;
CREATE INDEX lifecycles_listed_by_amount ON lifecycles
    (state, ($listed_decision), ($listed_currency), ($listed_amount), user_id, id, ($listed_deadline)) WHERE forked = 0;
CREATE INDEX lifecycles_listed_by_entry ON lifecycles
    (state, ($listed_decision), ($listed_currency), entered_at, user_id, id, ($listed_deadline)) WHERE forked = 0;

-- migration: 0017_expand_listed_anew
-- older versions list more slowly without these, and no otherwise

DROP INDEX lifecycles_by_deadline;
DROP INDEX lifecycles_by_amount;
DROP INDEX lifecycles_by_entry;

-- migration: 0018_expand_fewer_built
-- fewer and smaller indexes, each for several questions. Events that are alike are found by the beginning of what
-- tells their content, the rest is compared; of how events stand, only what isn't applied has an index of its own

CREATE INDEX events_alike ON events ("trigger", user_id, substr(fingerprint, 1, 16), seq);
-- of its own predicate, so that no planner takes it for what waits
CREATE INDEX events_unapplied ON events ("trigger", standing) WHERE standing || '' <> 'applied';
-- of no `forked`, so that SQLite leaves it alone where a row is updated
CREATE INDEX lifecycles_called ON lifecycles (claim_id, user_id, id) WHERE claim_id IS NOT NULL;
CREATE INDEX lifecycles_forked ON lifecycles (state) WHERE forked = 1;
-- with `forked`, by which SQLite counts states in it without a look at any row
CREATE INDEX lifecycles_listed_by_due ON lifecycles
    (state, ($listed_decision), ($listed_currency), ($listed_deadline), user_id, id, forked) WHERE forked = 0;

-- migration: 0019_expand_fewer_of_events
-- older versions count, and look for events without an id, more slowly without these, and no otherwise. A migration
-- for each table: whoever locked two would meet who works in both the other way round

DROP INDEX events_content;
DROP INDEX events_figures;

-- migration: 0020_expand_fewer_of_lifecycles

DROP INDEX lifecycles_by_claim;
DROP INDEX lifecycles_figures;
DROP INDEX lifecycles_listed_by_deadline;

-- migration: 0021_expand_keyed

DROP INDEX effects_figures;

-- tables that are little but their key stand in its order, once instead of twice
-- only: sqlite
CREATE TABLE cases_by_key (
    user_id $text NOT NULL, case_id $text NOT NULL, claim_id $text NOT NULL, sync_id $text NOT NULL,
    state $text, at $text NOT NULL, seq $integer NOT NULL, told $integer NOT NULL, paid $text NOT NULL,
    units $integer NOT NULL, alone $integer, PRIMARY KEY (user_id, claim_id, sync_id, case_id)
) $keyed;
-- only: sqlite
INSERT INTO cases_by_key SELECT * FROM cases ORDER BY user_id, claim_id, sync_id, case_id;
-- only: sqlite
DROP TABLE cases;
-- only: sqlite
ALTER TABLE cases_by_key RENAME TO cases;
-- only: sqlite
CREATE INDEX cases_by_case ON cases (case_id, user_id, claim_id, sync_id);

-- only: sqlite
CREATE TABLE event_ids_by_key (
    user_id $text NOT NULL, event_id $text NOT NULL, seq $integer NOT NULL, PRIMARY KEY (user_id, event_id)
) $keyed;
-- only: sqlite
INSERT INTO event_ids_by_key SELECT * FROM event_ids ORDER BY user_id, event_id;
-- only: sqlite
DROP TABLE event_ids;
-- only: sqlite
ALTER TABLE event_ids_by_key RENAME TO event_ids;
-- only: sqlite
CREATE INDEX event_ids_event ON event_ids (user_id, seq);

-- only: sqlite
CREATE TABLE waits_by_key (
    user_id $text NOT NULL, kind $text NOT NULL, name $text NOT NULL, seq $integer NOT NULL,
    PRIMARY KEY (user_id, kind, name, seq)
) $keyed;
-- only: sqlite
INSERT INTO waits_by_key SELECT * FROM waits ORDER BY user_id, kind, name, seq;
-- only: sqlite
DROP TABLE waits;
-- only: sqlite
ALTER TABLE waits_by_key RENAME TO waits;
-- only: sqlite
CREATE INDEX waits_event ON waits (user_id, seq);
-- only: sqlite
CREATE INDEX waits_for_claims ON waits (user_id, name) WHERE kind = 'claim';

-- only: sqlite
CREATE TABLE aliases_by_key (
    user_id $text NOT NULL, alias $text NOT NULL, claim_id $text NOT NULL, PRIMARY KEY (user_id, alias)
) $keyed;
-- only: sqlite
INSERT INTO aliases_by_key SELECT * FROM aliases ORDER BY user_id, alias;
-- only: sqlite
DROP TABLE aliases;
-- only: sqlite
ALTER TABLE aliases_by_key RENAME TO aliases;
-- only: sqlite
CREATE INDEX aliases_claim ON aliases (user_id, claim_id);
-- only: sqlite
CREATE INDEX aliases_by_alias ON aliases (alias, user_id, claim_id);
