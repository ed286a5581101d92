-- The next keys of card payments, from whichever table knows them: a cancel without a header is found as well.
SELECT CAST(k AS BINARY) AS k
FROM (
  (SELECT TID AS k FROM TB_PAY_MST WHERE TID > :after ORDER BY TID LIMIT :limit)
  UNION (SELECT TID FROM TB_CARD_APPR WHERE TID > :after ORDER BY TID LIMIT :limit)
  UNION (SELECT TID FROM TB_CARD_CNCL WHERE TID > :after ORDER BY TID LIMIT :limit)
  UNION (SELECT TID FROM TB_CARD_PART_CNCL WHERE TID > :after ORDER BY TID LIMIT :limit)
) AS known
ORDER BY k
LIMIT :limit
