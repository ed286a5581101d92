-- No change column: one slice of the keys per run of the verifier, all of them in a day.
SELECT DISTINCT CAST(TID AS BINARY) AS k FROM TB_CARD_CNCL WHERE CRC32(TID) % :slices = :slice
