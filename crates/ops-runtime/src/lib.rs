//! ops-runtime
