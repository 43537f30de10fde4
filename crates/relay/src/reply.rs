//! The JSON texts that go out: responses composed without parsing their result, errors, and chunks of what is too large for one frame.

use ops_contracts::Fault;
use ops_contracts::wire::frame::{CHUNK_THRESHOLD, OpsError, Timing};
use ops_contracts::wire::ids::{RequestId, SessionId};
use serde_json::value::RawValue;

/// The text of an `ops_response` around a result. The result is copied once; ids need no escaping by their own rules.
pub(crate) fn response(
    request: &RequestId,
    session: Option<&SessionId>,
    result: &RawValue,
    timing: &Timing,
) -> String {
    let timing = serde_json::to_string(timing).expect("a timing consists of numbers");
    let mut text = String::with_capacity(result.get().len() + timing.len() + 256);
    text.push_str(r#"{"type":"ops_response","requestId":""#);
    text.push_str(request.as_str());
    if let Some(session) = session {
        text.push_str(r#"","sessionId":""#);
        text.push_str(session.as_str());
    }
    text.push_str(r#"","result":"#);
    text.push_str(result.get());
    text.push_str(r#","timing":"#);
    text.push_str(&timing);
    text.push('}');
    text
}

/// The text of an `ops_error`.
pub(crate) fn error(
    request: RequestId,
    session: Option<SessionId>,
    fault: Fault,
    timing: Option<Timing>,
) -> String {
    let error = fault.into_body(request.clone(), session.clone());
    OpsError {
        request_id: request,
        session_id: session,
        error,
        timing,
    }
    .encode()
}

/// A text cut into chunk frames, each of at most [`CHUNK_THRESHOLD`] bytes as sent.
pub(crate) struct Chunks<'a> {
    request: &'a RequestId,
    text: &'a str,
    ends: Vec<usize>,
}

impl<'a> Chunks<'a> {
    /// Cuts the text of a frame about `request`.
    pub(crate) fn new(request: &'a RequestId, text: &'a str) -> Self {
        // Both counters at their longest.
        let envelope = chunk(request, u32::MAX, u32::MAX, r#""""#).len();
        Self {
            request,
            text,
            ends: cut(text, CHUNK_THRESHOLD - envelope),
        }
    }

    /// The frames in order.
    pub(crate) fn frames(&self) -> impl Iterator<Item = String> + '_ {
        let count = u32::try_from(self.ends.len()).unwrap_or(u32::MAX);
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        starts
            .zip(&self.ends)
            .zip(0..count)
            .map(move |((start, &end), index)| {
                let data = serde_json::to_string(&self.text[start..end]).expect("a text is JSON");
                chunk(self.request, index, count, &data)
            })
    }
}

fn chunk(request: &RequestId, index: u32, count: u32, data: &str) -> String {
    format!(
        r#"{{"type":"ops_chunk","requestId":"{request}","index":{index},"count":{count},"data":{data}}}"#
    )
}

/// The ends of slices of `text`, each at most `budget` bytes once it is escaped as a JSON string, cut at character boundaries.
fn cut(text: &str, budget: usize) -> Vec<usize> {
    let bytes = text.as_bytes();
    let mut ends = Vec::with_capacity(bytes.len() / budget + 1);
    let mut at = 0;
    while at < bytes.len() {
        let start = at;
        let mut spent = 0;
        while at < bytes.len() {
            spent += escaped_len(bytes[at]);
            if spent > budget {
                break;
            }
            at += 1;
        }
        while at < bytes.len() && at > start && !text.is_char_boundary(at) {
            at -= 1;
        }
        // A budget below one character can't be kept; going on beats standing still.
        if at == start {
            at = text[start..]
                .chars()
                .next()
                .map_or(bytes.len(), |first| start + first.len_utf8());
        }
        ends.push(at);
    }
    ends
}

const fn escaped_len(byte: u8) -> usize {
    match byte {
        b'"' | b'\\' | 0x08 | 0x09 | 0x0a | 0x0c | 0x0d => 2,
        0x00..=0x1f => 6,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use ops_contracts::ErrorCode;
    use ops_contracts::wire::frame::{OpsResponse, RelayFrame};

    use super::*;

    fn id(text: &str) -> RequestId {
        text.parse().unwrap()
    }

    #[test]
    fn a_composed_response_is_what_the_contract_would_encode() {
        let result =
            RawValue::from_string(r#"{"a":[1, 2],"b":"\ud83d\ude00 \"x\""}"#.to_owned()).unwrap();
        let timing = Timing {
            queue_ms: 0.25,
            runtime_ms: 1.5,
            adapter_ms: 1.0,
            round_trips: 2,
            total_ms: 2.0,
        };
        for session in [None, Some("ab".repeat(16).parse::<SessionId>().unwrap())] {
            let composed = response(&id("r-1"), session.as_ref(), &result, &timing);
            let frame = OpsResponse {
                request_id: id("r-1"),
                session_id: session,
                result: result.clone(),
                timing,
            };
            assert_eq!(composed, frame.encode());
        }
    }

    #[test]
    fn an_error_carries_its_request() {
        let text = error(
            id("r-2"),
            None,
            Fault::plain(ErrorCode::RelayRateLimited),
            None,
        );
        let Ok(Some(RelayFrame::Error(frame))) = RelayFrame::parse(&text) else {
            panic!("{text}")
        };
        assert_eq!(
            (frame.request_id, frame.error.request_id),
            (id("r-2"), id("r-2"))
        );
    }

    #[track_caller]
    fn check_chunks(text: &str) {
        let request = id(&"r".repeat(128));
        let chunks = Chunks::new(&request, text);
        let mut joined = String::new();
        for (number, frame) in chunks.frames().enumerate() {
            assert!(frame.len() <= CHUNK_THRESHOLD, "{}", frame.len());
            let Ok(Some(RelayFrame::Chunk(chunk))) = RelayFrame::parse(&frame) else {
                panic!("no chunk")
            };
            assert_eq!(
                (chunk.index as usize, chunk.count as usize),
                (number, chunks.ends.len())
            );
            joined.push_str(&chunk.data);
        }
        assert!(joined == text);
    }

    #[test]
    fn chunks_are_within_the_threshold_as_sent_and_join_to_the_text() {
        check_chunks(&"a".repeat(3 * CHUNK_THRESHOLD));
        check_chunks(&"\"".repeat(2 * CHUNK_THRESHOLD));
        check_chunks(&"\u{1}\n\\".repeat(CHUNK_THRESHOLD / 3));
        check_chunks(&"😀é\"漢".repeat(CHUNK_THRESHOLD / 8));
        for shift in 0..4 {
            check_chunks(&format!(
                "{}{}",
                "x".repeat(shift),
                "😀".repeat(CHUNK_THRESHOLD / 2)
            ));
        }
        check_chunks("");
    }
}
