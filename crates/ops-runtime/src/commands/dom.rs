//! `dom.*`: reading pages and elements.

use ops_contracts::seam::adapter::{Effect, Evaluated, Primitive};
use ops_contracts::wire::command::dom::{
    AttrParams, AttrResult, BoxResult, CountResult, ElementParams, EvalParams, EvalResult,
    FindParams, FindResult, HtmlParams, Match, PageParams, ReadParams, StateResult, TextResult,
    ValueResult,
};
use ops_contracts::wire::ids::ElementRef;
use ops_contracts::wire::locator::Locator;
use ops_contracts::{ErrorCode, Fault, Outcome};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::json;
use serde_json::value::RawValue;

use crate::bridge::BridgeLocator;
use crate::cx::{Cx, FrameAt, Page, unexpected};
use crate::world::bounds;

pub(crate) mod snapshot;

/// How often a read is begun anew when the document goes away under it.
const READ_ATTEMPTS: u32 = 3;

/// Reads through the bridge; a document that is replaced meanwhile is read instead.
async fn read_bridge<R: DeserializeOwned>(
    page: &Page<'_>,
    frame: FrameAt,
    name: &'static str,
    args: &impl Serialize,
) -> Outcome<R> {
    page.cx.waiting_for("the page to answer");
    for _ in 1..READ_ATTEMPTS {
        match page.bridge(frame, name, args).await {
            Err(fault) if fault.code == ErrorCode::OpsNavInterrupted => {}
            outcome => return outcome,
        }
    }
    page.bridge(frame, name, args).await
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ReadArgs<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    locator: Option<BridgeLocator>,
    what: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    attr: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_chars: Option<u32>,
    next: u32,
}

impl<'a> ReadArgs<'a> {
    fn new(page: &Page<'_>, frame: FrameAt, element: Option<&Locator>, what: &'a str) -> Self {
        Self {
            locator: element.map(BridgeLocator::from),
            what,
            attr: None,
            max_chars: None,
            next: page.next_ref(frame),
        }
    }
}

#[derive(Deserialize)]
struct Read<T> {
    value: T,
    #[serde(default)]
    truncated: bool,
}

async fn read_text(
    page: &Page<'_>,
    element: Option<&Locator>,
    what: &'static str,
    max_chars: u32,
) -> Outcome<TextResult> {
    let frame = element.map_or_else(|| Ok(page.main_frame()), |element| page.frame_of(element))?;
    let args = ReadArgs {
        max_chars: Some(max_chars),
        ..ReadArgs::new(page, frame, element, what)
    };
    let read: Read<String> = read_bridge(page, frame, "read", &args).await?;
    Ok(TextResult {
        value: read.value,
        truncated: read.truncated,
    })
}

async fn read_one<T: DeserializeOwned>(
    page: &Page<'_>,
    element: &Locator,
    what: &'static str,
) -> Outcome<T> {
    let frame = page.frame_of(element)?;
    let read: Read<T> = read_bridge(
        page,
        frame,
        "read",
        &ReadArgs::new(page, frame, Some(element), what),
    )
    .await?;
    Ok(read.value)
}

#[derive(Deserialize)]
struct Stats {
    title: String,
}

pub(crate) async fn title(cx: &Cx, params: PageParams) -> Outcome<TextResult> {
    let page = cx.page(params.target_id.as_ref())?;
    let stats: Stats = read_bridge(&page, page.main_frame(), "stats", &json!({})).await?;
    if let Some(tab) = cx.world.lock().tab_mut(page.key) {
        tab.title = bounds::title(stats.title.clone());
    }
    Ok(TextResult {
        value: stats.title,
        truncated: false,
    })
}

pub(crate) async fn url(cx: &Cx, params: PageParams) -> Outcome<TextResult> {
    let page = cx.any_page(params.target_id.as_ref())?;
    Ok(TextResult {
        value: page.url(),
        truncated: false,
    })
}

pub(crate) async fn text(cx: &Cx, params: ReadParams) -> Outcome<TextResult> {
    let page = cx.page(params.target_id.as_ref())?;
    read_text(&page, params.element.as_ref(), "text", params.max_chars).await
}

pub(crate) async fn html(cx: &Cx, params: HtmlParams) -> Outcome<TextResult> {
    let page = cx.page(params.target_id.as_ref())?;
    let what = if params.outer { "outerHtml" } else { "html" };
    read_text(&page, params.element.as_ref(), what, params.max_chars).await
}

