//! The context of the browser's own profile.

use std::sync::Arc;

use libtest_mimic::Trial;
use ops_contracts::seam::adapter::{AdapterError, ContextStorage, Effect, Primitive};

use super::support::{Page, Recorder, context_spec, open, trial};

pub(crate) fn trials() -> Vec<Trial> {
    vec![trial("the_profiles_own_context_keeps_to_itself", profile)]
}

async fn profile() {
    let page = open().await;
    let mut spec = context_spec();
    spec.storage = ContextStorage::Profile;
    let events = Arc::new(Recorder::default());
    let own = page
        .browser
        .open_context(spec.clone(), events.clone())
        .await
        .unwrap();
    assert!(matches!(
        page.browser
            .open_context(spec.clone(), events.clone())
            .await
            .err()
            .unwrap(),
        AdapterError::AttachFailed { .. }
    ));
    let own = Page {
        context: own.context,
        target: own.target,
        frame: own.frame,
        events,
        ..page
    };
    assert_eq!(own.eval("1 + 1").await, "2");
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
    let again = own
        .browser
        .open_context(spec, own.events.clone())
        .await
        .unwrap();
    let again = Page {
        context: again.context,
        target: again.target,
        frame: again.frame,
        ..own
    };
    assert_eq!(again.eval("1 + 1").await, "2");
    again.close().await;
}
