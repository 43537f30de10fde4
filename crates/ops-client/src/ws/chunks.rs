//! Puts a response together from its chunks, within bounds.

use ops_contracts::wire::frame::{OpsChunk, RESPONSE_CAP};

/// The most chunks that one response may have: with a useful size of a chunk, far more than the cap needs.
const MAX_CHUNKS: u32 = 65_536;

/// A response that is partly there.
#[derive(Debug, Default)]
pub(super) struct Assembly {
    text: String,
    next: u32,
    count: Option<u32>,
}

impl Assembly {
    /// Adds a chunk; the frame's text when it was the last one.
    ///
    /// # Errors
    /// What is wrong with the chunk. The response is lost then.
    pub(super) fn add(&mut self, chunk: &OpsChunk) -> Result<Option<String>, String> {
        let count = *self.count.get_or_insert(chunk.count);
        if count == 0 || count > MAX_CHUNKS || chunk.count != count {
            return Err(format!(
                "a response of {count} chunks has one that counts {}",
                chunk.count
            ));
        }
        if chunk.index != self.next || chunk.index >= count {
            return Err(format!(
                "chunk {} of {count} came where {} was due",
                chunk.index, self.next
            ));
        }
        if self.text.len() + chunk.data.len() > RESPONSE_CAP {
            return Err(format!("the response is larger than {RESPONSE_CAP} bytes"));
        }
        self.text.push_str(&chunk.data);
        self.next += 1;
        Ok((self.next == count).then(|| std::mem::take(&mut self.text)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chunk(index: u32, count: u32, data: &str) -> OpsChunk {
        OpsChunk {
            request_id: "r".parse().unwrap(),
            index,
            count,
            data: data.to_owned(),
        }
    }

    #[test]
    fn chunks_in_order_make_the_text() {
        let mut assembly = Assembly::default();
        assert_eq!(assembly.add(&chunk(0, 3, "a")), Ok(None));
        assert_eq!(assembly.add(&chunk(1, 3, "ä")), Ok(None));
        assert_eq!(assembly.add(&chunk(2, 3, "c")), Ok(Some("aäc".to_owned())));
    }

    #[test]
    fn chunks_out_of_bounds_are_refused() {
        assert!(Assembly::default().add(&chunk(0, 0, "")).is_err());
        assert!(Assembly::default().add(&chunk(1, 2, "")).is_err());
        assert!(Assembly::default().add(&chunk(0, u32::MAX, "")).is_err());
        let mut changed = Assembly::default();
        assert_eq!(changed.add(&chunk(0, 2, "a")), Ok(None));
        assert!(changed.add(&chunk(1, 3, "b")).is_err());
        let mut large = Assembly::default();
        let mebibyte = "x".repeat(1 << 20);
        let refused = (0..100).position(|index| large.add(&chunk(index, 100, &mebibyte)).is_err());
        assert_eq!(refused, Some(64));
    }
}
