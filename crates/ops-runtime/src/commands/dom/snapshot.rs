//! `dom.snapshot`: one bridge call a frame, all at once; the frames' lines are spliced below the elements that hold
//! them, and the budget is kept by whole lines.

use std::collections::HashMap;

use futures_util::future::join_all;
use ops_contracts::seam::adapter::FrameKey;
use ops_contracts::wire::command::dom::{
    SnapshotMode, SnapshotParams, SnapshotResult, UnreadableFrame,
};
use ops_contracts::wire::ids::FrameId;
use ops_contracts::wire::locator::LocatorKey;
use ops_contracts::{ErrorCode, Fault, Outcome};
use serde::{Deserialize, Serialize};

use crate::bridge::BridgeLocator;
use crate::commands::interact::frames::owner_of;
use crate::cx::{Cx, FrameAt, Page};
use crate::snapshots::Subject;

/// The most nodes that a snapshot reads in one frame.
const MAX_NODES: u32 = 250_000;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Args {
    mode: SnapshotMode,
    prefix: String,
    next: u32,
    urls: bool,
    max_nodes: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    root_ref: Option<u32>,
}

#[derive(Deserialize)]
struct FrameLines {
    lines: Vec<String>,
    frames: Vec<Holder>,
    title: String,
    url: String,
    nodes: u32,
    truncated: bool,
}

/// An element that holds a frame, and its line.
#[derive(Deserialize)]
struct Holder {
    #[serde(rename = "ref")]
    reference: u32,
    line: usize,
}

/// A child frame as it was when the snapshot began.
struct Child {
    at: FrameAt,
    parent: FrameKey,
}

pub(crate) async fn run(cx: &Cx, params: SnapshotParams) -> Outcome<SnapshotResult> {
    let page = cx.page(params.target_id.as_ref())?;
    let cursor = params
        .cursor
        .as_deref()
        .map(|cursor| Cursor::parse(cursor, &page, params.mode))
        .transpose()?;
    cx.waiting_for("the page to answer");
    let (root, root_ref) = root(&page, &params).await?;
    let read = read_frames(&page, root, &params, root_ref).await?;
    let subject = Subject {
        target: page.key,
        document: document(&page),
        mode: params.mode,
        urls: params.urls,
        root: root_ref.map(|element| (root.number, element)),
    };
    let (id, change) = {
        let mut snapshots = cx.session.snapshots.lock();
        let since = params.since.as_deref();
        snapshots.take(subject, &read.lines, since, params.max_chars as usize)
    };
    let mut result = SnapshotResult {
        target_id: page.id.clone(),
        url: read.url,
        title: read.title,
        id,
        text: String::new(),
        delta: None,
        matches: None,
        lines: count(read.lines.len()),
        omitted: 0,
        truncated: read.truncated,
        cursor: None,
        frames: read.frames,
        unreadable_frames: read.unreadable,
    };
    match change {
        Some(change) => (result.text, result.delta) = (change.text, Some(change.delta)),
        None => show(&mut result, &read.lines, &params, cursor, &page),
    }
    Ok(result)
}

/// The frames of a page as one tree.
struct Reading {
    lines: Vec<String>,
    title: String,
    url: String,
    /// Whether a frame has more nodes than are read.
    truncated: bool,
    frames: u32,
    unreadable: Vec<UnreadableFrame>,
}

/// Reads a frame, or an element of it, and the frames in it, all at once.
async fn read_frames(
    page: &Page<'_>,
    root: FrameAt,
    params: &SnapshotParams,
    root_ref: Option<u32>,
) -> Outcome<Reading> {
    let children = children(page, root);
    let (first, rest) = tokio::join!(
        read(page, root, params, root_ref),
        join_all(children.iter().map(|child| async {
            tokio::join!(
                read(page, child.at, params, None),
                owner_of(page, child.at.key)
            )
        })),
    );
    let first = first?;
    let mut truncated = first.truncated;
    let (title, url) = (first.title.clone(), first.url.clone());
    let mut tree = Tree {
        lines: HashMap::new(),
        held: HashMap::new(),
        unreadable: Vec::new(),
        frames: 1,
    };
    for (child, (lines, owner)) in children.into_iter().zip(rest) {
        truncated |= lines.as_ref().is_ok_and(|lines| lines.truncated);
        tree.add(&child, lines, owner);
    }
    Ok(Reading {
        lines: tree.splice(root.key, first),
        title,
        url,
        truncated,
        frames: tree.frames,
        unreadable: tree.unreadable,
    })
}

