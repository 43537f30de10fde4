//! Verbs as commands of the contract: a pure table from arguments to a name and parameters.

use std::path::PathBuf;

use ops_contracts::seam::adapter::ImageFormat;
use ops_contracts::wire::command::dom::{self, DEFAULT_SNAPSHOT_CHARS, SnapshotMode};
use ops_contracts::wire::command::interact::{self, OptionChoice, ScrollEdge};
use ops_contracts::wire::command::trace::{TraceAction, TraceParams};
use ops_contracts::wire::command::{
    CommandName, Empty, Params, diagnostics, dialog, export, nav, performance, targets,
};
use ops_contracts::wire::ids::TargetId;
use ops_contracts::wire::locator::Locator;

use crate::args::Verb;
use crate::args::verb as v;
use crate::args::verb::{Dialog, Fact, Scroll, Tabs, Wait};
use crate::view::{Kind, View};
use client_core::request::complete_url;
use client_core::{Failure, Outcome, Request};

mod emulate;
mod keep;
mod pointing;
pub(crate) mod traffic;

/// A command that a verb stands for, and how its result is shown.
#[derive(Debug, Clone)]
pub(crate) struct Command {
    pub(crate) request: Request,
    pub(crate) view: View,
}

impl From<Request> for Command {
    fn from(request: Request) -> Self {
        Self {
            request,
            view: View::Plain,
        }
    }
}

/// A command with checked parameters, shown as its results are.
pub(crate) fn of<P: Params>(command: CommandName, params: &P) -> Outcome<Command> {
    Request::new(command, params).map(Command::from)
}

/// The command that a verb stands for; none for verbs that are more, or other, than one command of a session.
pub(crate) fn of_verb(verb: &Verb, tab: Option<&TargetId>) -> Outcome<Option<Command>> {
    let request = match verb {
        Verb::Goto(_) | Verb::Back(_) | Verb::Forward(_) | Verb::Reload(_) | Verb::Wait(_) => {
            navigation(verb, tab)?
        }
        Verb::Snapshot(_)
        | Verb::Find(_)
        | Verb::Get(_)
        | Verb::Is(_)
        | Verb::Eval(_)
        | Verb::Screenshot(_) => reading(verb, tab)?,
        Verb::Tabs { verb } => tabs(verb.as_ref(), tab)?,
        Verb::Dialog { verb } => dialogs(verb.as_ref(), tab)?,
        Verb::Pdf(pdf) => print(pdf, tab)?,
        Verb::Html { path } => {
            let request = of(
                CommandName::ExportHtml,
                &export::HtmlParams {
                    target_id: tab.cloned(),
                },
            )?;
            Command {
                view: View::File(Kind::Html, path.clone()),
                ..request
            }
        }
        Verb::Clone(args) => clone(args, tab)?,
        Verb::Trace {
            verb:
                v::Trace::Start {
                    category,
                    max_bytes,
                },
        } => {
            let (categories, max_bytes) = (category.clone(), *max_bytes);
            of(
                CommandName::DiagnosticsTrace,
                &TraceParams {
                    categories,
                    max_bytes,
                    ..TraceParams::new(TraceAction::Start)
                },
            )?
        }
        Verb::Performance => of(
            CommandName::DiagnosticsPerformance,
            &performance::PerformanceParams {
                target_id: tab.cloned(),
            },
        )?,
        Verb::Cookies { verb } => keep::cookies(verb.as_ref(), tab)?,
        Verb::Storage { area } => keep::storage(area, tab)?,
        Verb::Emulate { what } => return emulate::emulate(what, tab),
        Verb::Console(log) => of(CommandName::DiagnosticsConsole, &log_params(log, tab))?,
        Verb::Errors(log) => of(CommandName::DiagnosticsErrors, &log_params(log, tab))?,
        other => return action(other, tab),
    };
    Ok(Some(request))
}

