//! Pages and nested sessions: attached and set up, crashed, closed; dialogs and downloads.

use std::sync::Arc;

use chromiumoxide_cdp::cdp::browser_protocol::target::{
    DetachFromTargetParams, FilterEntry, SessionId, SetAutoAttachParams, TargetFilter,
};
use chromiumoxide_cdp::cdp::browser_protocol::{emulation, log, network, page};
use chromiumoxide_cdp::cdp::js_protocol::runtime;
use ops_contracts::seam::adapter::{DialogKind, Event as SeamEvent, NetworkPolicy, TargetKey};
use ops_contracts::seam::calls::Loss;
use serde::Serialize;

use super::state::{Documents, FirstPage, PROFILE, Page, Requests, Session, SessionKind};
use super::{TELL, Taken, Turn, WORLD, apply};
use crate::connection::{Event, Reply, Route};
use crate::context::metrics_override;
use crate::wire;

/// The largest body of a request that comes with its event, in bytes.
const MAX_POST_DATA: i64 = 64 << 10;

/// `Page.addScriptToEvaluateOnNewDocument`, with a script that is too large to be copied for every page.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct NewDocumentScript<'a> {
    source: &'a str,
    world_name: &'a str,
    run_immediately: bool,
}

/// Attaches to targets of these types alone, from their very start, each in a session of its own.
fn auto_attach(types: &[&str]) -> SetAutoAttachParams {
    let entry = |name: &&str| FilterEntry {
        exclude: None,
        r#type: Some((*name).to_owned()),
    };
    let filter = TargetFilter::new(types.iter().map(entry).collect::<Vec<_>>());
    SetAutoAttachParams {
        flatten: Some(true),
        filter: Some(filter),
        ..SetAutoAttachParams::new(true, true)
    }
}

/// Of the browser: pages, whoever makes them.
pub(crate) fn attach_pages() -> SetAutoAttachParams {
    auto_attach(&["page"])
}

