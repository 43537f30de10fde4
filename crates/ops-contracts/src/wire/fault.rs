//! An error on its way: a code, a message for people, and facts for programs. What travels is `ErrorBody`.
//!
//! A fault does not know the request that met it; the edge adds the ids.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::wire::error::{ErrorCode, ErrorSource};
use crate::wire::ids::{RequestId, SessionId};

/// An error inside the control plane: what the layer that refuses hands on, unchanged, to the edge.
///
/// Shown, it says what to do next; its `Debug` form, which `main` prints of an error, adds the details.
#[derive(Clone, PartialEq)]
pub struct Fault {
    /// The stable code.
    pub code: ErrorCode,
    /// One sentence in lower case for people; never branched on.
    pub message: String,
    /// Milliseconds after which a retry makes sense.
    pub retry_after_ms: Option<u64>,
    /// Facts for programs.
    pub details: Details,
}

/// The result of anything that can be refused with a code.
pub type Outcome<T> = Result<T, Fault>;

/// Facts beside a code: a JSON object whose keys depend on the code.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Details(Map<String, Value>);

impl Details {
    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The raw passthrough value under `key`.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.0.get(key)
    }

    /// Adds a fact; one that can't be written as JSON is left out.
    pub fn insert(&mut self, key: &str, value: impl Serialize) {
        if let Ok(value) = serde_json::to_value(value) {
            self.0.insert(key.to_owned(), value);
        }
    }
}

impl Fault {
    /// A fault with a message.
    #[must_use]
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            retry_after_ms: None,
            details: Details::default(),
        }
    }

    /// A fault whose message is the registry's meaning.
    #[must_use]
    pub fn plain(code: ErrorCode) -> Self {
        let mut message = code.row().meaning.to_owned();
        if let Some(first) = message.get_mut(..1) {
            first.make_ascii_lowercase();
        }
        Self::new(code, message)
    }

    /// Adds a fact for programs.
    #[must_use]
    pub fn with(mut self, key: &str, value: impl Serialize) -> Self {
        self.details.insert(key, value);
        self
    }

    /// Says when a retry makes sense.
    #[must_use]
    pub fn retry_after(mut self, millis: u64) -> Self {
        self.retry_after_ms = Some(millis);
        self
    }

    /// The body that travels, bound to the request that met the fault.
    #[must_use]
    pub fn into_body(self, request_id: RequestId, session_id: Option<SessionId>) -> ErrorBody {
        ErrorBody {
            code: self.code,
            message: self.message,
            retryable: self.code.retryable(),
            retry_after_ms: self.retry_after_ms,
            error_source: self.code.source(),
            request_id,
            session_id,
            details: (!self.details.is_empty()).then_some(self.details),
        }
    }
}

impl From<ErrorCode> for Fault {
    fn from(code: ErrorCode) -> Self {
        Self::plain(code)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hint = self.code.row().remedy;
        write!(f, "{}: {}. {hint}", self.code, self.message)?;
        match self.retry_after_ms {
            Some(millis) => write!(f, " (retry after {millis} ms)"),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")?;
        if self.details.is_empty() {
            return Ok(());
        }
        let details = serde_json::to_string(&self.details).map_err(|_| fmt::Error)?;
        write!(f, "\ndetails: {details}")
    }
}

impl std::error::Error for Fault {}

/// An error as it travels.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ErrorBody {
    /// The stable code.
    pub code: ErrorCode,
    /// One sentence for people.
    pub message: String,
    /// Whether the same request may succeed later.
    pub retryable: bool,
    /// Milliseconds after which a retry makes sense.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u64>,
    /// The layer that refused.
    pub error_source: ErrorSource,
    /// The request that met the error.
    pub request_id: RequestId,
    /// The session that it was bound to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_id: Option<SessionId>,
    /// Facts for programs, by code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub details: Option<Details>,
}

impl From<ErrorBody> for Fault {
    fn from(body: ErrorBody) -> Self {
        Self {
            code: body.code,
            message: body.message,
            retry_after_ms: body.retry_after_ms,
            details: body.details.unwrap_or_default(),
        }
    }
}