fn navigation(verb: &Verb, tab: Option<&TargetId>) -> Outcome<Command> {
    let target_id = tab.cloned();
    match verb {
        Verb::Goto(goto) => Request::goto(&goto.url, goto.until.wait_until, tab).map(Command::from),
        Verb::Back(until) => of(
            CommandName::NavBack,
            &nav::TraverseParams {
                wait_until: until.wait_until,
                target_id,
            },
        ),
        Verb::Forward(until) => of(
            CommandName::NavForward,
            &nav::TraverseParams {
                wait_until: until.wait_until,
                target_id,
            },
        ),
        Verb::Reload(reload) => {
            let (wait_until, ignore_cache) = (reload.until.wait_until, reload.ignore_cache);
            of(
                CommandName::NavReload,
                &nav::ReloadParams {
                    wait_until,
                    ignore_cache,
                    target_id,
                },
            )
        }
        Verb::Wait(wait) => of(CommandName::NavWait, &wait_params(wait, target_id)?),
        _ => Err(Failure::usage("this verb does not navigate")),
    }
}

fn wait_params(wait: &Wait, target_id: Option<TargetId>) -> Outcome<nav::WaitParams> {
    let mut params = nav::WaitParams {
        load_state: wait.load,
        state: wait.state,
        text: wait.text.clone(),
        url: wait.url.clone(),
        function: wait.function.clone(),
        time_ms: wait.time,
        target_id,
        ..nav::WaitParams::default()
    };
    match wait.locator.as_deref() {
        Some(number) if number.bytes().all(|b| b.is_ascii_digit()) && !number.is_empty() => {
            params.time_ms = Some(
                number
                    .parse()
                    .map_err(|_| Failure::usage(format!("{number} is too long a time")))?,
            );
        }
        Some(text) => params.element = Some(locator(text)?),
        None => {}
    }
    let awaited = [
        wait.locator.is_some(),
        wait.load.is_some(),
        wait.text.is_some(),
        wait.url.is_some(),
        wait.function.is_some(),
        wait.time.is_some(),
    ];
    if awaited.iter().filter(|given| **given).count() != 1 {
        return Err(Failure::usage(
            "wait takes exactly one of LOCATOR, MILLISECONDS, --load, --text, --url, --function and --time",
        ));
    }
    Ok(params)
}

fn reading(verb: &Verb, tab: Option<&TargetId>) -> Outcome<Command> {
    let target_id = tab.cloned();
    match verb {
        Verb::Snapshot(snapshot) => of(
            CommandName::DomSnapshot,
            &snapshot_params(snapshot, target_id),
        ),
        Verb::Find(find) => of(
            CommandName::DomFind,
            &dom::FindParams {
                element: find.locator.clone(),
                limit: find.limit,
                target_id,
            },
        ),
        Verb::Get(get) => fact(get, target_id),
        Verb::Is(is) => {
            let params = dom::ElementParams {
                element: is.locator.clone(),
                target_id,
            };
            Ok(Command {
                view: View::Is(is.question),
                ..of(CommandName::DomState, &params)?
            })
        }
        Verb::Eval(eval) => of(
            CommandName::DomEval,
            &dom::EvalParams {
                expression: eval.expression.clone(),
                await_promise: !eval.no_await,
                frame: eval.frame.clone(),
                target_id,
            },
        ),
        Verb::Screenshot(shot) => {
            let params = export::ScreenshotParams {
                full_page: shot.full,
                element: shot.element.clone(),
                clip: shot.clip,
                format: shot.format.unwrap_or_else(|| format_of(shot.path.as_ref())),
                quality: shot.quality,
                annotated: shot.annotate,
                target_id,
            };
            Ok(Command {
                view: View::File(Kind::Picture, shot.path.clone()),
                ..of(CommandName::ExportScreenshot, &params)?
            })
        }
        _ => Err(Failure::usage("this verb does not read")),
    }
}

fn print(pdf: &v::Pdf, tab: Option<&TargetId>) -> Outcome<Command> {
    let params = export::PdfParams {
        paper: pdf.paper,
        landscape: pdf.landscape,
        margins: export::Margins {
            top: pdf.margin,
            right: pdf.margin,
            bottom: pdf.margin,
            left: pdf.margin,
        },
        scale: pdf.scale,
        background: pdf.background,
        pages: pdf.pages.clone(),
        prefer_css_size: pdf.prefer_css_size,
        target_id: tab.cloned(),
    };
    Ok(Command {
        view: View::File(Kind::Pdf, pdf.path.clone()),
        ..of(CommandName::ExportPdf, &params)?
    })
}

