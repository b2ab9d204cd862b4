-- The statements of the audit's scratch: one user's rows as they were in the store, and what was noted of them
-- while they were read. No column has a type, since a damaged row may hold anything.

-- name: lifecycles_of
SELECT *, EXISTS (SELECT 1 FROM heads WHERE heads.lifecycle IS lifecycles.id) AS is_chained
FROM lifecycles ORDER BY rowid;

-- name: lifecycle
SELECT * FROM lifecycles WHERE id IS :id ORDER BY rowid;

-- name: claim
SELECT merged_into FROM lifecycles WHERE claim_id = :claim_id ORDER BY rowid DESC LIMIT 1;

-- name: plain_lifecycles
SELECT id FROM lifecycles WHERE claim_id IS NULL AND sync_id IS :sync_id ORDER BY rowid;

-- name: lifecycles_of_claim
-- the claim's own, and those that were merged into others under a name that is the claim's
SELECT id FROM lifecycles WHERE claim_id = :claim_id AND (
    merged_into IS NULL OR NOT EXISTS (SELECT 1 FROM aliases WHERE alias = :claim_id)
)
UNION ALL
SELECT id FROM aliases JOIN lifecycles ON lifecycles.claim_id = aliases.alias
WHERE aliases.claim_id = :claim_id AND merged_into IS NOT NULL
ORDER BY id;

-- name: aliases_of
SELECT * FROM aliases ORDER BY rowid;

-- name: has_aliases
SELECT 1 FROM aliases LIMIT 1;

-- name: alias
SELECT claim_id FROM aliases WHERE alias = :alias ORDER BY rowid DESC LIMIT 1;

-- name: has_acts
SELECT 1 FROM history WHERE lifecycle = 0 LIMIT 1;

-- name: acts_about
-- what was done with a dead letter, oldest first
SELECT * FROM history WHERE to_state = :letter AND lifecycle = 0 ORDER BY rowid;

-- name: place_rows
-- the order in which chains are folded: one behind the other, as they began
INSERT INTO placed (place)
SELECT place FROM (
    SELECT rowid AS place, min(rowid) OVER (PARTITION BY lifecycle) AS began FROM history
) ORDER BY began, place;

-- name: placed_rows
SELECT history.* FROM placed CROSS JOIN history ON history.rowid = placed.place ORDER BY placed.rowid;

-- name: put_sync
-- the first row of a sync's chain, what its hash may be, and whether it is sound; the first of a sync stays
INSERT INTO syncs (sync_id, cursor, origins, is_sound) VALUES (:sync_id, :cursor, :origins, :is_sound);

-- name: sync
SELECT history.*, syncs.origins, syncs.is_sound FROM syncs JOIN history ON history.cursor IS syncs.cursor
WHERE syncs.sync_id IS :sync_id ORDER BY syncs.rowid, history.rowid LIMIT 1;

-- name: put_head
INSERT INTO heads (lifecycle, hash) VALUES (:lifecycle, :hash);

-- name: heads_of
SELECT lifecycle, hash FROM heads WHERE typeof(lifecycle) = 'integer' ORDER BY lifecycle;

-- name: old_heads_of
SELECT lifecycle, hash FROM old_heads ORDER BY lifecycle;

-- name: row_at
SELECT * FROM history WHERE cursor IS :cursor ORDER BY rowid DESC LIMIT 1;

-- name: row_by
-- the transition of a lifecycle by an event
SELECT * FROM history
WHERE event_id IS :event_id AND lifecycle IS :lifecycle AND lifecycle <> 0 ORDER BY rowid DESC LIMIT 1;

-- name: rows_astray
-- of no lifecycle that is there
SELECT cursor, lifecycle FROM history
WHERE lifecycle IS NOT 0 AND NOT EXISTS (SELECT 1 FROM lifecycles WHERE lifecycles.id IS history.lifecycle);

-- name: cursors_of_events
SELECT cursor FROM history WHERE EXISTS (SELECT 1 FROM events WHERE events.seq IS history.cursor);

-- name: events_of
SELECT * FROM events ORDER BY rowid;

-- name: event_at
SELECT * FROM events WHERE seq IS :seq ORDER BY rowid DESC LIMIT 1;

-- name: event
-- what an event says of a lifecycle: whether it was applied to it. `is_unread` where it can't be read
SELECT events.trigger, events.seq,
    EXISTS (SELECT 1 FROM unread WHERE unread.seq IS events.seq) AS is_unread,
    EXISTS (
        SELECT 1 FROM parts WHERE parts.event_id IS events.event_id AND parts.lifecycle IS :lifecycle
            AND parts.seq IS events.seq AND parts.standing = 'applied'
    ) AS moved
FROM events WHERE events.event_id IS :event_id ORDER BY events.rowid DESC LIMIT 1;

