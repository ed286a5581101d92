//! The headers of a published event: CloudEvents 1.0 in binary mode, and the idempotency key. All of it follows from the
//! row; the body is sent as it is stored.

use chrono::{DateTime, Utc};
use ledger_core::outbox_reader::{OutboxEvent, OutboxName};

/// What a record in Kafka costs beyond its key, headers and body.
const RECORD_OVERHEAD: usize = 100;

/// The headers of one event, in a fixed order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope {
    /// The Kafka key: the payment id.
    pub key: String,
    /// Names and values.
    pub headers: Vec<(&'static str, String)>,
}

impl Envelope {
    /// The envelope of a row's event, as published by the ledger named `source`.
    pub fn of(event: &OutboxEvent, outbox: OutboxName, source: &str) -> Self {
        let payment = event.payment_id.to_string();
        let position = format!("{}.{}", event.seq, event.ordinal);
        let key = idempotency_key(event);
        let mut headers = Vec::with_capacity(14);
        headers.extend([
            ("ce_specversion", "1.0".to_owned()),
            ("ce_id", key.clone()),
            ("ce_type", event.event_type.clone()),
            ("ce_source", source.to_owned()),
            ("ce_subject", payment.clone()),
            ("ce_time", instant(event.occurred_at)),
            ("ce_dataschema", data_schema(&event.event_type)),
            ("ce_partitionkey", payment.clone()),
            ("ce_sequence", position),
        ]);
        headers.extend(event.previous_position.clone().map(|previous| ("ce_previous", previous)));
        headers.extend([
            ("ce_origin", origin(outbox).to_owned()),
            ("content-type", "application/json".to_owned()),
            ("idempotency-key", key),
        ]);
        headers.extend(event.trace_parent.clone().map(|parent| ("traceparent", parent)));
        Self { key: payment, headers }
    }

    /// The size of the record with this body, rounded up.
    pub fn size_with(&self, body: &[u8]) -> usize {
        let headers: usize = self.headers.iter().map(|(name, value)| name.len() + value.len() + 10).sum();
        RECORD_OVERHEAD + self.key.len() + headers + body.len()
    }
}

/// `{paymentId}:{seq}.{ordinal}:{type}`: the same whoever publishes the event, and whenever.
pub fn idempotency_key(event: &OutboxEvent) -> String {
    format!("{}:{}.{}:{}", event.payment_id, event.seq, event.ordinal, event.event_type)
}

/// `payment.confirmed.v1` is described by `urn:ledger:payment.confirmed:1`.
fn data_schema(event_type: &str) -> String {
    match event_type.rsplit_once(".v") {
        Some((name, version)) if version.bytes().all(|byte| byte.is_ascii_digit()) => {
            format!("urn:ledger:{name}:{version}")
        }
        Some(_) | None => format!("urn:ledger:{event_type}"),
    }
}

const fn origin(outbox: OutboxName) -> &'static str {
    match outbox {
        OutboxName::Main => "live",
        OutboxName::Backfill => "backfill",
    }
}

fn instant(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%dT%H:%M:%S%.6fZ").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event() -> OutboxEvent {
        OutboxEvent {
            payment_id: "0199c2a0-1111-8222-8333-444455556666".parse().unwrap(),
            seq: 3,
            ordinal: 1,
            topic: "payment.ledger.v1".to_owned(),
            event_type: "payment.confirmed.v1".to_owned(),
            previous_position: Some("1.0".to_owned()),
            occurred_at: DateTime::from_timestamp_micros(1_795_500_000_000_250).unwrap(),
            body: b"{}".to_vec(),
            trace_parent: None,
            row_hash: [7; 32],
        }
    }

    fn text(envelope: &Envelope) -> String {
        envelope.headers.iter().fold(String::new(), |text, (name, value)| text + name + ": " + value + "\n")
    }

    #[test]
    fn the_headers_follow_from_the_row() {
        let envelope = Envelope::of(&event(), OutboxName::Main, "/ledger/seoul");
        assert_eq!(envelope.key, "0199c2a0-1111-8222-8333-444455556666");
        assert_eq!(
            text(&envelope),
            "ce_specversion: 1.0\n\
             ce_id: 0199c2a0-1111-8222-8333-444455556666:3.1:payment.confirmed.v1\n\
             ce_type: payment.confirmed.v1\n\
             ce_source: /ledger/seoul\n\
             ce_subject: 0199c2a0-1111-8222-8333-444455556666\n\
             ce_time: 2026-11-24T06:00:00.000250Z\n\
             ce_dataschema: urn:ledger:payment.confirmed:1\n\
             ce_partitionkey: 0199c2a0-1111-8222-8333-444455556666\n\
             ce_sequence: 3.1\n\
             ce_previous: 1.0\n\
             ce_origin: live\n\
             content-type: application/json\n\
             idempotency-key: 0199c2a0-1111-8222-8333-444455556666:3.1:payment.confirmed.v1\n"
        );
    }

    #[test]
    fn what_a_row_does_not_have_is_left_out_and_what_it_has_is_sent() {
        let first = OutboxEvent {
            previous_position: None,
            trace_parent: Some("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".to_owned()),
            ..event()
        };
        let envelope = Envelope::of(&first, OutboxName::Backfill, "/ledger");
        let names: Vec<&str> = envelope.headers.iter().map(|(name, _)| *name).collect();
        assert!(!names.contains(&"ce_previous"));
        assert_eq!(names.last(), Some(&"traceparent"));
        assert!(text(&envelope).contains("ce_origin: backfill\n"));
    }
}
