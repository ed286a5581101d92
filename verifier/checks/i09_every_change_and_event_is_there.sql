-- I9: a payment's changes have no hole; a change that has events has all of them in the outbox of its origin, each naming the one before it on its topic.
-- A row is a hole among changes, a change without its events, an event too many, or one that does not name the one before
--   it.
-- By hand, on a replica: mysql ledger < i09_every_change_and_event_is_there.sql; of payments made in a window alone, times in UTC:
--   mysql --init-command="SET @since = '2026-11-23', @until = '2026-11-24'" ledger < i09_every_change_and_event_is_there.sql
-- Cost: one range of the primary key of payment_change; the whole of both outboxes, which have no key by payment, is read
--   once, window or not.
-- Not here: what retention has dropped. While the first partition stands nothing was dropped; after that, changes are held
--   to their events from ten minutes after the oldest event that is left. That topics hold the same keys is the audit's to
--   say (outbox-keys-are-topic-keys).
SET @first = UNHEX(RPAD(LPAD(HEX(COALESCE(TIMESTAMPDIFF(MICROSECOND, '1970-01-01', @since) DIV 1000, 0)), 12, '0'), 32, '0')),
  @last = UNHEX(RPAD(COALESCE(LPAD(HEX(TIMESTAMPDIFF(MICROSECOND, '1970-01-01', @until) DIV 1000 - 1), 12, '0'), ''), 32, 'F'));
SELECT COUNT(*) AS examined FROM payment_change WHERE payment_id BETWEEN @first AND @last;
WITH kept AS (
  SELECT 'LIVE' AS origin, IF(EXISTS(SELECT 1 FROM information_schema.partitions WHERE table_schema = DATABASE()
      AND table_name = 'outbox_event' AND partition_ordinal_position = 1 AND partition_description = '10000000'), '1970-01-01',
    (SELECT c.recorded_at + INTERVAL 10 MINUTE FROM outbox_event AS e STRAIGHT_JOIN payment_change AS c ON c.payment_id = e.payment_id AND c.seq = e.seq
      ORDER BY e.id LIMIT 1)) AS whole_from
  UNION ALL
  SELECT 'LEGACY', IF(EXISTS(SELECT 1 FROM information_schema.partitions WHERE table_schema = DATABASE()
      AND table_name = 'outbox_backfill' AND partition_ordinal_position = 1 AND partition_description = '10000000'), '1970-01-01',
    (SELECT c.recorded_at + INTERVAL 10 MINUTE FROM outbox_backfill AS e STRAIGHT_JOIN payment_change AS c ON c.payment_id = e.payment_id AND c.seq = e.seq
      ORDER BY e.id LIMIT 1))
), sent AS (
  SELECT 'LIVE' AS origin, payment_id, seq, ordinal, topic, previous_position FROM outbox_event WHERE kind = 'EVENT' AND payment_id BETWEEN @first AND @last
  UNION ALL
  SELECT 'LEGACY', payment_id, seq, ordinal, topic, previous_position FROM outbox_backfill WHERE kind = 'EVENT' AND payment_id BETWEEN @first AND @last
), counted AS (
  SELECT origin, payment_id, seq, COUNT(*) AS events, COUNT(DISTINCT ordinal) AS ordinals, MAX(ordinal) AS last_ordinal
  FROM sent GROUP BY origin, payment_id, seq
), chained AS (
  SELECT origin, payment_id, seq, ordinal, topic, previous_position,
    LAG(CONCAT(seq, '.', ordinal)) OVER (PARTITION BY payment_id, topic ORDER BY seq, ordinal) AS before_it
  FROM sent
)
SELECT HEX(payment_id) AS payment_id, MAX(seq) AS seq, 'hole among changes' AS what
FROM payment_change WHERE payment_id BETWEEN @first AND @last GROUP BY payment_id HAVING MIN(seq) <> 1 OR MAX(seq) <> COUNT(*)
UNION ALL
SELECT HEX(c.payment_id), c.seq, 'change without its events'
FROM payment_change AS c
JOIN kept AS k ON k.origin = c.origin
LEFT JOIN counted AS e ON e.payment_id = c.payment_id AND e.seq = c.seq AND e.origin = c.origin
WHERE c.payment_id BETWEEN @first AND @last AND c.event_digest IS NOT NULL AND e.payment_id IS NULL AND c.recorded_at >= COALESCE(k.whole_from, '1970-01-01')
UNION ALL
SELECT HEX(e.payment_id), e.seq, 'event without its change'
FROM counted AS e
LEFT JOIN payment_change AS c ON c.payment_id = e.payment_id AND c.seq = e.seq AND c.origin = e.origin AND c.event_digest IS NOT NULL
WHERE c.payment_id IS NULL
UNION ALL
SELECT HEX(e.payment_id), e.seq, 'events doubled or missing'
FROM counted AS e
JOIN kept AS k ON k.origin = e.origin
JOIN payment_change AS c ON c.payment_id = e.payment_id AND c.seq = e.seq
WHERE (e.events <> e.ordinals OR e.last_ordinal + 1 <> e.events) AND c.recorded_at >= COALESCE(k.whole_from, '1970-01-01')
UNION ALL
SELECT HEX(h.payment_id), h.seq, CONCAT('event ', h.ordinal, ' on ', h.topic, ' does not name the one before it')
FROM chained AS h
JOIN kept AS k ON k.origin = h.origin
LEFT JOIN payment_change AS c ON c.payment_id = h.payment_id AND c.seq = CAST(SUBSTRING_INDEX(h.previous_position, '.', 1) AS UNSIGNED)
WHERE NOT (h.previous_position <=> h.before_it)
  AND (h.before_it IS NOT NULL OR c.payment_id IS NULL OR c.recorded_at >= COALESCE(k.whole_from, '1970-01-01'));
