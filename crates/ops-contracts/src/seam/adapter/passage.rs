//! The way past an adapter: where a browser that one adapter drives can be reached over another's protocol as well, the other
//! adapter does what the first one lacks, on the same pages.
//!
//! It never leaves the browser that the session has, and knows nothing of `/cdp`.

use serde_json::value::RawValue;

use super::{AdapterResult, BoxFuture, TargetKey};

/// A protocol call: method and parameters, as the protocol has them.
pub type RawCall = (&'static str, Box<RawValue>);

/// The way to the pages of one context over the protocol of another adapter. Pages have the keys that the first adapter gave
/// them.
pub trait Passage: Send + Sync {
    /// The pages that are open.
    fn pages(&self) -> Vec<TargetKey>;

    /// Makes one call on a page; its result, as the protocol has it.
    ///
    /// # Errors
    /// As of any primitive; `Protocol` where the browser refuses.
    fn call(&self, target: TargetKey, call: RawCall)
    -> BoxFuture<'_, AdapterResult<Box<RawValue>>>;

    /// Makes these calls on every page that opens from now on, in place of those that were held before.
    fn hold(&self, calls: Vec<RawCall>);
}
