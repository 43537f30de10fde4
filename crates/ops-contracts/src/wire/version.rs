//! Version constants of the contract and of the documents that travel with it. No parsing and no comparison: that is `routing`.

/// Version of the `/ops` contract that this build speaks (SemVer).
pub const OPS_CONTRACT_VERSION: &str = "1.1.0";

/// Oldest contract version that this build still accepts from a client (SemVer).
pub const OPS_MIN_COMPAT_VERSION: &str = "1.0.0";

/// Version of the status document (`major.minor`; additive within a major).
pub const STATUS_SCHEMA_VERSION: &str = "1.2";

/// Version of the configuration schema (an integer that grows with every migration).
pub const CONFIG_SCHEMA_VERSION: u32 = 1;

/// How versions are to be read.
pub const VERSION_SCHEME: &str = "semver";

/// The release train (`major.minor`) that is `N` of the lease timeline of `/cdp`.
pub const CDP_LEASE_TRAIN: &str = "0.2";

/// Version of the binaries of this workspace (SemVer), fixed at build time.
pub const BINARY_VERSION: &str = env!("CARGO_PKG_VERSION");
