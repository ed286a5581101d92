-- Two indexes for what merchants list. Each is one entry a row, in the order in which rows come for a merchant, without a column
-- that the row does not have already; rows that older images write are in them as well.

-- A merchant's payments in the order of their making: ids begin with their time. Without it a list of one merchant would read
-- the payments of all.
ALTER TABLE payment ADD KEY ix_payment_merchant (merchant_id, payment_id);

-- A merchant's money by account and business day: the feed of approvals and refunds (each posts one line to ISSUER_RECEIVABLE),
-- and what is owed to it for a day (MERCHANT_PAYABLE). The journal is the only place where both have merchant and day.
ALTER TABLE journal_line ADD KEY ix_journal_line_merchant (merchant_id, account, business_date);