/// Shows the lines that were asked for, from the cursor on, as far as the budget goes.
fn show(
    result: &mut SnapshotResult,
    lines: &[String],
    params: &SnapshotParams,
    cursor: Option<Cursor>,
    page: &Page<'_>,
) {
    let shown: Vec<&str> = match &params.find {
        Some(text) => {
            let (shown, matches) = containing(lines, text);
            result.matches = Some(count(matches));
            shown
        }
        None => lines.iter().map(String::as_str).collect(),
    };
    let start = cursor.map_or(0, |cursor| cursor.line);
    let window = Window::of(&shown, start, params.max_chars as usize);
    if window.end < shown.len() {
        let next = Cursor {
            line: window.end,
            document: document(page),
            mode: params.mode,
        };
        result.cursor = Some(next.to_string());
    }
    result.omitted = count(lines.len() - (window.end - window.start));
    result.text = window.text;
}

/// The lines that contain a text, case ignored, below those that they are in; and how many contain it.
fn containing<'a>(lines: &'a [String], text: &str) -> (Vec<&'a str>, usize) {
    let wanted = text.to_lowercase();
    let (mut shown, mut matches) = (Vec::new(), 0);
    // The lines that the current one is in, by their indentation; none once they are shown.
    let mut above: Vec<(usize, Option<&str>)> = Vec::new();
    for line in lines {
        let indent = line.len() - line.trim_start_matches(' ').len();
        above.truncate(above.partition_point(|(outer, _)| *outer < indent));
        above.push((indent, Some(line)));
        if line.to_lowercase().contains(&wanted) {
            matches += 1;
            shown.extend(above.iter_mut().filter_map(|(_, held)| held.take()));
        }
    }
    (shown, matches)
}