fn clone(args: &v::CloneArgs, tab: Option<&TargetId>) -> Outcome<Command> {
    let (max_bytes, target_id) = (args.max_bytes, tab.cloned());
    let request = match &args.element {
        Some(element) => {
            let element = element.clone();
            of(
                CommandName::ExportCloneComponent,
                &export::CloneComponentParams {
                    element,
                    max_bytes,
                    target_id,
                },
            )?
        }
        None => of(
            CommandName::ExportClonePage,
            &export::ClonePageParams {
                max_bytes,
                target_id,
            },
        )?,
    };
    Ok(Command {
        view: View::File(Kind::Clone, args.path.clone()),
        ..request
    })
}

fn snapshot_params(snapshot: &v::Snapshot, target_id: Option<TargetId>) -> dom::SnapshotParams {
    let mode = match (snapshot.interactive, snapshot.outline) {
        (true, _) => SnapshotMode::Interactive,
        (false, true) => SnapshotMode::Outline,
        (false, false) => SnapshotMode::Full,
    };
    dom::SnapshotParams {
        mode,
        max_chars: snapshot.max_chars.unwrap_or(DEFAULT_SNAPSHOT_CHARS),
        cursor: snapshot.cursor.clone(),
        since: snapshot.since.clone(),
        find: snapshot.find.clone(),
        element: snapshot.element.clone(),
        urls: snapshot.urls,
        target_id,
    }
}

fn format_of(path: Option<&PathBuf>) -> ImageFormat {
    let ending = path
        .and_then(|path| path.extension())
        .and_then(|ending| ending.to_str())
        .map(str::to_ascii_lowercase);
    match ending.as_deref() {
        Some("jpg" | "jpeg") => ImageFormat::Jpeg,
        Some("webp") => ImageFormat::Webp,
        _ => ImageFormat::Png,
    }
}

fn fact(get: &v::Get, target_id: Option<TargetId>) -> Outcome<Command> {
    let (fact, located, named) = (get.fact, get.locator.is_some(), get.name.is_some());
    let name = format!("{fact:?}").to_ascii_lowercase();
    if named != (fact == Fact::Attr) {
        return Err(Failure::usage(if named {
            format!("get {name} takes no attribute name")
        } else {
            "get attr takes a locator and an attribute's name".to_owned()
        }));
    }
    if get.max_chars.is_some() && !matches!(fact, Fact::Text | Fact::Html) {
        return Err(Failure::usage("--max-chars is for get text and get html"));
    }
    if get.inner && (fact != Fact::Html || !located) {
        return Err(Failure::usage("--inner is for get html LOCATOR"));
    }
    if located && matches!(fact, Fact::Title | Fact::Url) {
        return Err(Failure::usage(format!("get {name} takes no locator")));
    }
    let element = || {
        get.locator
            .clone()
            .ok_or_else(|| Failure::usage(format!("get {name} takes a locator")))
    };
    let of_element = |command, target_id| {
        of(
            command,
            &dom::ElementParams {
                element: element()?,
                target_id,
            },
        )
    };
    let text = |default: u32| get.max_chars.unwrap_or(default);
    match fact {
        Fact::Title => of(CommandName::DomTitle, &dom::PageParams { target_id }),
        Fact::Url => of(CommandName::DomUrl, &dom::PageParams { target_id }),
        Fact::Text => of(
            CommandName::DomText,
            &dom::ReadParams {
                element: get.locator.clone(),
                max_chars: text(100_000),
                target_id,
            },
        ),
        Fact::Html => {
            let params = dom::HtmlParams {
                element: get.locator.clone(),
                outer: !get.inner,
                max_chars: text(1_000_000),
                target_id,
            };
            of(CommandName::DomHtml, &params)
        }
        Fact::Attr => {
            let params = dom::AttrParams {
                element: element()?,
                name: get.name.clone().unwrap_or_default(),
                target_id,
            };
            of(CommandName::DomAttr, &params)
        }
        Fact::Value => of_element(CommandName::DomValue, target_id),
        Fact::Count => of_element(CommandName::DomCount, target_id),
        Fact::Box => of_element(CommandName::DomBox, target_id),
    }
}

