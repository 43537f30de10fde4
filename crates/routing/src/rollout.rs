//! The rollout's arithmetic: an identity's bucket, and the short hash by which status names an identity without showing it.
//!
//! Both can be recomputed with `sha256sum`: for the bucket over `ops-rollout-v1:` and the identity, of which the first eight
//! hex digits are a number of which the remainder by 100 is taken; for the hash over the identity alone.

use ops_contracts::wire::routing::{
    DecisionReason, RolloutAllowlist, RolloutIdentity, RolloutPercent, Route,
};
use sha2::{Digest, Sha256};

/// What stands before the identity in the bucket's input. Another rollout would have another one.
const PREFIX: &str = "ops-rollout-v1:";

/// The identity's bucket, 0 to 99.
#[must_use]
pub fn bucket(identity: &RolloutIdentity) -> u8 {
    let digest = Sha256::new()
        .chain_update(PREFIX)
        .chain_update(identity.as_str())
        .finalize();
    let number = digest
        .iter()
        .take(4)
        .fold(0_u32, |number, &byte| number << 8 | u32::from(byte));
    u8::try_from(number % 100).expect("a remainder by 100 fits")
}

/// The first twelve hex digits of the identity's SHA-256.
#[must_use]
pub fn identity_hash(identity: &RolloutIdentity) -> String {
    Sha256::digest(identity.as_str())
        .iter()
        .take(6)
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// Where `auto` sends an identity, and why.
#[must_use]
pub fn select(
    identity: &RolloutIdentity,
    percent: RolloutPercent,
    allowlist: &RolloutAllowlist,
) -> (Route, DecisionReason) {
    if allowlist.contains(identity) {
        return (Route::LegacyCdp, DecisionReason::Allowlist);
    }
    let route = if bucket(identity) < percent.get() {
        Route::Ops
    } else {
        Route::LegacyCdp
    };
    (route, DecisionReason::Percent)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::strategies;

    #[track_caller]
    fn check(identity: &str, expected_bucket: u8, expected_hash: &str) {
        let identity: RolloutIdentity = identity.parse().unwrap();
        assert_eq!(bucket(&identity), expected_bucket, "{identity}");
        assert_eq!(identity_hash(&identity), expected_hash, "{identity}");
    }

    #[test]
    fn buckets_and_hashes_are_those_of_the_fixed_vectors() {
        check("cli:alice-01", 78, "bc1d6fda532b");
        check("pairing:team.a", 98, "1cf92b1a5e1e");
        check(
            "extension:abcdefghijklmnopabcdefghijklmnop",
            24,
            "686f9831e0de",
        );
        check("lease:0123456789abcdef", 58, "10f0f8453237");
    }

    #[test]
    fn upper_case_does_not_move_an_identity() {
        check("CLI:Alice-01", 78, "bc1d6fda532b");
    }

    proptest! {
        #[test]
        fn a_selection_is_the_same_every_time_and_the_bucket_is_below_a_hundred(identity in strategies::identity(), percent in strategies::percent()) {
            let list = RolloutAllowlist::default();
            prop_assert!(bucket(&identity) < 100);
            prop_assert_eq!(select(&identity, percent, &list), select(&identity.clone(), percent, &list));
        }

        #[test]
        fn raising_the_percentage_moves_nobody_to_the_legacy_lane(identity in strategies::identity(), one in strategies::percent(), other in strategies::percent()) {
            let list = RolloutAllowlist::default();
            let (low, high) = (one.min(other), one.max(other));
            if select(&identity, low, &list).0 == Route::Ops {
                prop_assert_eq!(select(&identity, high, &list).0, Route::Ops);
            }
        }

        #[test]
        fn nought_and_a_hundred_percent_are_nobody_and_everybody(identity in strategies::identity()) {
            let list = RolloutAllowlist::default();
            prop_assert_eq!(select(&identity, RolloutPercent::try_from(0).unwrap(), &list).0, Route::LegacyCdp);
            prop_assert_eq!(select(&identity, RolloutPercent::ALL, &list).0, Route::Ops);
        }
    }
}