fn count(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

/// The frame to begin in, and the element in it.
async fn root(page: &Page<'_>, params: &SnapshotParams) -> Outcome<(FrameAt, Option<u32>)> {
    let Some(element) = &params.element else {
        return Ok((page.main_frame(), None));
    };
    let frame = page.frame_of(element)?;
    if let LocatorKey::Ref(reference) = element.by {
        return Ok((frame, Some(reference.element)));
    }
    #[derive(Deserialize)]
    struct Described {
        #[serde(rename = "ref")]
        reference: u32,
    }
    let args = serde_json::json!({ "locator": BridgeLocator::from(element), "next": page.next_ref(frame) });
    let described: Described = page.bridge(frame, "describe", &args).await?;
    Ok((frame, Some(described.reference)))
}

/// All frames below `root`.
fn children(page: &Page<'_>, root: FrameAt) -> Vec<Child> {
    let state = page.cx.world.lock();
    let mut found: Vec<Child> = Vec::new();
    let mut parents = vec![root.key];
    while let Some(parent) = parents.pop() {
        for frame in state
            .frames
            .iter()
            .filter(|frame| frame.parent == Some(parent))
        {
            parents.push(frame.key);
            found.push(Child {
                at: FrameAt {
                    key: frame.key,
                    number: frame.number,
                },
                parent,
            });
        }
    }
    found
}

async fn read(
    page: &Page<'_>,
    frame: FrameAt,
    params: &SnapshotParams,
    root_ref: Option<u32>,
) -> Outcome<FrameLines> {
    let prefix = if frame.number == 0 {
        "e".to_owned()
    } else {
        format!("f{}e", frame.number)
    };
    let args = Args {
        mode: params.mode,
        prefix,
        next: page.next_ref(frame),
        urls: params.urls,
        max_nodes: MAX_NODES,
        root_ref,
    };
    let lines: FrameLines = super::read_bridge(page, frame, "snapshot", &args).await?;
    if lines.nodes >= MAX_NODES {
        return Err(Fault::plain(ErrorCode::OpsSnapshotTooLarge).with("limit", MAX_NODES));
    }
    Ok(lines)
}

struct Tree {
    lines: HashMap<FrameKey, FrameLines>,
    /// Which frame an element of a frame holds.
    held: HashMap<(FrameKey, u32), FrameKey>,
    unreadable: Vec<UnreadableFrame>,
    frames: u32,
}

impl Tree {
    fn add(&mut self, child: &Child, lines: Outcome<FrameLines>, owner: Outcome<u32>) {
        match (lines, owner) {
            (Ok(lines), Ok(owner)) => {
                self.lines.insert(child.at.key, lines);
                self.held.insert((child.parent, owner), child.at.key);
            }
            // A frame that went away meanwhile is no part of the page any more.
            (Err(fault), _) | (_, Err(fault))
                if matches!(
                    fault.code,
                    ErrorCode::OpsFrameUnknown
                        | ErrorCode::OpsNavInterrupted
                        | ErrorCode::OpsRefStale
                ) => {}
            (Err(fault), _) | (_, Err(fault)) => {
                if let Ok(frame) = format!("f{}", child.at.number).parse::<FrameId>() {
                    self.unreadable.push(UnreadableFrame {
                        frame,
                        reason: fault.message,
                    });
                }
            }
        }
    }

    /// The lines of a frame with those of the frames in it below their elements.
    fn splice(&mut self, key: FrameKey, own: FrameLines) -> Vec<String> {
        if own.frames.is_empty() {
            return own.lines;
        }
        let holders: HashMap<usize, u32> = own
            .frames
            .iter()
            .map(|holder| (holder.line, holder.reference))
            .collect();
        let mut lines = Vec::with_capacity(own.lines.len());
        for (at, line) in own.lines.into_iter().enumerate() {
            let indent = line.len() - line.trim_start_matches(' ').len() + 2;
            lines.push(line);
            let held = holders
                .get(&at)
                .and_then(|reference| self.held.remove(&(key, *reference)));
            let Some((child, inner)) =
                held.and_then(|child| self.lines.remove(&child).map(|inner| (child, inner)))
            else {
                continue;
            };
            self.frames += 1;
            let below = self.splice(child, inner);
            lines.extend(
                below
                    .into_iter()
                    .map(|line| format!("{:indent$}{line}", "")),
            );
        }
        lines
    }
}

/// The whole lines that a budget has room for.
struct Window {
    start: usize,
    end: usize,
    text: String,
}

impl Window {
    /// From line `start` on as many lines as `max` characters hold, and at least one.
    fn of(lines: &[&str], start: usize, max: usize) -> Self {
        let start = start.min(lines.len());
        let (mut end, mut chars, mut bytes) = (start, 0, 0);
        for line in &lines[start..] {
            let more = line.chars().count() + 1;
            if chars + more > max && end > start {
                break;
            }
            chars += more;
            bytes += line.len() + 1;
            end += 1;
        }
        let mut text = String::with_capacity(bytes);
        for line in &lines[start..end] {
            text.push_str(line);
            text.push('\n');
        }
        text.pop();
        Self { start, end, text }
    }
}

/// Where a snapshot goes on: a line of the same document in the same mode. Refs stay as they are.
#[derive(Debug, PartialEq)]
struct Cursor {
    line: usize,
    document: u64,
    mode: SnapshotMode,
}

impl Cursor {
    fn parse(text: &str, page: &Page<'_>, mode: SnapshotMode) -> Outcome<Self> {
        let cursor = Self::read(text).ok_or_else(|| {
            Fault::new(
                ErrorCode::OpsInvalidRequest,
                "cursor: not one that a snapshot has given",
            )
            .with("field", "cursor")
        })?;
        if cursor.mode != mode {
            return Err(Fault::new(
                ErrorCode::OpsInvalidRequest,
                "cursor: it belongs to a snapshot in another mode",
            )
            .with("field", "cursor"));
        }
        if cursor.document != document(page) {
            return Err(Fault::new(
                ErrorCode::OpsRefStale,
                "the cursor's document is gone: take a new snapshot",
            ));
        }
        Ok(cursor)
    }

    fn read(text: &str) -> Option<Self> {
        let mut parts = text.split('.');
        let line = parts.next()?.parse().ok()?;
        let document = u64::from_str_radix(parts.next()?, 16).ok()?;
        let mode = match parts.next()? {
            "o" => SnapshotMode::Outline,
            "i" => SnapshotMode::Interactive,
            "f" => SnapshotMode::Full,
            _ => return None,
        };
        parts.next().is_none().then_some(Self {
            line,
            document,
            mode,
        })
    }
}

impl std::fmt::Display for Cursor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mode = match self.mode {
            SnapshotMode::Outline => 'o',
            SnapshotMode::Interactive => 'i',
            SnapshotMode::Full => 'f',
        };
        write!(f, "{}.{:x}.{mode}", self.line, self.document)
    }
}

