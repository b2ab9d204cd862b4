-- name: lock_free_user
-- a user's row, locked to the end of the transaction, where nobody else holds it: none where somebody does.
-- Whoever is new gets a row that says nothing yet
WITH locked AS MATERIALIZED (
    SELECT cursor, updated_at, recovered FROM users WHERE user_id = %(user_id)s FOR UPDATE SKIP LOCKED
), made AS (
    INSERT INTO users (user_id, cursor, updated_at, recovered)
    SELECT %(user_id)s, 0, '', '{}' WHERE NOT EXISTS (SELECT 1 FROM users WHERE user_id = %(user_id)s)
    ON CONFLICT (user_id) DO NOTHING
    RETURNING cursor, updated_at, recovered
)
SELECT *, true AS may_wait FROM locked UNION ALL SELECT *, true AS may_wait FROM made;

-- name: wait_for_nobody
-- two who make the same new user's row at once still wait for each other: not for longer than this
SET LOCAL lock_timeout = '100ms';
