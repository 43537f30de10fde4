//! conformance

/// The bundled test site: a shop, feature pages and endpoints that misbehave, with a record of every request.
pub mod site;
