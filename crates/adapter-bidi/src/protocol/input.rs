//! `input.*`

use serde::{Deserialize, Serialize};

use super::script::{SharedNode, SharedReference};
use super::{Empty, command};

/// `input.performActions`: sources with one item a tick.
#[derive(Serialize)]
pub(crate) struct PerformActions<'a> {
    pub(crate) context: &'a str,
    pub(crate) actions: Vec<Source>,
}
command!(PerformActions<'a> "input.performActions" -> Empty);

/// An input source and what it does, tick by tick.
#[derive(Debug, PartialEq, Serialize)]
#[serde(tag = "type", rename_all = "camelCase")]
pub(crate) enum Source {
    Pointer {
        id: &'static str,
        parameters: PointerParameters,
        actions: Vec<PointerItem>,
    },
    Key {
        id: &'static str,
        actions: Vec<KeyItem>,
    },
    Wheel {
        id: &'static str,
        actions: Vec<WheelItem>,
    },
}

#[derive(Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PointerParameters {
    pub(crate) pointer_type: &'static str,
}

#[derive(Debug, PartialEq, Serialize)]
#[serde(tag = "type", rename_all = "camelCase")]
pub(crate) enum PointerItem {
    Pause,
    PointerMove { x: f64, y: f64 },
    PointerDown { button: u8 },
    PointerUp { button: u8 },
}

#[derive(Debug, PartialEq, Serialize)]
#[serde(tag = "type", rename_all = "camelCase")]
pub(crate) enum KeyItem {
    Pause,
    KeyDown { value: String },
    KeyUp { value: String },
}

#[derive(Debug, PartialEq, Serialize)]
#[serde(tag = "type", rename_all = "camelCase")]
pub(crate) enum WheelItem {
    Pause,
    #[serde(rename_all = "camelCase")]
    Scroll {
        x: i64,
        y: i64,
        delta_x: i64,
        delta_y: i64,
    },
}

/// `input.setFiles`
#[derive(Serialize)]
pub(crate) struct SetFiles<'a> {
    pub(crate) context: &'a str,
    pub(crate) element: SharedReference<'a>,
    pub(crate) files: &'a [String],
}
command!(SetFiles<'a> "input.setFiles" -> Empty);

/// Of `input.fileDialogOpened`.
#[derive(Deserialize)]
pub(crate) struct FileDialogOpened<'a> {
    pub(crate) context: &'a str,
    /// Absent where no element asked.
    pub(crate) element: Option<SharedNode>,
    pub(crate) multiple: bool,
}