pub(crate) async fn attr(cx: &Cx, params: AttrParams) -> Outcome<AttrResult> {
    let page = cx.page(params.target_id.as_ref())?;
    let frame = page.frame_of(&params.element)?;
    let args = ReadArgs {
        attr: Some(&params.name),
        ..ReadArgs::new(&page, frame, Some(&params.element), "attr")
    };
    let read: Read<Option<String>> = read_bridge(&page, frame, "read", &args).await?;
    Ok(AttrResult { value: read.value })
}

pub(crate) async fn value(cx: &Cx, params: ElementParams) -> Outcome<ValueResult> {
    let page = cx.page(params.target_id.as_ref())?;
    let value: serde_json::Value = read_one(&page, &params.element, "value").await?;
    match value {
        serde_json::Value::Array(values) => {
            let values: Vec<String> = values
                .into_iter()
                .map(|value| value.as_str().unwrap_or_default().to_owned())
                .collect();
            Ok(ValueResult {
                value: values.first().cloned().unwrap_or_default(),
                values: Some(values),
                masked: false,
            })
        }
        value => {
            let value = value.as_str().unwrap_or_default().to_owned();
            Ok(ValueResult {
                masked: value == MASK,
                value,
                values: None,
            })
        }
    }
}

/// What stands for a secret.
const MASK: &str = "••••";

#[derive(Deserialize)]
struct BridgeState {
    visible: bool,
    enabled: bool,
    checked: Option<serde_json::Value>,
    editable: bool,
    focused: bool,
}

pub(crate) async fn state(cx: &Cx, params: ElementParams) -> Outcome<StateResult> {
    let page = cx.page(params.target_id.as_ref())?;
    let state: BridgeState = read_one(&page, &params.element, "state").await?;
    Ok(StateResult {
        visible: state.visible,
        enabled: state.enabled,
        checked: state.checked.and_then(|checked| checked.as_bool()),
        editable: state.editable,
        focused: state.focused,
    })
}

pub(crate) async fn bounding_box(cx: &Cx, params: ElementParams) -> Outcome<BoxResult> {
    let page = cx.page(params.target_id.as_ref())?;
    let frame = page.frame_of(&params.element)?;
    let inner: BoxResult = read_one(&page, &params.element, "box").await?;
    let origin =
        super::interact::frames::to_viewport(&page, frame, (inner.x, inner.y), false).await?;
    Ok(BoxResult {
        x: origin.x,
        y: origin.y,
        ..inner
    })
}

pub(crate) async fn count(cx: &Cx, params: ElementParams) -> Outcome<CountResult> {
    let page = cx.page(params.target_id.as_ref())?;
    Ok(CountResult {
        value: read_one(&page, &params.element, "count").await?,
    })
}

#[derive(Deserialize)]
struct Found {
    count: u32,
    matches: Vec<FoundElement>,
}

#[derive(Deserialize)]
struct FoundElement {
    #[serde(rename = "ref")]
    reference: u32,
    role: String,
    name: String,
    tag: String,
    text: String,
    visible: bool,
}

pub(crate) async fn find(cx: &Cx, params: FindParams) -> Outcome<FindResult> {
    let page = cx.page(params.target_id.as_ref())?;
    let frame = page.frame_of(&params.element)?;
    let args = json!({ "locator": BridgeLocator::from(&params.element), "limit": params.limit, "next": page.next_ref(frame) });
    let found: Found = read_bridge(&page, frame, "find", &args).await?;
    let matches = found.matches.into_iter().map(|element| Match {
        reference: ElementRef {
            frame: frame.number,
            element: element.reference,
        },
        role: element.role,
        name: element.name,
        tag: element.tag,
        text: element.text,
        visible: element.visible,
    });
    Ok(FindResult {
        count: found.count,
        matches: matches.collect(),
    })
}

pub(crate) async fn eval(cx: &Cx, params: EvalParams) -> Outcome<EvalResult> {
    let page = cx.page(params.target_id.as_ref())?;
    let frame = params
        .frame
        .as_ref()
        .map_or_else(|| Ok(page.main_frame()), |frame| page.frame(frame))?;
    cx.waiting_for("the expression");
    let primitive = Primitive::Evaluate {
        target: page.key,
        frame: frame.key,
        expression: params.expression,
        await_promise: params.await_promise,
    };
    match page.perform(primitive).await? {
        Effect::Evaluated(Evaluated::Value(value)) => Ok(EvalResult {
            value,
            unserializable: None,
        }),
        Effect::Evaluated(Evaluated::Unserializable(text)) => Ok(EvalResult {
            value: RawValue::NULL.to_owned(),
            unserializable: Some(text),
        }),
        Effect::Evaluated(Evaluated::Threw(error)) => {
            Err(Fault::new(ErrorCode::OpsScriptFailed, error.text.clone()).with("exception", error))
        }
        _ => Err(unexpected()),
    }
}
