//! `migrator explain`: what one payment's rows would become.

use ledger_core::payment::legacy;
use ledger_runtime::exit::Exit;
use serde_json::json;

use crate::cli::{ExplainArgs, Format};
use crate::map::{self, Outcome};
use crate::mapping::record::Record;
use crate::report;

use super::{Failed, open};

pub async fn run(args: &ExplainArgs, format: Format) -> Result<Exit, Failed> {
    let (table, key) =
        args.row.split_once(':').ok_or_else(|| Failed::Usage("a row is written as TABLE:key".to_owned()))?;
    let carrier = open(&args.ends).await?;
    let aggregate = carrier
        .mapping
        .aggregate_of(table)
        .ok_or_else(|| Failed::Usage(format!("the mapping has no table {table}")))?;
    let keys = std::iter::once(key.to_owned()).collect();
    let payments = carrier.reader.fetch(&carrier.mapping, aggregate, &keys).await?;
    let Some(payment) = payments.first() else {
        return Err(Failed::Usage(format!("no row of {} has the key {key}", aggregate.name)));
    };
    let outcome = map::map(&carrier.mapping, aggregate, key, &payment.records);
    let told = json!({
        "rows": payment.records.iter().map(row).collect::<Vec<_>>(),
        "outcome": shown(&outcome),
    });
    let out = &mut std::io::stdout().lock();
    match format {
        Format::Json => report::json(out, &told)?,
        Format::Table => std::io::Write::write_all(out, format!("{told:#}\n").as_bytes())?,
    }
    Ok(match outcome {
        Outcome::Payment(_) | Outcome::Excluded { .. } => Exit::Clean,
        Outcome::Quarantined(_) => Exit::Findings,
    })
}

fn row(record: &Record<'_>) -> serde_json::Value {
    let fields: Vec<_> = record
        .table
        .spec
        .columns()
        .into_iter()
        .map(|(field, column)| format!("{field} ← {column}"))
        .collect();
    json!({
        "table": record.table.spec.name,
        "pk": record.pk,
        "read": record.row.to_json(record.table),
        "fields": fields,
        "rejects": record.rejects.iter().map(|reject| json!({
            "reason": reject.reason, "column": reject.column, "detail": reject.detail,
        })).collect::<Vec<_>>(),
    })
}

fn shown(outcome: &Outcome) -> serde_json::Value {
    match outcome {
        Outcome::Payment(mapped) => {
            let payment = &mapped.payment;
            json!({
                "into": "MAPPED",
                "paymentId": legacy::payment_id(payment),
                "merchantId": payment.merchant_id,
                "orderId": payment.order_id,
                "total": payment.total,
                "vat": payment.vat,
                "createdAt": payment.created_at,
                "approvals": payment.approvals.iter().map(|approval| json!({
                    "method": approval.method, "issuer": approval.issuer_id, "amount": approval.amount,
                    "approvalNo": approval.approval_no, "approvedAt": approval.approved_at,
                    "businessDate": approval.business_date, "bin": approval.card_bin, "last4": approval.card_last4,
                })).collect::<Vec<_>>(),
                "cancellations": payment.cancellations.iter().map(|cancel| json!({
                    "key": cancel.key, "amount": cancel.amount, "reason": cancel.reason,
                    "canceledAt": cancel.canceled_at, "businessDate": cancel.business_date,
                })).collect::<Vec<_>>(),
            })
        }
        Outcome::Excluded { reason, .. } => json!({ "into": "EXCLUDED", "reason": reason }),
        Outcome::Quarantined(rows) => json!({
            "into": "QUARANTINED",
            "rows": rows.iter().map(|row| json!({
                "table": row.table, "pk": row.pk, "reason": row.reason, "column": row.column, "detail": row.detail,
            })).collect::<Vec<_>>(),
        }),
    }
}
