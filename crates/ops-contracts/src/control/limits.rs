//! The limits profiles as a table. Enforcement is the relay's.

use crate::wire::limits::{LaneLimits, LimitsProfile};

const KIB: u64 = 1024;
const MIB: u64 = 1024 * KIB;

/// Names of the profiles, the default first.
pub const NAMES: &[&str] = &["strict", "local"];

/// The profile of a relay that others may share, and the default.
#[must_use]
pub fn strict() -> LimitsProfile {
    LimitsProfile {
        name: "strict".to_owned(),
        ops: lane(256 * KIB, 60, 10, 30_000),
        cdp: lane(128 * KIB, 30, 5, 20_000),
    }
}

/// The profile of a relay that serves nobody but the user who started it: real clients send single messages of several
/// hundred kilobytes and hundreds of messages in a second.
#[must_use]
pub fn local() -> LimitsProfile {
    LimitsProfile {
        name: "local".to_owned(),
        ops: lane(4 * MIB, 60_000, 4_000, 30_000),
        cdp: lane(4 * MIB, 30_000, 2_000, 20_000),
    }
}

/// The profile called `name`; `None` for a name that is not in [`NAMES`].
#[must_use]
pub fn named(name: &str) -> Option<LimitsProfile> {
    match name {
        "strict" => Some(strict()),
        "local" => Some(local()),
        _ => None,
    }
}

const fn lane(
    max_payload_bytes: u64,
    requests_per_minute: u32,
    burst: u32,
    max_timeout_ms: u64,
) -> LaneLimits {
    LaneLimits {
        max_payload_bytes,
        requests_per_minute,
        burst,
        max_timeout_ms,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_named_profile_keeps_the_legacy_lane_within_ops() {
        for name in NAMES {
            let profile = named(name).unwrap();
            assert_eq!(&profile.name, name);
            assert!(profile.cdp_within_ops(), "{name}");
        }
        assert_eq!(named("lax"), None);
    }

    #[test]
    fn the_profiles_are_what_the_documentation_says() {
        assert_eq!(strict().ops, lane(262_144, 60, 10, 30_000));
        assert_eq!(strict().cdp, lane(131_072, 30, 5, 20_000));
        assert_eq!(local().ops, lane(4_194_304, 60_000, 4_000, 30_000));
        assert_eq!(local().cdp, lane(4_194_304, 30_000, 2_000, 20_000));
    }
}
