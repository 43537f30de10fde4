//! A relay's answer: the text as it came, and what it says. Parsing is lenient, so that a newer relay is still understood.

use std::borrow::Cow;
use std::ops::Range;

use ops_contracts::ErrorCode;
use ops_contracts::wire::fault::Details;
use ops_contracts::wire::frame::{FrameType, Timing};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use crate::ClientError;

/// An error as the relay sent it, also where its code is unknown to this version.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Refusal {
    /// The code's text.
    pub code: String,
    /// One sentence for people.
    #[serde(default)]
    pub message: String,
    /// Whether the same request may succeed later.
    #[serde(default)]
    pub retryable: bool,
    /// Milliseconds after which a retry makes sense.
    #[serde(default)]
    pub retry_after_ms: Option<u64>,
    /// Facts for programs.
    #[serde(default)]
    pub details: Option<Details>,
}

impl Refusal {
    /// The code, where this version knows it.
    #[must_use]
    pub fn known(&self) -> Option<ErrorCode> {
        self.code.parse().ok()
    }
}

/// An `ops_response` or `ops_error`.
#[derive(Debug, Clone)]
pub struct Reply {
    text: String,
    content: Content,
}

#[derive(Debug, Clone)]
enum Content {
    Result { at: Range<usize>, timing: Timing },
    Refused(Box<Refusal>),
}

#[derive(Deserialize)]
struct Parts<'a> {
    #[serde(rename = "type", borrow)]
    kind: Cow<'a, str>,
    #[serde(default, borrow)]
    result: Option<&'a RawValue>,
    #[serde(default)]
    error: Option<Refusal>,
    #[serde(default)]
    timing: Option<Timing>,
}

impl Reply {
    /// Reads a frame.
    ///
    /// # Errors
    /// [`ClientError::ReplyInvalid`] where the text is no `ops_response` and no `ops_error`.
    pub fn parse(text: String) -> Result<Self, ClientError> {
        let invalid = |why: &str| {
            ClientError::ReplyInvalid(format!(
                "the answer is no frame of the contract: {why}: {}",
                head(&text)
            ))
        };
        let parts: Parts<'_> =
            serde_json::from_str(&text).map_err(|error| invalid(&error.to_string()))?;
        let content = if parts.kind == FrameType::Response.as_str() {
            let result = parts.result.map_or("null", RawValue::get);
            let start = (result.as_ptr() as usize)
                .checked_sub(text.as_ptr() as usize)
                .filter(|_| parts.result.is_some());
            let start = start.ok_or_else(|| invalid("result is missing"))?;
            Content::Result {
                at: start..start + result.len(),
                timing: parts.timing.unwrap_or_default(),
            }
        } else if parts.kind == FrameType::Error.as_str() {
            Content::Refused(Box::new(
                parts.error.ok_or_else(|| invalid("error is missing"))?,
            ))
        } else {
            return Err(invalid("its type is unknown"));
        };
        Ok(Self { text, content })
    }

    /// The frame as it came.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The frame on one line: between the tokens of JSON a line break means no more than a blank.
    #[must_use]
    pub fn line(&self) -> Cow<'_, str> {
        let text = self.text.trim();
        if text.contains(['\n', '\r']) {
            Cow::Owned(text.replace(['\n', '\r'], " "))
        } else {
            Cow::Borrowed(text)
        }
    }

    /// The result's JSON.
    ///
    /// # Errors
    /// The refusal.
    pub fn result(&self) -> Result<&str, &Refusal> {
        match &self.content {
            Content::Result { at, .. } => Ok(&self.text[at.clone()]),
            Content::Refused(refusal) => Err(refusal),
        }
    }

    /// Where the time went; zeros in a refusal.
    #[must_use]
    pub fn timing(&self) -> Timing {
        match &self.content {
            Content::Result { timing, .. } => *timing,
            Content::Refused(_) => Timing::default(),
        }
    }

    /// The code of a refusal, where this version knows it.
    #[must_use]
    pub fn code(&self) -> Option<ErrorCode> {
        self.result().err().and_then(Refusal::known)
    }

    /// The result as a type.
    ///
    /// # Errors
    /// The refusal, or [`ClientError::ReplyInvalid`] naming the field that doesn't fit.
    pub fn typed<T: DeserializeOwned>(&self) -> Result<(T, Timing), ClientError> {
        let result = self
            .result()
            .map_err(|refusal| ClientError::from(refusal.clone()))?;
        let parsed = ops_contracts::wire::command::parse_json(result)
            .map_err(|invalid| ClientError::ReplyInvalid(invalid.to_string()))?;
        Ok((parsed, self.timing()))
    }
}

/// The beginning of a text that was not understood, for an error message.
pub(crate) fn head(text: &str) -> String {
    text.chars()
        .take(120)
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reply_keeps_its_text_and_shows_its_result() {
        let text = "{\"type\":\"ops_response\",\"requestId\":\"r1\",\"result\":{\"value\": [1, 2]},\"later\":1,\"timing\":{\"queueMs\":1,\"runtimeMs\":2.5,\"adapterMs\":0,\"roundTrips\":1,\"totalMs\":3}}\n";
        let reply = Reply::parse(text.to_owned()).unwrap();
        assert_eq!(reply.text(), text);
        assert_eq!(reply.line(), text.trim());
        assert_eq!(reply.result().unwrap(), "{\"value\": [1, 2]}");
        assert!((reply.timing().total_ms - 3.0).abs() < f64::EPSILON);
    }

    #[test]
    fn an_unknown_code_is_still_an_answer() {
        let text = r#"{"type":"ops_error","requestId":"r1","error":{"code":"ops_of_tomorrow","message":"new","errorSource":"ops","retryable":true}}"#;
        let reply = Reply::parse(text.to_owned()).unwrap();
        assert_eq!(reply.code(), None);
        let error = reply.typed::<serde_json::Value>().unwrap_err();
        assert!(
            matches!(&error, ClientError::Foreign(refusal) if refusal.retryable && refusal.message == "new"),
            "{error:?}"
        );
        assert_eq!(error.code(), None);
    }

    #[test]
    fn what_is_no_answer_is_refused() {
        for bad in [
            "",
            "null",
            "<html>",
            "{}",
            r#"{"type":"ops_response"}"#,
            r#"{"type":"ops_error"}"#,
            r#"{"type":"ops_event","requestId":"r"}"#,
        ] {
            assert!(
                matches!(
                    Reply::parse(bad.to_owned()),
                    Err(ClientError::ReplyInvalid(_))
                ),
                "{bad}"
            );
        }
    }
}
