//! `storage.*`: cookies, web storage, and both together as a state that logs a user in again.
//!
//! Values are the user's secrets: they stand in results alone, never in a log or an error.

use ops_contracts::Outcome;
use ops_contracts::wire::command::storage::{
    ClearedResult, StorageItem, StoredResult, WebStorageParams, WebStorageResult,
    WebStorageSetParams,
};
use ops_contracts::wire::ids::{FrameId, TargetId};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::cx::Cx;

pub(crate) mod cookies;
mod origins;
pub(crate) mod state;

/// The commands of one web storage.
macro_rules! web_storage {
    ($name:ident, $area:ident) => {
        pub(crate) mod $name {
            use super::*;

            pub(crate) async fn get(
                cx: &Cx,
                params: WebStorageParams,
            ) -> Outcome<WebStorageResult> {
                super::get(cx, Area::$area, params).await
            }

            pub(crate) async fn set(cx: &Cx, params: WebStorageSetParams) -> Outcome<StoredResult> {
                super::set(cx, Area::$area, params).await
            }

            pub(crate) async fn clear(cx: &Cx, params: WebStorageParams) -> Outcome<ClearedResult> {
                super::clear(cx, Area::$area, params).await
            }
        }
    };
}

web_storage!(local, Local);
web_storage!(session, Session);

/// Which web storage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Area {
    /// Kept by the origin.
    Local,
    /// Kept by the origin and the page.
    Session,
}

/// What the bridge is asked to do with a web storage.
#[derive(Debug, Serialize)]
struct Ask<'a> {
    area: Area,
    op: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    items: Option<&'a [StorageItem]>,
}

impl Ask<'static> {
    const fn all(area: Area, op: &'static str) -> Self {
        Self {
            area,
            op,
            name: None,
            items: None,
        }
    }
}

async fn get(cx: &Cx, area: Area, params: WebStorageParams) -> Outcome<WebStorageResult> {
    let ask = Ask {
        name: params.name.as_deref(),
        ..Ask::all(area, "get")
    };
    call(cx, params.target_id.as_ref(), params.frame.as_ref(), &ask).await
}

async fn set(cx: &Cx, area: Area, params: WebStorageSetParams) -> Outcome<StoredResult> {
    let ask = Ask {
        items: Some(&params.items),
        ..Ask::all(area, "set")
    };
    call(cx, params.target_id.as_ref(), params.frame.as_ref(), &ask).await
}

async fn clear(cx: &Cx, area: Area, params: WebStorageParams) -> Outcome<ClearedResult> {
    let ask = Ask {
        name: params.name.as_deref(),
        ..Ask::all(area, "clear")
    };
    call(cx, params.target_id.as_ref(), params.frame.as_ref(), &ask).await
}

async fn call<R: DeserializeOwned>(
    cx: &Cx,
    target: Option<&TargetId>,
    frame: Option<&FrameId>,
    ask: &Ask<'_>,
) -> Outcome<R> {
    let page = cx.page(target)?;
    cx.waiting_for("the storage");
    let frame = match frame {
        Some(id) => page.frame(id)?,
        None => page.main_frame(),
    };
    page.bridge(frame, "storage", ask).await
}
