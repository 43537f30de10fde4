//! What tests of the control plane share: the conformance suites of the contract and of the adapter interface, the scripted fake adapter and the bundled test site.
//!
//! It depends on the contract alone: who runs the suite composes what is to be tested.

/// The bundled test site: a shop, feature pages and endpoints that misbehave, with a record of every request.
pub mod site;

pub mod fake;
pub mod fuzz;
pub mod seam;
pub mod suite;