impl Turn<'_> {
    pub(super) fn attached(&mut self, event: Event<'_>) -> Taken {
        let attached: wire::AttachedToTarget<'_> = event.decode()?;
        let session: Arc<str> = attached.session_id.into();
        let parent = event
            .session
            .and_then(|id| self.state.sessions.get_key_value(id));
        let parent = parent.map(|(id, entry)| (Arc::clone(id), entry.page));
        match (attached.target_info.r#type, parent) {
            ("page", None) => self.page_attached(&session, &attached.target_info),
            ("iframe", Some((parent, page))) => {
                self.child_attached(session, parent, page, SessionKind::Frame)
            }
            ("worker", Some((parent, page))) => {
                self.child_attached(session, parent, page, SessionKind::Worker)
            }
            _ => self.let_go(&session),
        }
        Ok(())
    }

    /// Not ours: lets it run and forgets it.
    fn let_go(&mut self, session: &Arc<str>) {
        let route = Route::session(session);
        let mut batch = self.connection.batch();
        batch
            .exec(&runtime::RunIfWaitingForDebuggerParams {}, route)
            .forget();
        let detach = DetachFromTargetParams {
            session_id: Some(SessionId::new(&**session)),
        };
        batch.exec(&detach, Route::BROWSER).forget();
        batch.send();
    }

    fn page_attached(&mut self, session: &Arc<str>, info: &wire::TargetInfo<'_>) {
        let own = info
            .browser_context_id
            .and_then(|id| self.state.contexts.get_key_value(id));
        let context = own.or_else(|| self.state.contexts.get_key_value(PROFILE));
        let Some(context) = context.map(|(id, _)| Arc::clone(id)) else {
            return self.let_go(session);
        };
        let opener = info
            .opener_id
            .and_then(|id| self.state.targets.get(id))
            .copied();
        let target = TargetKey(self.state.next_key());
        // Popups share the window of the page that opened them; what we open has one of its own.
        let window = opener
            .and_then(|opener| self.state.pages.get(&opener))
            .map_or(target, |page| page.window);
        // A page's target has the id of its main frame.
        let frame = self
            .state
            .insert_frame(info.target_id, target, None, Arc::clone(session));
        let page = Page {
            context: Arc::clone(&context),
            target_id: info.target_id.into(),
            session: Arc::clone(session),
            main_frame: frame,
            window,
            crashed: false,
            empty: false,
            documents: Documents::default(),
            requests: Requests::default(),
            drag: None,
            dialog: None,
            setup: Vec::new(),
        };
        self.state.pages.insert(target, page);
        self.state.targets.insert(info.target_id.into(), target);
        self.state.fronts.insert(window, target);
        let entry = Session {
            page: target,
            kind: SessionKind::Page,
            parent: None,
        };
        self.state.sessions.insert(Arc::clone(session), entry);
        let setup = self.set_up(session, &context, SessionKind::Page);
        let first = self
            .state
            .contexts
            .get_mut(&context)
            .and_then(|context| context.first.take());
        if let Some(first) = first {
            let _ = first.send(FirstPage {
                target,
                frame,
                setup,
            });
        } else {
            if let Some(page) = self
                .state
                .pages
                .get_mut(&target)
                .filter(|_| opener.is_none())
            {
                page.setup = setup;
            }
            let url = info.url.clone();
            self.tell(
                target,
                SeamEvent::TargetOpened {
                    target,
                    frame,
                    opener,
                    url,
                },
            );
        }
        self.telling.changed();
    }

    fn child_attached(
        &mut self,
        session: Arc<str>,
        parent: Arc<str>,
        page: TargetKey,
        kind: SessionKind,
    ) {
        let Some(context) = self
            .state
            .pages
            .get(&page)
            .map(|page| Arc::clone(&page.context))
        else {
            return self.let_go(&session);
        };
        let entry = Session {
            page,
            kind,
            parent: Some(parent),
        };
        self.state.sessions.insert(Arc::clone(&session), entry);
        self.set_up(&session, &context, kind);
    }

    /// Everything that a new session needs, in one write; the last call lets it run.
    fn set_up(&mut self, session: &Arc<str>, context: &str, kind: SessionKind) -> Vec<Reply> {
        let Some(context) = self.state.contexts.get(context) else {
            return Vec::new();
        };
        let route = Route::session(session);
        let mut batch = self.connection.batch();
        let mut replies = Vec::new();
        if kind != SessionKind::Worker {
            let script = NewDocumentScript {
                source: &context.bridge.start,
                world_name: WORLD,
                run_immediately: true,
            };
            replies.push(batch.exec(&page::EnableParams::default(), route));
            replies.push(batch.exec(&page::SetLifecycleEventsEnabledParams::new(true), route));
            let tell = runtime::AddBindingParams {
                execution_context_name: Some(WORLD.to_owned()),
                ..runtime::AddBindingParams::new(TELL)
            };
            replies.push(batch.exec(&tell, route));
            replies.push(batch.call("Page.addScriptToEvaluateOnNewDocument", &script, route));
            replies.push(batch.exec(&log::EnableParams {}, route));
        }
        replies.push(batch.exec(&runtime::EnableParams {}, route));
        let bodies = network::EnableParams {
            max_post_data_size: Some(MAX_POST_DATA),
            ..Default::default()
        };
        replies.push(batch.exec(&bodies, route));
        if context.network != NetworkPolicy::default() {
            replies.extend(apply(&mut batch, route, &context.network, kind));
        }
        // Frames in other processes, and dedicated workers.
        replies.push(batch.exec(&auto_attach(&["iframe", "worker"]), route));
        if kind != SessionKind::Worker {
            // A chooser of the system would wait for somebody who is not there.
            batch
                .call(
                    "Page.setInterceptFileChooserDialog",
                    &serde_json::json!({ "enabled": true }),
                    route,
                )
                .forget();
        }
        if kind == SessionKind::Page {
            replies.push(batch.exec(&emulation::SetFocusEmulationEnabledParams::new(true), route));
            if context.emulated.viewport().is_none() {
                replies.push(batch.exec(&metrics_override(context.viewport), route));
            }
        }
        if kind != SessionKind::Worker {
            for (method, params) in context.emulated.all_calls(kind) {
                batch.call(method, &params, route).forget();
            }
        }
        replies.push(batch.exec(&runtime::RunIfWaitingForDebuggerParams {}, route));
        batch.send();
        replies
    }

    pub(super) fn detached(&mut self, event: Event<'_>) -> Taken {
        let detached: wire::DetachedFromTarget<'_> = event.decode()?;
        let Some(entry) = self.state.sessions.get(detached.session_id) else {
            return Ok(());
        };
        let (page, kind) = (entry.page, entry.kind);
        self.telling.changed();
        if kind == SessionKind::Page {
            self.page_closed(page);
        } else {
            // The frame moved to another process or went away: its parent's session tells which.
            self.end_session(detached.session_id, Loss::Navigated);
        }
        Ok(())
    }

    fn end_session(&mut self, session: &str, loss: Loss) {
        self.connection.fail_session(session, loss);
        self.state.sessions.remove(session);
        self.forget_worlds(session, loss);
        let nested: Vec<Arc<str>> = self
            .state
            .sessions
            .iter()
            .filter(|(_, entry)| entry.parent.as_deref() == Some(session))
            .map(|(id, _)| Arc::clone(id))
            .collect();
        for child in nested {
            self.end_session(&child, loss);
        }
    }

    fn page_closed(&mut self, target: TargetKey) {
        self.tell(target, SeamEvent::TargetClosed { target });
        let Some(page) = self.state.pages.get(&target) else {
            return;
        };
        let session = Arc::clone(&page.session);
        self.end_session(&session, Loss::TargetClosed);
        let Some(page) = self.state.pages.remove(&target) else {
            return;
        };
        self.state.targets.remove(&*page.target_id);
        self.state.paused.retain(|_, paused| paused.page != target);
        self.state.choosers.forget_page(target);
        if self.state.fronts.get(&page.window) == Some(&target) {
            self.state.fronts.remove(&page.window);
        }
        let frames = &mut self.state.frames;
        let gone = frames.extract_if(|_, frame| frame.page == target);
        for (key, frame) in gone {
            self.connection
                .fail_scope(frame.scope(), Loss::TargetClosed);
            if self.state.frame_ids.get(&frame.id) == Some(&key) {
                self.state.frame_ids.remove(&frame.id);
            }
        }
    }

    pub(super) fn crashed(
        &mut self,
        target: TargetKey,
        session: &Arc<str>,
        kind: SessionKind,
    ) -> Taken {
        self.connection.fail_session(session, Loss::TargetCrashed);
        self.forget_worlds(session, Loss::TargetCrashed);
        self.telling.changed();
        if kind == SessionKind::Frame {
            for frame in self
                .state
                .frames
                .values_mut()
                .filter(|frame| frame.session == *session)
            {
                frame.crashed = true;
            }
        }
        if kind == SessionKind::Page
            && let Some(page) = self.state.pages.get_mut(&target)
        {
            page.crashed = true;
            page.dialog = None;
            self.tell(target, SeamEvent::TargetCrashed { target });
        }
        Ok(())
    }

    pub(super) fn revived(&mut self, target: TargetKey, kind: SessionKind) -> Taken {
        if kind == SessionKind::Page
            && let Some(page) = self.state.pages.get_mut(&target)
        {
            page.crashed = false;
            self.telling.changed();
        }
        Ok(())
    }

    pub(super) fn dialog_opening(
        &mut self,
        target: TargetKey,
        session: &Arc<str>,
        event: Event<'_>,
    ) -> Taken {
        let opening: wire::DialogOpening<'_> = event.decode()?;
        let kind = match opening.r#type {
            "confirm" => DialogKind::Confirm,
            "prompt" => DialogKind::Prompt,
            "beforeunload" => DialogKind::Beforeunload,
            _ => DialogKind::Alert,
        };
        if let Some(page) = self.state.pages.get_mut(&target) {
            page.dialog = Some(Arc::clone(session));
        }
        let default_text = opening
            .default_prompt
            .filter(|_| kind == DialogKind::Prompt);
        let message = opening.message;
        self.tell(
            target,
            SeamEvent::DialogOpened {
                target,
                kind,
                message,
                default_text,
            },
        );
        Ok(())
    }

    pub(super) fn dialog_closed(&mut self, target: TargetKey, event: Event<'_>) -> Taken {
        let closed: wire::DialogClosed = event.decode()?;
        if let Some(page) = self.state.pages.get_mut(&target) {
            page.dialog = None;
        }
        let accepted = closed.result;
        self.tell(target, SeamEvent::DialogClosed { target, accepted });
        Ok(())
    }
}
