//! The journal's lines: a header that names the format, then one record a line, each with a checksum in front.
//!
//! `{"crc":"0a1b2c3d","receivedAt":"…","provenance":"process","event":{…}}`: the envelope as it was accepted, or
//! `{"crc":"…","receivedAt":"…","closed":"<sessionId>","inherited":false}` when a session's end was noticed. The checksum is CRC-32
//! of everything behind it: a flipped bit inside a string is still JSON.

use ops_contracts::control::health::{HealthEnvelope, HealthProvenance};
use ops_contracts::wire::clock::Timestamp;
use ops_contracts::wire::ids::SessionId;
use serde::{Deserialize, Serialize};

/// The format that this version writes.
pub(crate) const VERSION: u32 = 1;

/// Its name in the header.
const FORMAT: &str = "ops-health-journal";

/// The longest line that is a record.
pub(crate) const MAX_LINE: usize = 16 * 1024;

/// `{"crc":"` and eight digits and `"`: behind it the record's own object goes on after a comma.
const HEAD: usize = 17;

/// First line of a segment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Header {
    format: String,
    pub(crate) version: u32,
    created_at: Timestamp,
    /// Whether snapshots have been thinned out.
    #[serde(default)]
    pub(crate) compacted: bool,
}

impl Header {
    pub(crate) fn new(created_at: Timestamp, compacted: bool) -> Self {
        Self {
            format: FORMAT.to_owned(),
            version: VERSION,
            created_at,
            compacted,
        }
    }

    pub(crate) fn parse(line: &[u8]) -> Option<Self> {
        serde_json::from_slice(line)
            .ok()
            .filter(|header: &Self| header.format == FORMAT)
    }

    pub(crate) fn line(&self) -> Vec<u8> {
        let mut line = serde_json::to_vec(self).expect("a header consists of texts and numbers");
        line.push(b'\n');
        line
    }
}

/// One record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Record {
    /// When it was taken, by the relay's clock.
    pub(crate) received_at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) provenance: Option<HealthProvenance>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) event: Option<HealthEnvelope>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) closed: Option<SessionId>,
    /// Whether the session's end was noticed by a later relay.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) inherited: bool,
}

impl Record {
    pub(crate) const fn event(
        received_at: Timestamp,
        provenance: HealthProvenance,
        event: HealthEnvelope,
    ) -> Self {
        Self {
            received_at,
            provenance: Some(provenance),
            event: Some(event),
            closed: None,
            inherited: false,
        }
    }

    pub(crate) const fn closed(
        received_at: Timestamp,
        session: SessionId,
        inherited: bool,
    ) -> Self {
        Self {
            received_at,
            provenance: None,
            event: None,
            closed: Some(session),
            inherited,
        }
    }

    /// Appends the record's line.
    pub(crate) fn write(&self, buffer: &mut Vec<u8>) {
        let start = buffer.len();
        buffer.extend_from_slice(b"{\"crc\":\"00000000\"");
        serde_json::to_writer(&mut *buffer, self).expect("a record consists of texts and numbers");
        buffer[start + HEAD] = b',';
        let sum = format!("{:08x}", crc32fast::hash(&buffer[start + HEAD..]));
        buffer[start + 8..start + 16].copy_from_slice(sum.as_bytes());
        buffer.push(b'\n');
    }

    /// Parses a line without its end.
    pub(crate) fn parse(line: &[u8]) -> Result<Self, &'static str> {
        if line.len() > MAX_LINE {
            return Err("the line is too long");
        }
        let framed = line.len() > HEAD
            && line.starts_with(b"{\"crc\":\"")
            && line[HEAD - 1] == b'"'
            && line[HEAD] == b',';
        let sum = if framed {
            std::str::from_utf8(&line[8..16])
                .ok()
                .and_then(|sum| u32::from_str_radix(sum, 16).ok())
        } else {
            None
        };
        let sum = sum.ok_or("the line is no record")?;
        if sum != crc32fast::hash(&line[HEAD..]) {
            return Err("the checksum does not match");
        }
        // Checked as a whole: string by string it takes longer.
        let text = std::str::from_utf8(line).map_err(|_| "the record is no text")?;
        let record: Self =
            serde_json::from_str(text).map_err(|_| "the record is not of this format")?;
        let told = record.event.is_some() && record.provenance.is_some();
        if told == record.closed.is_some() {
            Err("the record tells nothing")
        } else {
            Ok(record)
        }
    }
}
