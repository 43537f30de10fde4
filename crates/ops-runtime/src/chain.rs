//! The chain of adapters behind a session: what the first one lacks, the next does on the same pages of the same browser.
//!
//! It never leaves the browser, and never turns to `/cdp`: what no link can do is `Unsupported`, and the edge words the refusal.

use std::collections::{BTreeMap, HashSet};
use std::mem::{Discriminant, discriminant};
use std::sync::Arc;

use ops_contracts::seam::adapter::{
    AdapterError, AdapterResult, BoxFuture, Context, Effect, Emulation, Primitive,
};
use ops_contracts::wire::command::session::FallbackUse;
use parking_lot::Mutex;

/// What the second link did in the first one's stead.
#[derive(Debug, Default)]
pub(crate) struct Uses(Mutex<BTreeMap<&'static str, u64>>);

impl Uses {
    fn note(&self, operation: &'static str) {
        *self.0.lock().entry(operation).or_default() += 1;
    }

    /// By operation, for the session's status.
    pub(crate) fn list(&self) -> Vec<FallbackUse> {
        self.0
            .lock()
            .iter()
            .map(|(operation, times)| FallbackUse {
                operation: (*operation).to_owned(),
                times: *times,
            })
            .collect()
    }
}

/// Two contexts on the same pages.
pub(crate) struct Chain {
    first: Arc<dyn Context>,
    next: Arc<dyn Context>,
    /// Settings that the second link has taken over: a later value of one must not meet the first one's.
    taken: Mutex<HashSet<Discriminant<Emulation>>>,
    uses: Arc<Uses>,
}

impl Chain {
    pub(crate) fn new(first: Arc<dyn Context>, next: Arc<dyn Context>, uses: Arc<Uses>) -> Self {
        Self {
            first,
            next,
            taken: Mutex::default(),
            uses,
        }
    }

    async fn dispatch(&self, primitive: Primitive) -> AdapterResult<Effect> {
        let setting = match &primitive {
            Primitive::Emulate { setting } => Some(discriminant(setting)),
            _ => None,
        };
        if setting.is_some_and(|setting| self.taken.lock().contains(&setting)) {
            return self.fall_back(primitive, setting).await;
        }
        match self.first.perform(primitive.clone()).await {
            Err(lacking @ AdapterError::Unsupported { .. }) => {
                match self.fall_back(primitive, setting).await {
                    // The first link's own words name what is lacking.
                    Err(AdapterError::Unsupported { .. }) => Err(lacking),
                    other => other,
                }
            }
            other => other,
        }
    }

    async fn fall_back(
        &self,
        primitive: Primitive,
        setting: Option<Discriminant<Emulation>>,
    ) -> AdapterResult<Effect> {
        let operation = primitive.name();
        let effect = self.next.perform(primitive).await?;
        self.taken.lock().extend(setting);
        self.uses.note(operation);
        tracing::debug!(operation, "done by the next adapter of the chain");
        Ok(effect)
    }
}

impl Context for Chain {
    fn perform(&self, primitive: Primitive) -> BoxFuture<'_, AdapterResult<Effect>> {
        Box::pin(self.dispatch(primitive))
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            self.next.close().await;
            self.first.close().await;
        })
    }
}
