//! Navigations of the fake: by URL and in the history, with redirects, downloads and failures as scripted.

use ops_contracts::seam::adapter::{
    AdapterResult, DocumentKey, Effect, Event, FrameKey, LifecyclePhase, NavigationFailure,
    NavigationFailureKind, RequestKey, ResourceKind, TargetKey,
};

use super::Inner;
use crate::fake::document::Document;
use crate::fake::script::{Answer, Page};

impl Inner {
    pub(super) async fn navigate(&self, target: TargetKey, url: &str) -> AdapterResult<Effect> {
        let (frame, here) = self.with_tab(target, |tab| (tab.frame, tab.document.url.clone()))?;
        let without = |url: &str| url.split('#').next().unwrap_or_default().to_owned();
        if url.contains('#') && without(url) == without(&here) {
            self.with_tab(target, |tab| {
                url.clone_into(&mut tab.document.url);
                tab.push(url);
            })?;
            self.events.emit(Event::UrlChanged {
                target,
                frame,
                url: url.to_owned(),
            });
            return Ok(Effect::Navigation {
                document: None,
                failure: None,
            });
        }
        self.go(target, url, true).await
    }

    pub(super) async fn traverse(&self, target: TargetKey, delta: i32) -> AdapterResult<Effect> {
        let url = self.with_tab(target, |tab| {
            let at = i64::try_from(tab.at).unwrap_or(0) + i64::from(delta);
            let url = usize::try_from(at)
                .ok()
                .and_then(|at| tab.history.get(at).cloned())?;
            tab.at = usize::try_from(at).unwrap_or(0);
            Some(url)
        })?;
        match url {
            Some(url) => self
                .go(target, &url, false)
                .await
                .map(|_| Effect::Moved(true)),
            None => Ok(Effect::Moved(false)),
        }
    }

    /// Loads a URL, following redirects, and emits what happens on the way.
    pub(super) async fn go(
        &self,
        target: TargetKey,
        url: &str,
        remember: bool,
    ) -> AdapterResult<Effect> {
        let frame = self.with_tab(target, |tab| tab.frame)?;
        self.events.emit(Event::NavigationStarted {
            target,
            frame,
            url: url.to_owned(),
        });
        let (request, document) = (RequestKey(self.stage.key()), DocumentKey(self.stage.key()));
        let (mut url, mut redirected_from) = (url.to_owned(), None);
        for _ in 0..20 {
            let page = self.page(&url);
            self.events.emit(Event::Request {
                target,
                frame: Some(frame),
                request,
                document: Some(document),
                url: url.clone(),
                method: "GET".to_owned(),
                kind: ResourceKind::Document,
                redirected_from: redirected_from.take(),
            });
            match page.answer.clone() {
                Answer::Redirect(to) => {
                    redirected_from = Some((302, url.clone()));
                    url = beside(&url, to);
                }
                Answer::Document(status) => {
                    self.commit(
                        target,
                        frame,
                        (document, request, status),
                        &url,
                        &page,
                        remember,
                    )?;
                    return Ok(Effect::Navigation {
                        document: Some(document),
                        failure: None,
                    });
                }
                Answer::Never => {
                    self.unless_lost(Some(target), None, true, std::future::pending::<()>())
                        .await?;
                }
                Answer::Crashes => {
                    self.crash(target);
                    return Ok(self.failed(
                        target,
                        frame,
                        NavigationFailureKind::Aborted,
                        "ABORTED",
                    ));
                }
                Answer::Download(name) => {
                    self.events.emit(Event::DownloadStarted {
                        target,
                        url,
                        suggested_name: name.to_owned(),
                    });
                    return Ok(self.failed(
                        target,
                        frame,
                        NavigationFailureKind::Aborted,
                        "ABORTED",
                    ));
                }
                Answer::Fails(kind, reason) => return Ok(self.failed(target, frame, kind, reason)),
            }
        }
        Ok(self.failed(
            target,
            frame,
            NavigationFailureKind::Other,
            "TOO_MANY_REDIRECTS",
        ))
    }

    pub(super) fn page(&self, url: &str) -> Page {
        if url == "about:blank" {
            return Page::new("").answer(Answer::Document(0));
        }
        if !url.contains(':') {
            return Page::new("")
                .answer(Answer::Fails(NavigationFailureKind::Other, "INVALID_URL"));
        }
        let missing = || Page::new("404 Not Found").answer(Answer::Document(404));
        self.stage.script.find(url).cloned().unwrap_or_else(missing)
    }

    fn failed(
        &self,
        target: TargetKey,
        frame: FrameKey,
        kind: NavigationFailureKind,
        reason: &str,
    ) -> Effect {
        let failure = NavigationFailure {
            kind,
            reason: reason.to_owned(),
        };
        self.events.emit(Event::NavigationFailed {
            target,
            frame,
            failure: failure.clone(),
        });
        Effect::Navigation {
            document: None,
            failure: Some(failure),
        }
    }

    pub(super) fn commit(
        &self,
        target: TargetKey,
        frame: FrameKey,
        (document, request, status): (DocumentKey, RequestKey, u16),
        url: &str,
        page: &Page,
        remember: bool,
    ) -> AdapterResult<()> {
        self.with_tab(target, |tab| {
            tab.document = Document::new(document, url, page);
            tab.crashed = false;
            if remember {
                tab.push(url);
            }
        })?;
        self.touch();
        let mime_type = "text/html".to_owned();
        self.events.emit(Event::Response {
            target,
            request,
            status,
            url: url.to_owned(),
            mime_type,
        });
        self.events.emit(Event::NavigationCommitted {
            target,
            frame,
            document,
            url: url.to_owned(),
        });
        self.events.emit(Event::RequestFinished { target, request });
        self.act(target, page.on_load.clone());
        for phase in [LifecyclePhase::DomContentLoaded, LifecyclePhase::Load] {
            if page.loads.is_some_and(|furthest| phase <= furthest) {
                self.events.emit(Event::Lifecycle {
                    target,
                    frame,
                    document,
                    phase,
                });
            }
        }
        Ok(())
    }
}

/// A path on the server that `here` came from.
pub(super) fn beside(here: &str, path: &str) -> String {
    let origin = here
        .split_once("://")
        .map(|(scheme, rest)| format!("{scheme}://{}", rest.split('/').next().unwrap_or_default()));
    format!("{}{path}", origin.unwrap_or_default())
}
