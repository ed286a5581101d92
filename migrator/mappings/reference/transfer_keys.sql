-- The next keys of account transfers, those that only a refund knows included.
SELECT CAST(k AS BINARY) AS k
FROM (
  (SELECT TR_NO AS k FROM TB_ACNT_TRAN WHERE TR_NO > CAST(:after AS UNSIGNED) ORDER BY TR_NO LIMIT :limit)
  UNION (SELECT DISTINCT ORG_TR_NO FROM REFUND WHERE ORG_TR_NO > CAST(:after AS UNSIGNED) ORDER BY ORG_TR_NO LIMIT :limit)
) AS known
ORDER BY known.k
LIMIT :limit
