//! What a tool answers: this server's own words, what the page wrote, and what else there is.

use rmcp::model::{CallToolResult, ContentBlock};

use crate::fence::Fence;
use crate::trouble::Trouble;

/// An answer before it is fenced.
#[derive(Debug, Default)]
pub(crate) struct Answer {
    head: Vec<String>,
    page: Vec<String>,
    /// Pictures and links, after the text.
    pub(crate) beside: Vec<ContentBlock>,
    trouble: Option<Trouble>,
}

impl Answer {
    /// An answer that begins with a line of this server.
    pub(crate) fn new(head: impl Into<String>) -> Self {
        Self::default().say(head)
    }

    /// Adds words of this server.
    pub(crate) fn say(mut self, text: impl Into<String>) -> Self {
        self.head.push(text.into());
        self
    }

    /// Adds what the page wrote.
    pub(crate) fn quote(mut self, text: impl Into<String>) -> Self {
        self.page.push(text.into());
        self
    }

    /// Adds another answer behind this one.
    pub(crate) fn and(mut self, other: Self) -> Self {
        self.head.extend(other.head);
        self.page.extend(other.page);
        self.beside.extend(other.beside);
        self.trouble = self.trouble.or(other.trouble);
        self
    }

    /// Makes it an error.
    pub(crate) fn fail(mut self, trouble: Trouble) -> Self {
        self.head.push(trouble.head());
        self.page.extend(trouble.page());
        self.trouble = Some(trouble);
        self
    }

    /// As the protocol has it.
    pub(crate) fn fenced(self, fence: &Fence) -> CallToolResult {
        let mut text = self.head.join("\n");
        if !self.page.is_empty() {
            if !text.is_empty() {
                text.push('\n');
            }
            text.push_str(&fence.mark(&self.page.join("\n")));
        }
        let mut content = vec![ContentBlock::text(text)];
        content.extend(self.beside);
        match self.trouble {
            None => CallToolResult::success(content),
            Some(trouble) => {
                let mut result = CallToolResult::error(content);
                result.structured_content = Some(trouble.structured());
                result
            }
        }
    }
}

impl From<Trouble> for Answer {
    fn from(trouble: Trouble) -> Self {
        Self::default().fail(trouble)
    }
}

#[cfg(test)]
mod tests {
    use ops_contracts::{ErrorCode, Fault};

    use super::*;

    #[test]
    fn the_page_s_words_stand_in_one_pair_of_marks_after_our_own() {
        let answer = Answer::new("1 step done")
            .quote("clicked \"Buy\"")
            .quote("- heading");
        let result = answer.fenced(&Fence::new(1 << 127));
        let text = &result.content[0].as_text().unwrap().text;
        assert!(
            text.starts_with("1 step done\n<page 8000000000>\nclicked \"Buy\"\n- heading\n</page"),
            "{text}"
        );
        assert_eq!(result.is_error, Some(false));
    }

    #[test]
    fn an_error_is_marked_as_one_and_has_its_fields() {
        let trouble = Trouble::from(Fault::plain(ErrorCode::OpsRefStale));
        let result = Answer::from(trouble).fenced(&Fence::new(0));
        assert_eq!(result.is_error, Some(true));
        assert_eq!(result.structured_content.unwrap()["code"], "ops_ref_stale");
    }
}
