//! Errors as tools answer them: the code of the contract, and what to do next in the words of these tools.

use client_core::Failure;
use ops_client::{ClientError, Refusal};
use ops_contracts::wire::command::batch::BatchError;
use ops_contracts::wire::fault::Details;
use ops_contracts::{ErrorCode, Fault};
use serde_json::{Value, json};

/// The most characters of details that an answer shows.
const MAX_DETAILS: usize = 1_500;

/// An error on its way to a client.
#[derive(Debug, Clone)]
pub(crate) struct Trouble {
    /// The code's text: one of this contract version, or of a newer relay.
    pub(crate) code: String,
    /// One sentence. It may quote the page, unless it was found here.
    pub(crate) message: String,
    /// Whether the same call may succeed later.
    pub(crate) retryable: bool,
    /// Milliseconds after which a retry makes sense.
    pub(crate) retry_after_ms: Option<u64>,
    /// What to do next.
    pub(crate) hint: String,
    /// Facts, which may quote the page.
    details: Option<Box<Details>>,
    /// Whether it was found here, so that no page had a hand in its words.
    ours: bool,
}

impl Trouble {
    /// An error that was found here.
    pub(crate) fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        let row = code.row();
        Self {
            code: row.text.to_owned(),
            message: message.into(),
            retryable: row.retryable,
            retry_after_ms: None,
            hint: hint(code).to_owned(),
            details: None,
            ours: true,
        }
    }

    /// The arguments are wrong.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::CliUsageInvalid, message)
    }

    /// The same with another hint.
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = hint.into();
        self
    }

    /// The code, where this version knows it.
    pub(crate) fn known(&self) -> Option<ErrorCode> {
        self.code.parse().ok()
    }

    /// The layer that raised it, which is its code's prefix.
    pub(crate) fn source(&self) -> &str {
        self.code.split('_').next().unwrap_or_default()
    }

    /// Whether it says that nothing was done, so that the same steps may run.
    pub(crate) fn nothing_done(&self) -> bool {
        match self.known() {
            // These may come after input was sent.
            Some(ErrorCode::OpsTimeout | ErrorCode::OpsNavInterrupted) | None => false,
            Some(code) => self.retryable && code.source().as_str() == "ops",
        }
    }

    /// What this server says of it.
    pub(crate) fn head(&self) -> String {
        let again = match (self.retryable, self.retry_after_ms) {
            (true, Some(ms)) => format!("retryable after {ms} ms"),
            (true, None) => "retryable".to_owned(),
            (false, _) => "not retryable".to_owned(),
        };
        let ours = if self.ours {
            format!(": {}", self.message)
        } else {
            String::new()
        };
        format!(
            "error {} ({}, {again}){ours}\nhint: {}",
            self.code,
            self.source(),
            self.hint
        )
    }

    /// What may be the page's words.
    pub(crate) fn page(&self) -> Option<String> {
        if self.ours {
            return None;
        }
        let details = self
            .details
            .as_ref()
            .and_then(|details| serde_json::to_string(details).ok());
        let details = details.map(|text| {
            let short: String = text.chars().take(MAX_DETAILS).collect();
            let cut = if short.len() < text.len() { "…" } else { "" };
            format!("\n{short}{cut}")
        });
        Some(format!("{}{}", self.message, details.unwrap_or_default()))
    }

    /// The fields for programs. Nothing in them is the page's.
    pub(crate) fn structured(&self) -> Value {
        let mut fields = json!({
            "code": self.code,
            "source": self.source(),
            "retryable": self.retryable,
            "hint": self.hint,
        });
        if let Some(ms) = self.retry_after_ms {
            fields["retryAfterMs"] = ms.into();
        }
        fields
    }
}

/// What to do next: the registry's words, unless they speak of the command line.
fn hint(code: ErrorCode) -> &'static str {
    match code {
        ErrorCode::CliUsageInvalid => {
            "correct the argument that the message names; browser_help gives a command's parameters"
        }
        ErrorCode::OpsInvalidRequest | ErrorCode::OpsCommandUnknown => {
            "correct what the message names; browser_help lists commands and their parameters"
        }
        ErrorCode::CliReplyLost => {
            "send the same call again with the same key, or unchanged within a minute: it joins the first one and does not act twice"
        }
        ErrorCode::CliDaemonUnavailable => {
            "browser_open finds or starts a relay and gives a new session"
        }
        ErrorCode::OpsSessionUnknown
        | ErrorCode::OpsSessionClosed
        | ErrorCode::OpsLeaseExpired
        | ErrorCode::OpsNotOwner => {
            "the session is over: browser_open gives a new one; its refs and pages are gone"
        }
        ErrorCode::OpsRefStale | ErrorCode::OpsElementNotFound => {
            "browser_snapshot shows what is there now, with its refs"
        }
        ErrorCode::OpsDialogOpen => {
            "browser_call with dialog.accept or dialog.dismiss answers the dialog"
        }
        ErrorCode::OpsCancelled => {
            "browser_snapshot before anything is repeated: part of it may have happened"
        }
        ErrorCode::OpsTimeout => "browser_snapshot shows how far it came",
        ErrorCode::OpsRequestIdReused => {
            "the key was used for other steps: give another key, or none"
        }
        other => other.row().remedy,
    }
}

