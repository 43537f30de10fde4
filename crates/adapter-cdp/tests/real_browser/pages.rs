//! The context of the browser's own profile.

use std::sync::Arc;

use conformance::seam::{Page, trial};
use libtest_mimic::Trial;
use ops_contracts::seam::adapter::{AdapterError, ContextSpec, ContextStorage, Effect, Primitive};

use super::support::{context_spec, open};

pub(crate) fn trials() -> Vec<Trial> {
    vec![trial("the_profiles_own_context_keeps_to_itself", profile)]
}

async fn profile() {
    let first = open().await;
    let spec = ContextSpec {
        storage: ContextStorage::Profile,
        ..context_spec()
    };
    let browser = || Arc::clone(&first.browser);
    let own = Page::open(browser(), spec.clone()).await.unwrap();
    assert!(matches!(
        Page::open(browser(), spec.clone()).await.err().unwrap(),
        AdapterError::AttachFailed { .. }
    ));
    assert_eq!(own.eval("1 + 1").await.unwrap(), "2");
    let Effect::Target { .. } = own
        .perform(Primitive::CreateTarget { url: None })
        .await
        .unwrap()
    else {
        panic!()
    };
    own.context.close().await;
    assert_eq!(
        own.eval_in(own.frame, "1").await.unwrap_err(),
        AdapterError::TargetClosed
    );
    let again = Page::open(browser(), spec).await.unwrap();
    assert_eq!(again.eval("1 + 1").await.unwrap(), "2");
    first.browser.close().await;
}
