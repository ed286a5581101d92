-- I10: the ids of both outboxes have no hole older than a minute, so that a relay that reads on by id has missed nothing, and every event is, byte for byte, what was written.
-- A row is an id that neither an event nor a tombstone stands at, or an event whose key or body was changed.
-- By hand, on a replica: mysql ledger < i10_every_event_can_be_published.sql; of payments made in a window alone, times in UTC:
--   mysql --init-command="SET @since = '2026-11-23', @until = '2026-11-24'" ledger < i10_every_event_can_be_published.sql
-- Cost: both outboxes are read twice, once with the bodies, window or not, and once more for each hole (IF: the optimizer
--   would look up the age of every id otherwise, each time from the start).
-- Not here: no table holds receipts: the topic is the receipt. `outbox-relay prove` and the audit
--   (outbox-keys-are-topic-keys, topic-order-and-previous) read the topics to their end and compare keys.
SET @first = UNHEX(RPAD(LPAD(HEX(COALESCE(TIMESTAMPDIFF(MICROSECOND, '1970-01-01', @since) DIV 1000, 0)), 12, '0'), 32, '0')),
  @last = UNHEX(RPAD(COALESCE(LPAD(HEX(TIMESTAMPDIFF(MICROSECOND, '1970-01-01', @until) DIV 1000 - 1), 12, '0'), ''), 32, 'F'));
SELECT (SELECT COUNT(*) FROM outbox_event) + (SELECT COUNT(*) FROM outbox_backfill) AS examined;
SELECT 'outbox_event' AS outbox, g.id + 1 AS id, CONCAT('hole up to ', g.next_id - 1) AS what
FROM (SELECT id, LEAD(id) OVER (ORDER BY id) AS next_id FROM outbox_event) AS g
WHERE IF(g.next_id = g.id + 1, FALSE, (SELECT c.recorded_at FROM outbox_event AS n STRAIGHT_JOIN payment_change AS c
    ON c.payment_id = n.payment_id AND c.seq = n.seq WHERE n.id >= g.next_id ORDER BY n.id LIMIT 1) < UTC_TIMESTAMP(6) - INTERVAL 1 MINUTE)
UNION ALL
SELECT 'outbox_event', b.id, 'hole at the start'
FROM (SELECT MIN(id) AS id FROM outbox_event) AS b
WHERE b.id > 1 AND EXISTS(SELECT 1 FROM information_schema.partitions WHERE table_schema = DATABASE()
  AND table_name = 'outbox_event' AND partition_ordinal_position = 1 AND partition_description = '10000000')
UNION ALL
SELECT 'outbox_event', id, 'bytes are not those that were written'
FROM outbox_event
WHERE kind = 'EVENT' AND payment_id BETWEEN @first AND @last
  AND row_hash <> UNHEX(SHA2(CONCAT(BIN_TO_UUID(payment_id), ':', seq, '.', ordinal, ':', type, body), 256))
UNION ALL
SELECT 'outbox_backfill' AS outbox, g.id + 1 AS id, CONCAT('hole up to ', g.next_id - 1) AS what
FROM (SELECT id, LEAD(id) OVER (ORDER BY id) AS next_id FROM outbox_backfill) AS g
WHERE IF(g.next_id = g.id + 1, FALSE, (SELECT c.recorded_at FROM outbox_backfill AS n STRAIGHT_JOIN payment_change AS c
    ON c.payment_id = n.payment_id AND c.seq = n.seq WHERE n.id >= g.next_id ORDER BY n.id LIMIT 1) < UTC_TIMESTAMP(6) - INTERVAL 1 MINUTE)
UNION ALL
SELECT 'outbox_backfill', b.id, 'hole at the start'
FROM (SELECT MIN(id) AS id FROM outbox_backfill) AS b
WHERE b.id > 1 AND EXISTS(SELECT 1 FROM information_schema.partitions WHERE table_schema = DATABASE()
  AND table_name = 'outbox_backfill' AND partition_ordinal_position = 1 AND partition_description = '10000000')
UNION ALL
SELECT 'outbox_backfill', id, 'bytes are not those that were written'
FROM outbox_backfill
WHERE kind = 'EVENT' AND payment_id BETWEEN @first AND @last
  AND row_hash <> UNHEX(SHA2(CONCAT(BIN_TO_UUID(payment_id), ':', seq, '.', ordinal, ':', type, body), 256));