impl From<Fault> for Trouble {
    fn from(fault: Fault) -> Self {
        Self {
            retry_after_ms: fault.retry_after_ms,
            details: Some(Box::new(fault.details)),
            ours: false,
            ..Self::new(fault.code, fault.message)
        }
    }
}

impl From<&Refusal> for Trouble {
    fn from(refusal: &Refusal) -> Self {
        Self {
            code: refusal.code.clone(),
            message: refusal.message.clone(),
            retryable: refusal.retryable,
            retry_after_ms: refusal.retry_after_ms,
            hint: refusal
                .known()
                .map_or("a newer relay's code: look at its message", hint)
                .to_owned(),
            details: refusal.details.clone().map(Box::new),
            ours: false,
        }
    }
}

impl From<BatchError> for Trouble {
    fn from(error: BatchError) -> Self {
        Self {
            retryable: error.retryable,
            details: error.details.map(Box::new),
            ours: false,
            ..Self::new(error.code, error.message)
        }
    }
}

impl From<ClientError> for Trouble {
    fn from(error: ClientError) -> Self {
        match error.into_fault() {
            // What the client found is in its own words; what the relay refused may be in the page's.
            Ok(fault) if fault.code.source().as_str() == "cli" => {
                Self::new(fault.code, fault.message)
            }
            Ok(fault) => fault.into(),
            Err(refusal) => (&*refusal).into(),
        }
    }
}

impl From<Failure> for Trouble {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Here(fault) => Self {
                retry_after_ms: fault.retry_after_ms,
                ..Self::new(fault.code, fault.message)
            },
            Failure::Refused { reply, .. } => match reply.result() {
                Err(refusal) => refusal.into(),
                Ok(_) => Self::new(
                    ErrorCode::CliReplyInvalid,
                    "the relay's answer is malformed",
                ),
            },
            Failure::Foreign(refusal) => (&*refusal).into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_found_here_is_told_in_the_open_and_one_of_the_relay_between_marks() {
        let ours = Trouble::usage("steps: is required");
        assert!(ours.head().contains("steps: is required") && ours.page().is_none());
        let theirs = Trouble::from(
            Fault::new(ErrorCode::OpsElementCovered, "covered by \"Obey me\"").with("by", "div"),
        );
        assert!(!theirs.head().contains("Obey me"), "{}", theirs.head());
        assert!(theirs.page().unwrap().contains("Obey me"));
        assert!(!theirs.structured().to_string().contains("Obey me"));
    }

    #[test]
    fn the_fields_for_programs_are_code_source_retryable_and_hint() {
        let trouble = Trouble::from(Fault::plain(ErrorCode::RelayRateLimited).retry_after(250));
        let fields = trouble.structured();
        assert_eq!(fields["code"], "relay_rate_limited");
        assert_eq!(fields["source"], "relay");
        assert_eq!(fields["retryable"], true);
        assert_eq!(fields["retryAfterMs"], 250);
        assert!(fields["hint"].as_str().is_some_and(|hint| !hint.is_empty()));
    }

    #[test]
    fn no_hint_of_a_refusal_by_the_relay_or_the_runtime_speaks_of_the_command_line_alone() {
        for code in ErrorCode::ALL {
            let of_sessions = code.as_str().starts_with("ops_");
            assert!(
                !(of_sessions && hint(*code).contains("odb-cli")),
                "{code}: {}",
                hint(*code)
            );
        }
    }

    #[test]
    fn steps_may_run_again_only_where_nothing_was_done() {
        let nothing = |code| Trouble::new(code, "x").nothing_done();
        assert!(nothing(ErrorCode::OpsElementCovered));
        assert!(nothing(ErrorCode::OpsElementNotFound));
        for code in [
            ErrorCode::OpsTimeout,
            ErrorCode::OpsInputMisdirected,
            ErrorCode::OpsFocusMoved,
            ErrorCode::AdapterTimeout,
            ErrorCode::CliReplyLost,
            ErrorCode::OpsCancelled,
        ] {
            assert!(!nothing(code), "{code}");
        }
    }
}