/// Tells documents of a page apart.
fn document(page: &Page<'_>) -> u64 {
    page.cx
        .world
        .lock()
        .tab(page.key)
        .and_then(|tab| tab.nav.document)
        .map_or(0, |document| document.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_holds_whole_lines_within_its_budget() {
        let lines = ["aaaa", "bbbb", "cccc"];
        let window = Window::of(&lines, 0, 10);
        assert_eq!((window.end, window.text.as_str()), (2, "aaaa\nbbbb"));
        assert_eq!(Window::of(&lines, 2, 10).text, "cccc");
        assert_eq!(
            Window::of(&lines, 1, 1).text,
            "bbbb",
            "at least one line, or a cursor would never move"
        );
        assert_eq!(Window::of(&lines, 9, 10).text, "");
    }

    #[test]
    fn lines_that_contain_a_text_are_shown_in_what_they_are_in() {
        let lines = [
            "- main:",
            "  - list:",
            "    - item: Oak",
            "    - item: Elm",
            "  - button \"oak\"",
            "- footer: ash",
        ];
        let lines = lines.map(str::to_owned);
        assert_eq!(
            containing(&lines, "OAK"),
            (
                vec![
                    "- main:",
                    "  - list:",
                    "    - item: Oak",
                    "  - button \"oak\""
                ],
                2
            )
        );
        assert_eq!(containing(&lines, "footer"), (vec!["- footer: ash"], 1));
        assert_eq!(containing(&lines, "birch"), (vec![], 0));
    }

    #[test]
    fn cursors_round_trip_and_nonsense_is_none() {
        let cursor = Cursor {
            line: 12,
            document: u64::MAX,
            mode: SnapshotMode::Interactive,
        };
        assert_eq!(Cursor::read(&cursor.to_string()), Some(cursor));
        for bad in ["", "1", "1.2", "1.2.x", "-1.2.f", "1.zz.f", "1.2.f.3"] {
            assert_eq!(Cursor::read(bad), None, "{bad}");
        }
    }

    #[test]
    fn frames_are_spliced_below_their_elements_at_any_depth() {
        let lines = |lines: &[&str], frames: Vec<Holder>| FrameLines {
            lines: lines.iter().map(|line| (*line).to_owned()).collect(),
            frames,
            title: String::new(),
            url: String::new(),
            nodes: 0,
            truncated: false,
        };
        let (main, child, inner) = (FrameKey(1), FrameKey(2), FrameKey(3));
        let mut tree = Tree {
            lines: HashMap::new(),
            held: HashMap::new(),
            unreadable: Vec::new(),
            frames: 1,
        };
        tree.lines.insert(
            child,
            lines(
                &["- iframe [ref=f1e1]"],
                vec![Holder {
                    reference: 1,
                    line: 0,
                }],
            ),
        );
        tree.lines
            .insert(inner, lines(&["- button \"x\" [ref=f2e1]"], vec![]));
        tree.held.insert((main, 5), child);
        tree.held.insert((child, 1), inner);
        let spliced = tree.splice(
            main,
            lines(
                &["- list:", "  - iframe [ref=e5]", "- link"],
                vec![Holder {
                    reference: 5,
                    line: 1,
                }],
            ),
        );
        assert_eq!(
            spliced,
            [
                "- list:",
                "  - iframe [ref=e5]",
                "    - iframe [ref=f1e1]",
                "      - button \"x\" [ref=f2e1]",
                "- link"
            ]
        );
        assert_eq!(tree.frames, 3);
    }
}
