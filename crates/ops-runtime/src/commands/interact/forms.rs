//! Filling, clearing, selecting and checking form controls; every change is read back.

use ops_contracts::seam::adapter::{Effect, InputAction, Modifiers, MouseButton, Primitive};
use ops_contracts::wire::command::interact::{
    CheckResult, ElementParams, FillParams, FillResult, OptionChoice, SelectParams, SelectResult,
    SelectedOption,
};
use ops_contracts::wire::ids::TargetId;
use ops_contracts::wire::locator::Locator;
use ops_contracts::wire::receipt::{ElementInfo, Settled};
use ops_contracts::{ErrorCode, Fault, Outcome};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::keyboard::delete;
use super::listbox;
use super::observe::Observation;
use super::pointer;
use super::typing::{self, Deaf};
use crate::bridge::{BridgeLocator, Description};
use crate::cx::{Cx, FrameAt, Page};

/// What stands for a secret.
const MASK: &str = "••••";

#[derive(Deserialize)]
struct Prepared {
    #[serde(rename = "ref")]
    number: u32,
    desc: Description,
    mode: FillMode,
    /// Names the guard of what is entered.
    token: Option<String>,
    before: String,
    /// Whether the page may tell by itself what it made of the text.
    #[serde(default)]
    tells: bool,
}

#[derive(Deserialize, PartialEq)]
#[serde(rename_all = "lowercase")]
enum FillMode {
    /// The runtime enters the text.
    Insert,
    /// The bridge has set the value, as the control's own picker would.
    Set,
    /// The value is there already.
    Noop,
}

#[derive(Deserialize)]
struct Readback {
    /// Absent for a secret.
    value: Option<String>,
    matches: Option<bool>,
    /// Whether some of the text would have gone to another element.
    #[serde(default)]
    lost: Option<bool>,
}

pub(crate) async fn fill(cx: &Cx, params: FillParams) -> Outcome<FillResult> {
    set_value(
        cx,
        &params.element,
        &params.value,
        params.target_id.as_ref(),
    )
    .await
}

pub(crate) async fn clear(cx: &Cx, params: ElementParams) -> Outcome<FillResult> {
    set_value(cx, &params.element, "", params.target_id.as_ref()).await
}

async fn set_value(
    cx: &Cx,
    element: &Locator,
    value: &str,
    target: Option<&TargetId>,
) -> Outcome<FillResult> {
    let page = cx.page(target)?;
    let observed = Observation::begin(&page);
    typing::clear(&page).await;
    let mut deaf = Deaf::beside(page.frame_of(element)?.key);
    let (prepared, ()) = tokio::join!(prepare_fill(&page, element, value), deaf.extend(&page));
    let filled = match prepared {
        Ok(prepared) => fill_prepared(&page, &observed, value, prepared).await,
        Err(fault) => Err(fault),
    };
    let refused = if page.check_dialog().is_ok() {
        deaf.end(&page).await
    } else {
        typing::leave(&page);
        0
    };
    let (info, result) = filled?;
    if refused > 0 && result.is_err() {
        return Err(typing::moved(&info));
    }
    let (now, changed) = result?;
    let receipt = observed.receipt(&page, Some(info), Some(changed), 1).await;
    Ok(FillResult {
        value: now,
        receipt,
    })
}

/// The element, and what is in it now with whether that is a change.
async fn fill_prepared(
    page: &Page<'_>,
    observed: &Observation,
    value: &str,
    (frame, prepared): (FrameAt, Prepared),
) -> Outcome<(ElementInfo, Outcome<(String, bool)>)> {
    let expect = json!({ "ref": prepared.number, "expect": value, "token": prepared.token });
    let read = match prepared.mode {
        FillMode::Insert => {
            let actions = if value.is_empty() {
                delete()
            } else {
                vec![InputAction::InsertText {
                    text: value.to_owned(),
                }]
            };
            insert(page, observed, (frame, prepared.tells), actions, expect).await?
        }
        FillMode::Set | FillMode::Noop => None,
    };
    let info = prepared.desc.element(frame.number, prepared.number);
    if read.as_ref().is_some_and(|read| read.lost == Some(true)) {
        return Err(typing::moved(&info));
    }
    let now = match &read {
        Some(Readback {
            value: Some(now), ..
        }) => now.clone(),
        Some(_) => MASK.to_owned(),
        None => value.to_owned(),
    };
    let kept = read
        .as_ref()
        .is_none_or(|read| read.matches != Some(false) || same_but_for_signs(&now, value));
    if !kept && !observed.going_elsewhere(page) {
        let fault = Fault::new(
            ErrorCode::OpsValueRejected,
            "the element holds another value than the one entered",
        );
        let fault = fault
            .with("value", now)
            .with("before", prepared.before)
            .with("element", &info);
        return Ok((info, Err(fault)));
    }
    let changed = prepared.mode != FillMode::Noop && (now != prepared.before || now == MASK);
    Ok((info, Ok((now, changed))))
}

