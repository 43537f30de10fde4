//! Permissions of every origin: the protocol sets them one origin at a time, so each origin gets them when a page is on its
//! way there.

use std::sync::Arc;

use super::Turn;
use crate::connection::{Connection, Reply, Route};
use crate::protocol::browsing_context::NavigationInfo;
use crate::protocol::permissions::{Descriptor, SetPermission};

impl Turn<'_> {
    /// Before the document that a navigation leads to asks for anything.
    pub(super) fn permit(&mut self, info: &NavigationInfo<'_>, committed: bool) {
        let Some((key, target)) = self.state.locate(info.context) else {
            return;
        };
        if committed && let Some(frame) = self.state.frames.get_mut(&key) {
            frame.origin = origin(&info.url).map(str::to_owned);
        }
        let Some(page) = self.state.pages.get(&target) else {
            return;
        };
        let id = Arc::clone(&page.context);
        let Some(context) = self.state.contexts.get_mut(&id) else {
            return;
        };
        let Some(origin) = origin(&info.url) else {
            return;
        };
        for (name, state) in &context.everywhere {
            if context.permitted.insert((origin.to_owned(), name)) {
                set_permission(self.connection, &id, origin, name, state).forget();
            }
        }
    }
}

/// Sends the command that sets one permission of one origin.
pub(crate) fn set_permission<'a>(
    connection: &Connection,
    user_context: &'a str,
    origin: &'a str,
    name: &'a str,
    state: &'static str,
) -> Reply<SetPermission<'a>> {
    let set = SetPermission {
        descriptor: Descriptor { name },
        state,
        origin,
        user_context,
    };
    connection.send(&set, Route::BROWSER)
}

/// The origin of a document that has one.
pub(crate) fn origin(url: &str) -> Option<&str> {
    let authority = url
        .strip_prefix("http://")
        .or_else(|| url.strip_prefix("https://"))?;
    let end = authority.find(['/', '?', '#']).unwrap_or(authority.len());
    (end > 0).then(|| &url[..url.len() - authority.len() + end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_without_an_origin_are_passed_over() {
        assert_eq!(
            origin("https://example.org:8443/a?b"),
            Some("https://example.org:8443")
        );
        assert_eq!(origin("http://127.0.0.1"), Some("http://127.0.0.1"));
        for none in ["about:blank", "data:text/html,x", "http://", ""] {
            assert_eq!(origin(none), None, "{none}");
        }
    }
}
