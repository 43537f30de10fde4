//! Choosing from lists that pages make of their own elements: the list is opened as a person opens it, the option is clicked,
//! and what the page shows afterwards is read back.

use std::time::Duration;

use ops_contracts::seam::adapter::{Modifiers, MouseButton};
use ops_contracts::wire::command::interact::{OptionChoice, SelectResult, SelectedOption};
use ops_contracts::wire::ids::ElementRef;
use ops_contracts::wire::locator::Locator;
use ops_contracts::wire::receipt::{Receipt, Settled};
use ops_contracts::{ErrorCode, Fault, Outcome};
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::time::Instant;

use super::observe::Observation;
use super::pointer;
use crate::bridge::BridgeLocator;
use crate::cx::{FrameAt, Page};

/// How often a list may be made anew under the mouse.
const RENEWALS: u32 = 3;
/// After how long a list that shows nothing, and whose control says that it is closed, is opened again: it may have closed with
/// the focus that another window took.
const REOPENING: Duration = Duration::from_secs(1);

#[derive(Deserialize)]
struct List {
    #[serde(rename = "ref")]
    control: u32,
    /// Whether the list is shown by clicking the control.
    opens: bool,
    /// The control says that its list is closed.
    #[serde(default)]
    closed: bool,
    /// Whether several options may be selected.
    many: bool,
    options: Vec<Item>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Item {
    #[serde(rename(deserialize = "ref"), skip_serializing)]
    number: u32,
    label: String,
    value: String,
    index: u32,
    #[serde(skip_serializing)]
    selected: bool,
    disabled: bool,
}

#[derive(Deserialize)]
struct Chosen {
    chosen: bool,
    shown: String,
}

impl Item {
    fn is(&self, choice: &OptionChoice) -> bool {
        match choice {
            OptionChoice::Value(value) => self.value == *value,
            OptionChoice::Label(label) => self.label == label.trim(),
            OptionChoice::Index(index) => self.index == *index,
            OptionChoice::Any(text) => self.value == *text || self.label == text.trim(),
        }
    }
}

/// Selects the options, each by a click.
pub(super) async fn select(
    page: &Page<'_>,
    element: &Locator,
    wanted: &[OptionChoice],
) -> Outcome<SelectResult> {
    let frame = page.frame_of(element)?;
    let observed = Observation::begin(page);
    let (mut selected, mut clicked, mut list) = (
        Vec::new(),
        None,
        choices(page, frame, &element.into(), false).await?,
    );
    if wanted.len() != 1 && !list.many {
        return Err(Fault::new(
            ErrorCode::OpsValueRejected,
            "this list takes exactly one option",
        ));
    }
    for choice in wanted {
        let mut renewed = 0;
        let item = loop {
            let (item, open) = find(page, frame, element, list, choice).await?;
            list = open;
            if item.selected && !list.opens {
                break item;
            }
            match click(page, &reference(frame, item.number)).await {
                // The page has made its list anew meanwhile, as on a focus that came again.
                Err(fault) if fault.code == ErrorCode::OpsRefStale && renewed < RENEWALS => {
                    renewed += 1;
                    list =
                        choices(page, frame, &BridgeLocator::reference(list.control), true).await?;
                }
                receipt => {
                    clicked = Some(receipt?);
                    confirm(page, frame, list.control, &item, clicked.as_ref()).await?;
                    break item;
                }
            }
        };
        selected.push(SelectedOption {
            value: item.value,
            label: item.label,
            index: item.index,
        });
    }
    if list.many {
        let now = choices(page, frame, &BridgeLocator::reference(list.control), false).await?;
        let over = now.options.iter().filter(|item| {
            item.selected && !selected.iter().any(|wanted| wanted.index == item.index)
        });
        for item in over {
            clicked = Some(click(page, &reference(frame, item.number)).await?);
        }
    }
    let receipt = match clicked {
        Some(receipt) => Receipt {
            changed: Some(true),
            ..receipt
        },
        None => observed.receipt(page, None, Some(false), 0).await,
    };
    Ok(SelectResult { selected, receipt })
}

/// The options that show; `opened` once the control was clicked for them.
async fn choices(
    page: &Page<'_>,
    frame: FrameAt,
    locator: &BridgeLocator,
    opened: bool,
) -> Outcome<List> {
    page.cx.waiting_for("the list's options");
    page.bridge(
        frame,
        "choices",
        &json!({ "locator": locator, "opened": opened, "next": page.next_ref(frame) }),
    )
    .await
}

fn reference(frame: FrameAt, element: u32) -> Locator {
    Locator::from(ElementRef {
        frame: frame.number,
        element,
    })
}

async fn click(page: &Page<'_>, element: &Locator) -> Outcome<Receipt> {
    let plan = pointer::Plan {
        action: "click",
        position: None,
        clicks: 1,
        single: true,
    };
    let input = |x, y| super::clicks((x, y), MouseButton::Left, 1, Modifiers::default());
    Ok(pointer::act(page, element, &plan, input).await?.receipt)
}

/// The option, once it shows; a list that shows none is opened first. Lists may take a moment to be filled.
async fn find(
    page: &Page<'_>,
    frame: FrameAt,
    element: &Locator,
    mut list: List,
    choice: &OptionChoice,
) -> Outcome<(Item, List)> {
    let mut give_up = pointer::patience(page);
    let mut opened: Vec<Instant> = Vec::new();
    loop {
        if let Some(item) = list.options.iter().find(|item| item.is(choice)).cloned() {
            if item.disabled {
                return Err(Fault::new(
                    ErrorCode::OpsElementDisabled,
                    format!("option {:?} is disabled", item.label),
                ));
            }
            return Ok((item, list));
        }
        let due = match opened[..] {
            [] => true,
            [once] => list.closed && once.elapsed() >= REOPENING,
            _ => false,
        };
        if due && list.opens && list.options.is_empty() {
            click(page, element).await?;
            opened.push(Instant::now());
            give_up = pointer::patience(page);
        } else if Instant::now() >= give_up {
            let fault = Fault::new(
                ErrorCode::OpsOptionNotFound,
                format!("the list shows no option {choice:?}"),
            );
            return Err(fault
                .with("options", list.options.iter().take(50).collect::<Vec<_>>())
                .with("count", list.options.len()));
        } else {
            tokio::time::sleep(pointer::PAUSE).await;
        }
        list = choices(
            page,
            frame,
            &BridgeLocator::reference(list.control),
            !opened.is_empty(),
        )
        .await?;
    }
}

/// Reads back that the option is the list's choice; some lists take a moment to tell.
async fn confirm(
    page: &Page<'_>,
    frame: FrameAt,
    control: u32,
    item: &Item,
    clicked: Option<&Receipt>,
) -> Outcome<()> {
    if clicked.is_some_and(|receipt| receipt.settled_by != Settled::Handled) {
        return Ok(());
    }
    let give_up = pointer::patience(page);
    loop {
        let args = json!({ "ref": control, "option": item.number, "label": item.label });
        let now: Chosen = page.bridge(frame, "chosen", &args).await?;
        if now.chosen {
            return Ok(());
        }
        if Instant::now() >= give_up {
            let fault = Fault::new(
                ErrorCode::OpsValueRejected,
                "the option was clicked, and nothing shows that it is selected",
            );
            return Err(fault
                .with("option", item)
                .with("shown", now.shown)
                .with("receipt", clicked));
        }
        tokio::time::sleep(pointer::PAUSE).await;
    }
}