-- name: events_twice
SELECT max(rowid), seq, event_id FROM events GROUP BY event_id HAVING count(*) > 1
UNION ALL
SELECT max(rowid), seq, event_id FROM events GROUP BY seq HAVING count(*) > 1;

-- name: put_unread
INSERT INTO unread (seq) VALUES (:seq);

-- name: is_unread
SELECT 1 FROM unread WHERE seq IS :seq;

-- name: put_part
INSERT INTO parts (event_id, seq, number, lifecycle, standing, claim)
VALUES (:event_id, :seq, :number, :lifecycle, :standing, :claim);

-- name: unmoved_parts
-- applied, and no row of history says so
SELECT seq, claim FROM parts
WHERE standing = 'applied' AND NOT EXISTS (SELECT 1 FROM unread WHERE unread.seq IS parts.seq)
GROUP BY seq, event_id, number
HAVING NOT max(lifecycle IS NOT NULL AND EXISTS (
    SELECT 1 FROM history WHERE history.event_id IS parts.event_id AND history.lifecycle IS parts.lifecycle
));

-- name: put_wait
INSERT INTO told_waits (kind, name, seq) VALUES (:kind, :name, :seq);

-- name: missing_waits
SELECT kind, name, seq FROM (
    SELECT kind, name, seq FROM told_waits EXCEPT SELECT kind, name, seq FROM waits
) AS missing
WHERE NOT EXISTS (SELECT 1 FROM unread WHERE unread.seq IS missing.seq);

-- name: waits_astray
-- of no event that waits under them, and none that can't be read
SELECT kind, name, seq FROM (
    SELECT kind, name, seq FROM waits EXCEPT SELECT kind, name, seq FROM told_waits
) AS astray
WHERE NOT EXISTS (SELECT 1 FROM unread WHERE unread.seq IS astray.seq);

-- name: ids_of
SELECT event_id, seq, EXISTS (SELECT 1 FROM events WHERE events.seq IS event_ids.seq) AS is_there,
    EXISTS (SELECT 1 FROM events WHERE events.event_id IS event_ids.event_id) AS is_first
FROM event_ids ORDER BY rowid;

-- name: effects_of
SELECT *, EXISTS (SELECT 1 FROM events WHERE events.seq IS effects.seq)
    OR EXISTS (SELECT 1 FROM history WHERE history.cursor IS effects.seq) AS is_taken
FROM effects ORDER BY rowid;

-- name: numbers
-- the greatest number that was handed out, and how many were
SELECT coalesce(max(number), 0) AS highest, count(*) AS many FROM (
    SELECT seq AS number FROM events WHERE typeof(seq) = 'integer'
    UNION SELECT cursor FROM history WHERE typeof(cursor) = 'integer'
    UNION SELECT seq FROM effects WHERE typeof(seq) = 'integer'
);

-- name: put_booking
INSERT INTO bookings (lifecycle, seq, event_id, currency, amount, units, sign, has_case, has_original)
VALUES (:lifecycle, :seq, :event_id, :currency, :amount, :units, :sign, :has_case, :has_original);

-- name: bookings_of
SELECT * FROM bookings WHERE lifecycle IS :lifecycle ORDER BY rowid;

-- name: put_payout
-- a case under which a payout of a reimbursement was booked
INSERT INTO payouts (reimbursement_id, case_id) VALUES (:reimbursement_id, :case_id)
ON CONFLICT (reimbursement_id, case_id) DO NOTHING;

-- name: payouts_of
SELECT DISTINCT case_id FROM payouts WHERE reimbursement_id = :reimbursement_id;

-- name: booked_events
SELECT DISTINCT seq FROM bookings;

-- name: put_concern
-- an event that tells of somebody's cases
INSERT INTO concerns (claim_id, sync_id, seq) VALUES (:claim_id, :sync_id, :seq);

-- name: concerns_of
SELECT DISTINCT seq FROM concerns WHERE claim_id IS :claim_id AND sync_id IS :sync_id;

-- name: owners_of_cases
-- whoever has cases, or is told of in connection with them
SELECT claim_id, sync_id FROM concerns UNION SELECT claim_id, sync_id FROM cases;

-- name: cases_of
SELECT * FROM cases WHERE claim_id IS :claim_id AND sync_id IS :sync_id ORDER BY rowid;

-- name: put_filed
INSERT INTO filed (lifecycle) VALUES (:lifecycle);

-- name: filed
SELECT 1 FROM filed WHERE lifecycle IS :lifecycle;

-- name: put_loose
INSERT INTO loose (case_id) VALUES (:case_id);

-- name: loose
SELECT 1 FROM loose WHERE case_id IS :case_id;

-- name: put_doubted
INSERT INTO doubted (seq) VALUES (:seq);

-- name: doubted_of
SELECT DISTINCT seq FROM doubted;
