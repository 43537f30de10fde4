//! What happens in a session without having been asked for.

use std::sync::Arc;

use ops_contracts::seam::port::SessionEvents;
use ops_contracts::wire::command::targets::TargetInfo;
use ops_contracts::wire::frame::EventName;
use ops_contracts::wire::ids::{SessionId, TargetId};
use ops_contracts::wire::receipt::DialogInfo;
use serde::Deserialize;
use serde_json::value::RawValue;

/// An event of a session.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Event {
    /// A page opened: a popup, or a page that the program has asked for.
    PageOpened(TargetInfo),
    /// A page closed.
    PageClosed(TargetId),
    /// The renderer of a page crashed; a navigation or reload revives it.
    PageCrashed(TargetId),
    /// A dialog opened. The page stands still until it is answered.
    DialogOpened(DialogInfo),
    /// A dialog was answered.
    DialogClosed {
        /// The page that it blocked.
        page: TargetId,
        /// Whether it was accepted.
        accepted: bool,
    },
    /// The session lost its browser; the next command but one starts a new one.
    SessionLost {
        /// Why.
        reason: String,
    },
    /// The session is closed.
    SessionClosed {
        /// The code of what closed it.
        reason: String,
    },
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Of {
    target_id: TargetId,
    #[serde(default)]
    accepted: bool,
}

#[derive(Deserialize)]
struct Because {
    reason: String,
}

impl Event {
    /// The page that the event is about; none where it is about the session.
    #[must_use]
    pub const fn page(&self) -> Option<&TargetId> {
        match self {
            Self::PageOpened(info) => Some(&info.target_id),
            Self::PageClosed(page) | Self::PageCrashed(page) => Some(page),
            Self::DialogOpened(dialog) => Some(&dialog.target_id),
            Self::DialogClosed { page, .. } => Some(page),
            Self::SessionLost { .. } | Self::SessionClosed { .. } => None,
        }
    }

    fn parse(name: EventName, data: &RawValue) -> serde_json::Result<Self> {
        let data = data.get();
        Ok(match name {
            EventName::TargetOpened => Self::PageOpened(serde_json::from_str(data)?),
            EventName::TargetClosed => {
                Self::PageClosed(serde_json::from_str::<Of>(data)?.target_id)
            }
            EventName::TargetCrashed => {
                Self::PageCrashed(serde_json::from_str::<Of>(data)?.target_id)
            }
            EventName::DialogOpened => Self::DialogOpened(serde_json::from_str(data)?),
            EventName::DialogClosed => {
                let Of {
                    target_id,
                    accepted,
                } = serde_json::from_str(data)?;
                Self::DialogClosed {
                    page: target_id,
                    accepted,
                }
            }
            EventName::SessionLost => {
                let Because { reason } = serde_json::from_str(data)?;
                Self::SessionLost { reason }
            }
            EventName::SessionClosed => {
                let Because { reason } = serde_json::from_str(data)?;
                Self::SessionClosed { reason }
            }
        })
    }
}

/// Hands a session's events to a function of the program's.
pub(super) struct Listener<F>(pub(super) F);

impl<F: Fn(Event) + Send + Sync> SessionEvents for Listener<F> {
    fn event(&self, _: &SessionId, _: u64, name: EventName, data: Arc<RawValue>) -> bool {
        match Event::parse(name, &data) {
            Ok(event) => (self.0)(event),
            Err(error) => tracing::error!(%error, ?name, "an event is not of its type"),
        }
        true
    }
}