fn action(verb: &Verb, tab: Option<&TargetId>) -> Outcome<Option<Command>> {
    let target_id = tab.cloned();
    let element = |command, element: &v::Element| {
        of(
            command,
            &interact::ElementParams {
                element: element.locator.clone(),
                target_id: tab.cloned(),
            },
        )
        .map(Some)
    };
    match verb {
        Verb::Click(click) => {
            let (button, modifiers, position) = (
                click.button,
                click.pointing.modifier.clone(),
                click.pointing.position,
            );
            let count = if click.double { 2 } else { click.count };
            let params = interact::ClickParams {
                element: click.locator.clone(),
                button,
                count,
                modifiers,
                position,
                target_id,
            };
            of(CommandName::InteractClick, &params).map(Some)
        }
        Verb::Hover(hover) => {
            let (modifiers, position) = (hover.pointing.modifier.clone(), hover.pointing.position);
            let params = interact::HoverParams {
                element: hover.locator.clone(),
                modifiers,
                position,
                target_id,
            };
            of(CommandName::InteractHover, &params).map(Some)
        }
        Verb::Tap(tap) => {
            let (modifiers, position) = (tap.pointing.modifier.clone(), tap.pointing.position);
            let params = interact::TapParams {
                element: tap.locator.clone(),
                modifiers,
                position,
                target_id,
            };
            of(CommandName::InteractTap, &params).map(Some)
        }
        Verb::Network { verb } => traffic::network(verb, target_id),
        Verb::Downloads { verb } => traffic::downloads(verb.as_ref()),
        Verb::Drag(_) | Verb::Mouse { .. } => pointing::of_verb(verb, target_id).map(Some),
        Verb::Fill(fill) => {
            let value = fill.value.clone().unwrap_or_default();
            of(
                CommandName::InteractFill,
                &interact::FillParams {
                    element: fill.locator.clone(),
                    value,
                    target_id,
                },
            )
            .map(Some)
        }
        Verb::Type(typed) => typing(typed, target_id).map(Some),
        Verb::Press(press) => {
            let params = interact::PressParams {
                key: press.key.clone(),
                element: press.locator.clone(),
                target_id,
            };
            of(CommandName::InteractPress, &params).map(Some)
        }
        Verb::Select(select) => selection(select, target_id).map(Some),
        Verb::Scroll(scroll) => of(
            CommandName::InteractScroll,
            &scroll_params(scroll, target_id)?,
        )
        .map(Some),
        Verb::Clear(it) => element(CommandName::InteractClear, it),
        Verb::Check(it) => element(CommandName::InteractCheck, it),
        Verb::Uncheck(it) => element(CommandName::InteractUncheck, it),
        Verb::Focus(it) => element(CommandName::InteractFocus, it),
        Verb::ScrollIntoView(it) => element(CommandName::InteractScrollIntoView, it),
        _ => Ok(None),
    }
}

fn typing(typed: &v::Type, target_id: Option<TargetId>) -> Outcome<Command> {
    let (element, text) = match typed.words.as_slice() {
        [text] => (None, text),
        [element, text] => (Some(locator(element)?), text),
        _ => return Err(Failure::usage("type takes [LOCATOR] TEXT")),
    };
    of(
        CommandName::InteractType,
        &interact::TypeParams {
            element,
            text: text.clone(),
            delay_ms: typed.delay,
            target_id,
        },
    )
}

fn selection(select: &v::Select, target_id: Option<TargetId>) -> Outcome<Command> {
    let any = select.value.iter().cloned().map(OptionChoice::Any);
    let labels = select.label.iter().cloned().map(OptionChoice::Label);
    let places = select.index.iter().copied().map(OptionChoice::Index);
    let options: Vec<OptionChoice> = any.chain(labels).chain(places).collect();
    if options.is_empty() {
        return Err(Failure::usage(
            "select takes at least one VALUE, --label or --index",
        ));
    }
    of(
        CommandName::InteractSelect,
        &interact::SelectParams {
            element: select.locator.clone(),
            options,
            target_id,
        },
    )
}

/// How far a direction without a number goes, in CSS pixels.
const SCROLL_STEP: f64 = 500.0;