/// Whether two values differ in signs alone, as a mask adds them to a phone number or a sum.
fn same_but_for_signs(now: &str, wanted: &str) -> bool {
    let plain = |text: &str| {
        text.chars()
            .filter(|c| c.is_alphanumeric())
            .collect::<String>()
    };
    !plain(wanted).is_empty() && plain(now) == plain(wanted)
}

async fn prepare_fill(
    page: &Page<'_>,
    element: &Locator,
    value: &str,
) -> Outcome<(FrameAt, Prepared)> {
    let give_up = pointer::patience(page);
    loop {
        page.cx.waiting_for("the element");
        let frame = page.frame_of(element)?;
        let args = json!({ "locator": BridgeLocator::from(element), "value": value, "next": page.next_ref(frame) });
        match page.bridge(frame, "fill", &args).await {
            Ok(prepared) => return Ok((frame, prepared)),
            Err(fault) if pointer::may_pass(&fault, element) && Instant::now() < give_up => {
                tokio::time::sleep(pointer::PAUSE).await
            }
            Err(fault) => return Err(fault),
        }
    }
}

/// Enters text into the selection and reads the control back: the page tells of it, or both ride together.
async fn insert(
    page: &Page<'_>,
    observed: &Observation,
    (frame, tells): (FrameAt, bool),
    actions: Vec<InputAction>,
    expect: Value,
) -> Outcome<Option<Readback>> {
    page.cx.waiting_for("the text to be entered");
    let mut last = expect.clone();
    last["last"] = true.into();
    let readback = || page.bridge::<Readback>(frame, "readback", &expect);
    let target = page.key;
    let (sent, read) = if tells {
        match page
            .perform(Primitive::InputTold {
                target: page.key,
                frame: frame.key,
                actions,
            })
            .await
        {
            Ok(told @ Effect::Text(_)) => (Ok(Effect::Done), page.bridge_answer(frame, told)),
            sent => (sent, readback().await),
        }
    } else {
        tokio::join!(
            page.perform(Primitive::InputTold {
                target,
                frame: frame.key,
                actions
            }),
            readback()
        )
    };
    if let Err(fault) = sent
        && fault.code != ErrorCode::OpsDialogOpen
        && !observed.going_elsewhere(page)
    {
        return Err(fault);
    }
    Ok(match read {
        Ok(read) if read.matches == Some(true) => Some(read),
        // It may have been read before the text was there.
        Ok(_) => page.bridge::<Readback>(frame, "readback", &last).await.ok(),
        Err(_) => None,
    })
}

#[derive(Deserialize)]
struct Selected {
    #[serde(rename = "ref")]
    number: u32,
    desc: Description,
    selected: Vec<SelectedOption>,
    changed: bool,
}

