//! The contract versions that `/ops` admits, and the trains around a version.
//!
//! Versions are strict SemVer; build metadata never decides.

use ops_contracts::wire::version::{OPS_CONTRACT_VERSION, OPS_MIN_COMPAT_VERSION};
use ops_contracts::{ErrorCode, Fault, Outcome};
use semver::Version;

/// The trains that may speak to each other, as `major.minor`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Windows {
    /// The relay's own train.
    pub n: Option<String>,
    /// The train before it in the same major; `None` when the minor is 0.
    pub n_minus1: Option<String>,
}

/// The trains around the relay's version; both `None` where it is no SemVer.
#[must_use]
pub fn windows(relay_version: &str) -> Windows {
    match Version::parse(relay_version) {
        Ok(version) => Windows {
            n: Some(train(version.major, version.minor)),
            n_minus1: version
                .minor
                .checked_sub(1)
                .map(|minor| train(version.major, minor)),
        },
        Err(_) => Windows {
            n: None,
            n_minus1: None,
        },
    }
}

/// Whether this build speaks the contract version `contract`.
///
/// # Errors
/// `relay_ops_version_invalid`, `relay_prerelease_unsupported` or `relay_ops_version_unsupported`; details say what is supported.
pub fn admit_contract(contract: &str) -> Outcome<()> {
    let asked = stable(contract, "contractVersion")?;
    let oldest = ours(OPS_MIN_COMPAT_VERSION);
    let newest = ours(OPS_CONTRACT_VERSION);
    let supported = asked.cmp_precedence(&oldest).is_ge()
        && asked.major == newest.major
        && asked.minor <= newest.minor;
    if supported {
        return Ok(());
    }
    let message = format!(
        "contract version {asked} is not supported: this relay speaks {oldest} to {}.{}.x",
        newest.major, newest.minor
    );
    Err(Fault::new(ErrorCode::RelayOpsVersionUnsupported, message)
        .with("contractVersion", contract)
        .with("opsContractVersion", OPS_CONTRACT_VERSION)
        .with("opsMinContractVersion", OPS_MIN_COMPAT_VERSION))
}

fn train(major: u64, minor: u64) -> String {
    format!("{major}.{minor}")
}

fn ours(version: &str) -> Version {
    Version::parse(version).expect("the contract's own versions are SemVer")
}

fn stable(text: &str, field: &str) -> Outcome<Version> {
    let version = Version::parse(text).map_err(|error| invalid(field, &error.to_string()))?;
    if version.pre.is_empty() {
        return Ok(version);
    }
    let message = format!("{field} {version} is a prerelease");
    Err(Fault::new(ErrorCode::RelayPrereleaseUnsupported, message).with("field", field))
}

fn invalid(field: &str, why: &str) -> Fault {
    Fault::new(
        ErrorCode::RelayOpsVersionInvalid,
        format!("{field} is not a SemVer version: {why}"),
    )
    .with("field", field)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(outcome: Outcome<()>) -> Option<ErrorCode> {
        outcome.err().map(|fault| fault.code)
    }

    #[track_caller]
    fn check_contract(version: &str, expected: Option<ErrorCode>) {
        assert_eq!(code(admit_contract(version)), expected, "{version}");
    }

    #[test]
    fn contract_versions_from_the_oldest_to_our_own_minor_are_admitted() {
        for version in ["1.0.0", "1.0.9", "1.1.0", "1.1.7", "1.1.0+build.5"] {
            check_contract(version, None);
        }
        for version in ["0.9.9", "0.1.0", "1.2.0", "2.0.0", "99.0.0"] {
            check_contract(version, Some(ErrorCode::RelayOpsVersionUnsupported));
        }
        for version in [
            "", "1", "1.1", "v1.1.0", "1.1.0.0", "01.1.0", "latest", " 1.1.0", "1.1.-1",
        ] {
            check_contract(version, Some(ErrorCode::RelayOpsVersionInvalid));
        }
        check_contract("1.1.0-rc.1", Some(ErrorCode::RelayPrereleaseUnsupported));
    }

    #[track_caller]
    fn check_windows(version: &str, n: Option<&str>, n_minus1: Option<&str>) {
        let expected = Windows {
            n: n.map(str::to_owned),
            n_minus1: n_minus1.map(str::to_owned),
        };
        assert_eq!(windows(version), expected, "{version}");
    }

    #[test]
    fn the_previous_train_is_the_minor_before_and_there_is_none_before_minor_zero() {
        check_windows("0.2.0", Some("0.2"), Some("0.1"));
        check_windows("0.2.9+x", Some("0.2"), Some("0.1"));
        check_windows("1.0.3", Some("1.0"), None);
        check_windows("3.14.1", Some("3.14"), Some("3.13"));
        check_windows("nonsense", None, None);
    }
}
