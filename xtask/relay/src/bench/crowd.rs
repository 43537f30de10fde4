//! Sessions and raw pages, as many of each, open at the same time.

use anyhow::Result;

use super::commands::ours_goto;
use super::ours::Session;
use super::raw::RawPage;
use super::{Bench, page};

/// What is open beside the bench's own session and page.
#[derive(Debug, Default)]
pub(super) struct Crowd {
    pub(super) sessions: Vec<Session>,
    pub(super) pages: Vec<RawPage>,
}

impl Crowd {
    /// Opens pairs until there are so many, each with the form in it.
    pub(super) fn grow(&mut self, bench: &mut Bench, to: usize) -> Result<()> {
        let url = bench.site.url(page::PATH);
        while self.sessions.len() < to {
            let session = bench.ours.create()?;
            ours_goto(&bench.ours, &session, &url)?;
            self.sessions.push(session);
            let page = bench.raw.open()?;
            bench.raw.goto(&page, &url)?;
            self.pages.push(page);
        }
        Ok(())
    }

    /// Closes all of them.
    pub(super) fn close(self, bench: &mut Bench) -> Result<()> {
        self.sessions
            .iter()
            .try_for_each(|session| bench.ours.close(session))?;
        self.pages.iter().try_for_each(|page| bench.raw.close(page))
    }
}
