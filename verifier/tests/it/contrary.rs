//! Violations about answers that contradict what was decided.

use crate::plants::Plant;

/// An approval that is told after the issuer has said that it is undone.
const LATE_APPROVAL: &str = "\
    INSERT INTO attempt_result (payment_id, leg_no, kind, attempt_no, outcome, result_no, slot, origin, seq, source, issuer_ref, received_at) \
    SELECT payment_id, leg_no, 'AUTH', attempt_no, 'APPROVED', 9, slot, origin, seq + 1, 'LATE', 'B-9', decided_at \
    FROM network_cancel_outcome WHERE payment_id = @p AND outcome = 'VOIDED' LIMIT 1";

pub fn plants() -> Vec<Plant> {
    vec![
        Plant::on(
            "second",
            "i06",
            "approval beside the verdict, not raised",
            &["DELETE FROM contradiction WHERE payment_id = @p"],
        ),
        Plant::on(
            "second",
            "i07",
            "contradicts, and is neither undone nor escalated",
            &["UPDATE contradiction SET valid_until = '2020-01-01' WHERE payment_id = @p"],
        ),
        Plant::on("undone", "i12", "approved after it was voided, not raised", &[LATE_APPROVAL]),
        Plant::on(
            "undone",
            "i12",
            "approved after it was voided, not raised",
            &[
                "UPDATE attempt_result SET issuer_ref = 'B-8' WHERE payment_id = @p AND kind = 'NET_CANCEL' AND outcome = 'REVERSED'",
                LATE_APPROVAL,
            ],
        ),
        Plant::on(
            "canceled",
            "i12",
            "refunded though it was refused, not raised",
            &["UPDATE cancel_outcome SET outcome = 'FAILED' WHERE payment_id = @p LIMIT 1"],
        ),
    ]
}
