-- I14: an idempotency key stands for one operation on one payment of its merchant, its kept answer is the bytes that were sent, and no leg has two authorizations that may both stand.
-- A row is a claim that does not fit its change or payment, an answer whose bytes changed, or a leg with two live
--   authorizations.
-- By hand, on a replica: mysql ledger < i14_a_key_does_one_thing.sql; of payments made in a window alone, times in UTC:
--   mysql --init-command="SET @since = '2026-11-23', @until = '2026-11-24'" ledger < i14_a_key_does_one_thing.sql
-- Cost: one range of the primary key of attempt; claims and answers have no key by payment and are read whole, window or
--   not.
-- Not here: how often an AUTH went over the wire is counted at the issuer: by the simulator in tests, and by the audit's
--   issuer-truth.
SET @first = UNHEX(RPAD(LPAD(HEX(COALESCE(TIMESTAMPDIFF(MICROSECOND, '1970-01-01', @since) DIV 1000, 0)), 12, '0'), 32, '0')),
  @last = UNHEX(RPAD(COALESCE(LPAD(HEX(TIMESTAMPDIFF(MICROSECOND, '1970-01-01', @until) DIV 1000 - 1), 12, '0'), ''), 32, 'F'));
SELECT (SELECT COUNT(*) FROM idempotency_claim) + (SELECT COUNT(*) FROM attempt WHERE payment_id BETWEEN @first AND @last) AS examined;
SELECT 'claim without its change' AS what, HEX(k.claim_id) AS id, HEX(k.payment_id) AS payment_id, k.seq AS number
FROM idempotency_claim AS k
LEFT JOIN payment_change AS c ON c.payment_id = k.payment_id AND c.seq = k.seq AND c.request_id = k.request_id
WHERE k.payment_id BETWEEN @first AND @last AND c.payment_id IS NULL
UNION ALL
SELECT 'claim of another merchant or slot', HEX(k.claim_id), HEX(k.payment_id), k.slot
FROM idempotency_claim AS k JOIN payment AS p ON p.payment_id = k.payment_id
WHERE k.payment_id BETWEEN @first AND @last AND (p.merchant_id <> k.merchant_id OR p.slot <> k.slot)
UNION ALL
SELECT 'answer is not what was sent', HEX(o.claim_id), NULL, o.status
FROM idempotency_outcome AS o
JOIN idempotency_claim AS k ON k.claim_id = o.claim_id
JOIN idempotency_body AS b ON b.claim_id = o.claim_id AND b.decided_on = DATE(o.decided_at)
WHERE (k.payment_id IS NULL OR k.payment_id BETWEEN @first AND @last) AND o.body_digest <> UNHEX(SHA2(b.body, 256))
UNION ALL
SELECT 'two live authorizations of one leg', HEX(a.payment_id), HEX(a.payment_id), a.leg_no
FROM attempt AS a
LEFT JOIN attempt_verdict AS v ON v.payment_id = a.payment_id AND v.leg_no = a.leg_no AND v.kind = a.kind AND v.attempt_no = a.attempt_no
WHERE a.payment_id BETWEEN @first AND @last AND a.kind = 'AUTH' AND COALESCE(v.verdict, 'ACCEPT') = 'ACCEPT'
GROUP BY a.payment_id, a.leg_no HAVING COUNT(*) > 1;