pub(crate) async fn select(cx: &Cx, params: SelectParams) -> Outcome<SelectResult> {
    let page = cx.page(params.target_id.as_ref())?;
    let observed = Observation::begin(&page);
    let frame = page.frame_of(&params.element)?;
    let values: Vec<Value> = params.options.iter().map(choice).collect();
    let args = json!({ "locator": BridgeLocator::from(&params.element), "values": values, "next": page.next_ref(frame) });
    cx.waiting_for("the element");
    let selected = tokio::select! {
        biased;
        selected = page.bridge_through::<Selected>(frame, "select", &args) => match selected {
            // A list that the page makes of its own elements: its options are clicked.
            Err(fault) if fault.details.get("listbox").is_some_and(|is| is == true) => {
                return listbox::select(&page, &params.element, &params.options).await;
            }
            selected => selected?,
        },
        // A handler of the change opened it: the options are set, and can't be read back before it is answered.
        dialog = observed.dialog(&page) => return Err(Fault::plain(ErrorCode::OpsDialogOpen).with("dialog", dialog)),
    };
    if selected.changed {
        observed.handled(&page).await;
    }
    let info = selected.desc.element(frame.number, selected.number);
    let receipt = observed
        .receipt(&page, Some(info), Some(selected.changed), 1)
        .await;
    Ok(SelectResult {
        selected: selected.selected,
        receipt,
    })
}

fn choice(option: &OptionChoice) -> Value {
    match option {
        OptionChoice::Value(value) => json!({ "value": value }),
        OptionChoice::Label(label) => json!({ "label": label }),
        OptionChoice::Index(index) => json!({ "index": index }),
        OptionChoice::Any(text) => json!(text),
    }
}

#[derive(Deserialize)]
struct CheckState {
    checked: Value,
    #[serde(rename = "ref")]
    number: u32,
    desc: Description,
}

async fn check_state(
    page: &Page<'_>,
    frame: FrameAt,
    locator: &BridgeLocator,
) -> Outcome<CheckState> {
    page.cx.waiting_for("the element");
    page.bridge(
        frame,
        "checkState",
        &json!({ "locator": locator, "next": page.next_ref(frame) }),
    )
    .await
}

pub(crate) async fn check(cx: &Cx, params: ElementParams) -> Outcome<CheckResult> {
    set_checked(cx, params, true).await
}

pub(crate) async fn uncheck(cx: &Cx, params: ElementParams) -> Outcome<CheckResult> {
    set_checked(cx, params, false).await
}

async fn set_checked(cx: &Cx, params: ElementParams, wanted: bool) -> Outcome<CheckResult> {
    let page = cx.page(params.target_id.as_ref())?;
    let frame = page.frame_of(&params.element)?;
    let before = check_state(&page, frame, &(&params.element).into()).await?;
    if before.checked == Value::Bool(wanted) {
        let observed = Observation::begin(&page);
        let info = before.desc.element(frame.number, before.number);
        return Ok(CheckResult {
            checked: Some(wanted),
            receipt: observed.receipt(&page, Some(info), Some(false), 0).await,
        });
    }
    if !wanted && before.desc.role == "radio" {
        return Err(Fault::new(
            ErrorCode::OpsElementWrongType,
            "a radio button can't be unchecked: check another one of its group",
        ));
    }
    let plan = pointer::Plan {
        action: "check",
        position: None,
        clicks: 1,
        single: false,
    };
    let click = |x, y| super::clicks((x, y), MouseButton::Left, 1, Modifiers::default());
    let acted = pointer::act(&page, &params.element, &plan, click).await?;
    let checked = read_checked(&page, &acted, wanted).await;
    match checked {
        Some(checked) if checked == wanted => Ok(CheckResult {
            checked: Some(checked),
            receipt: acted.receipt,
        }),
        // The page is on its way elsewhere or waits for an answer: the click arrived, its effect can't be read.
        None if acted.receipt.settled_by != Settled::Handled => Ok(CheckResult {
            checked: None,
            receipt: acted.receipt,
        }),
        _ => Err(Fault::new(
            ErrorCode::OpsValueRejected,
            "the element was clicked, and its state did not change",
        )
        .with("receipt", acted.receipt)),
    }
}

/// The state after the click; some widgets take a moment.
async fn read_checked(page: &Page<'_>, acted: &pointer::Acted, wanted: bool) -> Option<bool> {
    if acted.checked == Some(wanted) || acted.receipt.settled_by != Settled::Handled {
        return acted.checked;
    }
    for _ in 0..10 {
        let state = check_state(page, acted.frame, &BridgeLocator::reference(acted.number))
            .await
            .ok()?;
        if state.checked == Value::Bool(wanted) {
            return Some(wanted);
        }
        tokio::time::sleep(pointer::PAUSE).await;
    }
    Some(!wanted)
}
