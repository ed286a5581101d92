-- Keys under which a payment service says an attempt before it sends it, and what came of it.
ALTER TABLE idempotency_claim DROP CHECK ck_idempotency_claim_operation, ADD CONSTRAINT ck_idempotency_claim_operation
  CHECK (operation IN ('CREATE', 'CONFIRM', 'CANCEL', 'DEPOSIT', 'DEPOSIT_REFUND', 'DEPOSIT_REFUND_RESULT', 'ATTEMPT', 'RESULT'));
