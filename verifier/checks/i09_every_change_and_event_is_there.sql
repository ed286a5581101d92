-- I9: a payment's changes have no hole; a change that has events has all of them in the outbox of its origin, each naming the one before it on its topic.
SELECT COUNT(*) AS examined FROM payment_change;
WITH sent AS (
  SELECT 'LIVE' AS origin, payment_id, seq, ordinal, topic, previous_position FROM outbox_event WHERE kind = 'EVENT'
  UNION ALL
  SELECT 'LEGACY', payment_id, seq, ordinal, topic, previous_position FROM outbox_backfill WHERE kind = 'EVENT'
), counted AS (
  SELECT origin, payment_id, seq, COUNT(*) AS events, COUNT(DISTINCT ordinal) AS ordinals, MAX(ordinal) AS last_ordinal
  FROM sent GROUP BY origin, payment_id, seq
), chained AS (
  SELECT payment_id, seq, ordinal, topic, previous_position, LAG(CONCAT(seq, '.', ordinal)) OVER (PARTITION BY payment_id, topic ORDER BY seq, ordinal) AS before_it
  FROM sent
)
SELECT HEX(payment_id) AS payment_id, MAX(seq) AS seq, 'hole among changes' AS what
FROM payment_change GROUP BY payment_id HAVING MIN(seq) <> 1 OR MAX(seq) <> COUNT(*)
UNION ALL
SELECT HEX(c.payment_id), c.seq, 'change without its events'
FROM payment_change AS c
LEFT JOIN counted AS e ON e.payment_id = c.payment_id AND e.seq = c.seq AND e.origin = c.origin
WHERE c.event_digest IS NOT NULL AND e.payment_id IS NULL
UNION ALL
SELECT HEX(e.payment_id), e.seq, 'event without its change'
FROM counted AS e
LEFT JOIN payment_change AS c ON c.payment_id = e.payment_id AND c.seq = e.seq AND c.origin = e.origin AND c.event_digest IS NOT NULL
WHERE c.payment_id IS NULL
UNION ALL
SELECT HEX(payment_id), seq, 'events doubled or missing' FROM counted WHERE events <> ordinals OR last_ordinal + 1 <> events
UNION ALL
SELECT HEX(payment_id), seq, CONCAT('event ', ordinal, ' on ', topic, ' does not name the one before it')
FROM chained WHERE NOT (previous_position <=> before_it);
