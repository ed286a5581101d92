//! What server this is: printed when a ledger is opened, with a warning for each setting that costs safety or time.

use std::collections::BTreeMap;

use sqlx::mysql::MySqlPool;

use super::StoreError;

/// Settings that are asked for; a server says nothing of one that it does not know.
const ASKED: &str = "SHOW GLOBAL VARIABLES WHERE Variable_name IN ('version', 'innodb_flush_log_at_trx_commit', 'sync_binlog', \
                     'innodb_log_writer_threads', 'innodb_native_foreign_keys')";

/// What a setting should be, and what it costs when it is not.
const WANTED: &[(&str, &str, &str)] = &[
    (
        "innodb_flush_log_at_trx_commit",
        "1",
        "a commit that was acknowledged may be lost when the machine goes down",
    ),
    ("sync_binlog", "1", "a commit that was acknowledged may be missing on replicas and in the binary log"),
    (
        "innodb_log_writer_threads",
        "ON",
        "all commits wait for a tenth of a second whenever a file of the redo log is full",
    ),
    (
        "innodb_native_foreign_keys",
        "ON",
        "checking references takes a fifth of its time, and more than half of that of a replica set the same way",
    ),
];

/// Says what server it is and what of it an operator should know; no setting is refused.
pub async fn tell(pool: &MySqlPool) -> Result<(), StoreError> {
    let mut connection = pool.acquire().await.map_err(StoreError::Unavailable)?;
    let found: Vec<(String, String)> = sqlx::query_as(ASKED).fetch_all(&mut *connection).await?;
    let found: BTreeMap<_, _> = found.into_iter().collect();
    let version = found.get("version").map_or("unknown", String::as_str);
    tracing::info!(version, "MySQL");
    for remark in remarks(&found) {
        tracing::warn!("{remark}");
    }
    Ok(())
}

fn remarks(found: &BTreeMap<String, String>) -> Vec<String> {
    let version = found.get("version").map_or("unknown", String::as_str);
    let is_tried = version.starts_with("8.4.") || version.starts_with("9.");
    let untried = (!is_tried).then(|| format!("MySQL {version}: this ledger is tried on 8.4 and 9"));
    let costly = WANTED.iter().filter_map(|(name, wanted, cost)| {
        let value = found.get(*name).filter(|value| value != wanted)?;
        Some(format!("{name} is {value}: {cost}; set it to {wanted}"))
    });
    untried.into_iter().chain(costly).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(settings: &[(&str, &str)]) -> Vec<String> {
        remarks(&settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
    }

    #[test]
    fn each_setting_that_costs_something_is_named_with_its_value_and_the_way_out() {
        assert!(WANTED.iter().all(|(name, ..)| ASKED.contains(&format!("'{name}'"))), "asked for by name");
        let mut settings = vec![("version", "9.7.4")];
        settings.extend(WANTED.iter().map(|(name, wanted, _)| (*name, *wanted)));
        assert!(said(&settings).is_empty());
        for place in 1..settings.len() {
            let mut one = settings.clone();
            one[place].1 = "0";
            let [remark] = said(&one).try_into().unwrap();
            let (name, wanted) = settings[place];
            assert!(remark.starts_with(&format!("{name} is 0: ")) && remark.ends_with(wanted), "{remark}");
        }
    }

    #[test]
    fn a_server_that_lacks_a_setting_is_not_blamed_and_an_untried_version_is_named() {
        assert!(said(&[("version", "8.4.6"), ("sync_binlog", "1")]).is_empty());
        assert_eq!(said(&[("version", "10.11.8-MariaDB")]).len(), 1);
        assert_eq!(said(&[("version", "8.0.40")]).len(), 1);
    }
}
