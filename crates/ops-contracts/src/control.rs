//! The operations plane as data and pure rules: configuration, health, status, scorecard, access policy, the legacy lane's
//! frames, telemetry.

pub mod access;
pub mod alert;
pub mod choice;
pub mod config;
pub mod cycle;
pub mod fidelity;
pub mod health;
pub mod incident;
pub mod ledger;
pub mod legacy;
pub mod limits;
pub mod provenance;
pub(crate) mod required;
pub mod schema;
pub mod scorecard;
pub mod status;
pub mod telemetry;
