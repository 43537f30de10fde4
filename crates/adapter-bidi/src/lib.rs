//! WebDriver BiDi behind the adapter seam: finds, launches and supervises Firefox, or chromedriver and through it Chromium,
//! speaks to them over a WebSocket on loopback, and turns the seam's primitives into protocol commands and protocol events
//! into the seam's.
//!
//! Two layers: `protocol` and `connection` are shaped by the specification and know nothing of the seam; `router` and
//! `context` give the seam's meaning to them. It implements no command of the contract and keeps no session.

mod adapter;
mod browser;
mod confine;
mod connection;
mod context;
mod driver;
mod fault;
mod protocol;
mod router;
mod stream;

pub use adapter::{BidiAdapter, LAUNCH_DEADLINE};
pub use driver::{CHROMEDRIVER_LACKS, FIREFOX_LACKS};
