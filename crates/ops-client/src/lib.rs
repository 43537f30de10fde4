//! ops-client