fn scroll_params(scroll: &Scroll, target_id: Option<TargetId>) -> Outcome<interact::ScrollParams> {
    let usage = || {
        Failure::usage(
            "scroll takes [LOCATOR] DIRECTION [PIXELS], --dx and --dy, or --to top|bottom",
        )
    };
    let mut params = interact::ScrollParams {
        dx: scroll.dx.unwrap_or(0.0),
        dy: scroll.dy.unwrap_or(0.0),
        to: scroll.to,
        target_id,
        ..interact::ScrollParams::default()
    };
    let mut words = scroll.words.iter().map(String::as_str).peekable();
    if let Some(word) = words.next_if(|word| direction(word).is_none()) {
        params.element = Some(locator(word)?);
    }
    if let Some(direction) = words
        .next()
        .map(|word| direction(word).ok_or_else(usage))
        .transpose()?
    {
        if params.to.is_some() || scroll.dx.is_some() || scroll.dy.is_some() {
            return Err(usage());
        }
        let pixels = words
            .next()
            .map(|word| {
                word.parse::<f64>()
                    .ok()
                    .filter(|far| far.is_finite() && *far > 0.0)
                    .ok_or_else(usage)
            })
            .transpose()?;
        match direction {
            Direction::By(x, y) => {
                (params.dx, params.dy) = (
                    x * pixels.unwrap_or(SCROLL_STEP),
                    y * pixels.unwrap_or(SCROLL_STEP),
                )
            }
            Direction::To(_) if pixels.is_some() => return Err(usage()),
            Direction::To(edge) => params.to = Some(edge),
        }
    }
    if words.next().is_some() {
        Err(usage())
    } else {
        Ok(params)
    }
}

enum Direction {
    By(f64, f64),
    To(ScrollEdge),
}

fn direction(word: &str) -> Option<Direction> {
    Some(match word {
        "up" => Direction::By(0.0, -1.0),
        "down" => Direction::By(0.0, 1.0),
        "left" => Direction::By(-1.0, 0.0),
        "right" => Direction::By(1.0, 0.0),
        "top" => Direction::To(ScrollEdge::Top),
        "bottom" => Direction::To(ScrollEdge::Bottom),
        _ => return None,
    })
}

fn tabs(verb: Option<&Tabs>, tab: Option<&TargetId>) -> Outcome<Command> {
    if tab.is_some() && !matches!(verb, Some(Tabs::Close { target: None })) {
        return Err(Failure::usage("--tab has no meaning for this verb"));
    }
    match verb {
        None | Some(Tabs::List) => of(CommandName::TargetsList, &Empty {}),
        Some(Tabs::New { url, until }) => {
            let url = url.as_deref().map(complete_url);
            of(
                CommandName::TargetsNew,
                &targets::NewParams {
                    url,
                    wait_until: until.wait_until,
                    make_current: true,
                },
            )
        }
        Some(Tabs::Named { name, url, until }) => {
            let url = url.as_deref().map(complete_url);
            let params = targets::NamedParams {
                name: name.clone(),
                url,
                wait_until: until.wait_until,
                make_current: true,
            };
            of(CommandName::TargetsNamed, &params)
        }
        Some(Tabs::Use { target }) => of(
            CommandName::TargetsUse,
            &targets::UseParams {
                target_id: target.clone(),
            },
        ),
        Some(Tabs::Close { target }) => of(
            CommandName::TargetsClose,
            &targets::CloseParams {
                target_id: target.clone().or_else(|| tab.cloned()),
            },
        ),
    }
}

fn dialogs(verb: Option<&Dialog>, tab: Option<&TargetId>) -> Outcome<Command> {
    if tab.is_some() {
        return Err(Failure::usage(
            "--tab has no meaning for dialog: it is about the session's open dialog",
        ));
    }
    match verb {
        None | Some(Dialog::Status) => of(CommandName::DialogStatus, &Empty {}),
        Some(Dialog::Accept { text }) => of(
            CommandName::DialogAccept,
            &dialog::AcceptParams { text: text.clone() },
        ),
        Some(Dialog::Policy { policy }) => of(
            CommandName::DialogPolicy,
            &dialog::PolicyParams { policy: *policy },
        ),
        Some(Dialog::Dismiss) => of(CommandName::DialogDismiss, &Empty {}),
    }
}

fn log_params(log: &v::Log, tab: Option<&TargetId>) -> diagnostics::LogParams {
    diagnostics::LogParams {
        since_seq: log.since,
        limit: log.limit,
        target_id: tab.cloned(),
    }
}

pub(crate) fn locator(text: &str) -> Outcome<Locator> {
    text.parse()
        .map_err(|error: ops_contracts::wire::locator::InvalidLocator| {
            Failure::usage(error.to_string())
        })
}

#[cfg(test)]
#[path = "request/tests.rs"]
mod tests;
