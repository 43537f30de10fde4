//! From an older schema version of the document to ours, in memory. The document on disk stays as it is.

use serde_json::{Map, Value};

/// One step, from `from` to `from + 1`.
#[derive(Debug, Clone, Copy)]
pub struct Migrator {
    /// The version that it starts from.
    pub from: u32,
    /// What it changes, for people.
    pub summary: &'static str,
    /// What a version that is one older makes of a document after the step.
    pub downgrade: &'static str,
    /// Changes the raw document.
    pub apply: fn(&mut Map<String, Value>),
}

/// Every step up to `CONFIG_SCHEMA_VERSION`, in order, without a gap.
pub const MIGRATORS: &[Migrator] = &[];

/// Takes the steps from `version` on.
pub(super) fn migrate(document: &mut Map<String, Value>, version: u32, migrators: &[Migrator]) {
    for migrator in migrators.iter().filter(|migrator| migrator.from >= version) {
        (migrator.apply)(document);
    }
}

#[cfg(test)]
mod tests {
    use crate::wire::version::CONFIG_SCHEMA_VERSION;

    use super::*;

    #[test]
    fn the_steps_lead_from_the_first_version_to_ours_without_a_gap() {
        let from: Vec<u32> = MIGRATORS.iter().map(|migrator| migrator.from).collect();
        assert_eq!(from, (1..CONFIG_SCHEMA_VERSION).collect::<Vec<_>>());
    }

    #[test]
    fn a_document_takes_the_steps_that_it_has_not_taken() {
        fn step(from: u32, apply: fn(&mut Map<String, Value>)) -> Migrator {
            Migrator {
                from,
                summary: "",
                downgrade: "",
                apply,
            }
        }
        let steps = [
            step(1, |document| {
                let old = document.remove("old").unwrap_or_default();
                document.insert("new".to_owned(), old);
            }),
            step(2, |document| {
                document.insert("last".to_owned(), true.into());
            }),
        ];
        let migrated = |version| {
            let mut document = Map::from_iter([("old".to_owned(), Value::from(7))]);
            migrate(&mut document, version, &steps);
            Value::Object(document)
        };
        assert_eq!(migrated(1), serde_json::json!({ "new": 7, "last": true }));
        assert_eq!(migrated(2), serde_json::json!({ "old": 7, "last": true }));
        assert_eq!(migrated(3), serde_json::json!({ "old": 7 }));
    }
}
