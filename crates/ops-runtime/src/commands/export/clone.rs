//! Clones that stand alone: the bridge writes the text with marks where something from elsewhere belongs, and here the marks
//! become the bytes, out of the log of requests where the browser has them, or fetched by the page out of its cache.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicU64, Ordering};

use base64::prelude::*;
use futures_util::StreamExt;
use futures_util::future::join_all;
use ops_contracts::Outcome;
use ops_contracts::seam::adapter::{Effect, Primitive};
use ops_contracts::wire::capability::Capability;
use ops_contracts::wire::command::export::{
    CloneComponentParams, CloneComponentResult, ClonePageParams, ClonePageResult, MissingAsset,
};
use ops_contracts::wire::command::network::RequestState;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::bridge::BridgeLocator;
use crate::commands::interact::frames::owner_of;
use crate::commands::own_page::OwnPage;
use crate::cx::{Cx, FrameAt, Page};
use crate::secret;

/// The most frames of a clone, and the most files.
const MAX_FRAMES: usize = 50;
const MAX_ASSETS: usize = 2_000;
/// How often a stylesheet that was fetched may name further files.
const ROUNDS: usize = 4;
/// Files that are asked for at a time, and how long each may take.
const AT_A_TIME: usize = 6;
const ASSET_TIMEOUT_MS: u64 = 5_000;
/// The most elements of a component, and of what is missing the most that are listed.
const MAX_ELEMENTS: u32 = 3_000;
const MAX_MISSING: usize = 200;
/// The class of a component's outermost element.
const PREFIX: &str = "odb-component";

/// A part of a clone as the bridge wrote it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Part {
    html: String,
    #[serde(default)]
    css: String,
    #[serde(default)]
    cut: bool,
    elements: u32,
    shadow_roots: u32,
    missing: Vec<MissingAsset>,
    assets: Vec<Asset>,
}

/// Something that belongs into a clone.
#[derive(Clone, Deserialize)]
struct Asset {
    n: u32,
    kind: AssetKind,
    url: String,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum AssetKind {
    File,
    Sheet,
}

struct Fetched {
    mime: String,
    bytes: Vec<u8>,
}

/// Everything that the marks of a clone stand for.
struct Filling<'a> {
    page: &'a Page<'a>,
    mark: String,
    next: u32,
    budget: AtomicU64,
    texts: HashMap<u32, String>,
    inlined: HashSet<String>,
    asset_bytes: u64,
    missing: Vec<MissingAsset>,
}

pub(crate) async fn page(cx: &Cx, params: ClonePageParams) -> Outcome<ClonePageResult> {
    let page = cx.page(params.target_id.as_ref())?;
    cx.waiting_for("the document");
    let mut filling = Filling::new(&page, params.max_bytes)?;
    let frames = frames_of(&page);
    // The owners get their numbers first, by which the texts name them.
    let owners = join_all(
        frames
            .iter()
            .map(|(frame, _)| async { owner_of(&page, frame.key).await.ok() }),
    )
    .await;
    let all: Vec<FrameAt> = std::iter::once(page.main_frame())
        .chain(frames.iter().map(|(frame, _)| *frame))
        .collect();
    let mark = filling.mark.clone();
    let parts = join_all(all.iter().enumerate().map(|(at, frame)| {
        let args = json!({ "mark": mark, "first": at * MAX_ASSETS });
        let page = &page;
        async move { page.bridge::<Part>(*frame, "clonePage", &args).await }
    }))
    .await;
    let mut parts = parts.into_iter();
    let main = parts
        .next()
        .unwrap_or_else(|| Err(crate::cx::unexpected()))?;
    let (mut elements, mut shadow_roots, mut wanted) =
        (main.elements, main.shadow_roots, Vec::new());
    wanted.extend(
        main.assets
            .into_iter()
            .map(|asset| (page.main_frame(), asset)),
    );
    filling.missing.extend(main.missing);
    // Frames of a frame stand in its text: (parent's number, ref) to the child's number and text.
    let mut inner: HashMap<(u32, u32), (u32, String)> = HashMap::new();
    for (((frame, parent), owner), part) in frames.iter().zip(owners).zip(parts) {
        // A frame that is gone by now is missing, and no more than that.
        let (Some(owner), Ok(part)) = (owner, part) else {
            filling.miss(
                format!("frame f{}", frame.number),
                "the frame could not be read",
            );
            continue;
        };
        elements += part.elements;
        shadow_roots += part.shadow_roots;
        wanted.extend(part.assets.into_iter().map(|asset| (*frame, asset)));
        filling.missing.extend(part.missing);
        inner.insert((*parent, owner), (frame.number, part.html));
    }
    filling.fetch_all(wanted).await;
    let html = filling.frame_text(0, &main.html, &inner, 0);
    Ok(ClonePageResult {
        bytes: html.len() as u64,
        html,
        elements,
        shadow_roots,
        frames: u32::try_from(inner.len()).unwrap_or(u32::MAX),
        assets: u32::try_from(filling.inlined.len()).unwrap_or(u32::MAX),
        asset_bytes: filling.asset_bytes,
        missing: filling.told_missing(),
    })
}

pub(crate) async fn component(
    cx: &Cx,
    params: CloneComponentParams,
) -> Outcome<CloneComponentResult> {
    let page = cx.page(params.target_id.as_ref())?;
    let frame = page.frame_of(&params.element)?;
    let own = OwnPage::open(cx).await?;
    let initials: Value = own.bridge(cx, "initials", &json!({})).await?;
    drop(own);
    let mut filling = Filling::new(&page, params.max_bytes)?;
    cx.waiting_for("the element");
    let args = json!({
        "locator": BridgeLocator::from(&params.element), "next": page.next_ref(frame), "mark": filling.mark, "initials": initials,
        "prefix": PREFIX, "most": MAX_ELEMENTS,
    });
    let part: Part = page.bridge(frame, "cloneComponent", &args).await?;
    filling.missing.extend(part.missing);
    filling
        .fetch_all(
            part.assets
                .into_iter()
                .map(|asset| (frame, asset))
                .collect(),
        )
        .await;
    Ok(CloneComponentResult {
        html: filling.fill(&part.html),
        css: filling.fill(&part.css),
        elements: part.elements,
        truncated: part.cut,
        assets: u32::try_from(filling.inlined.len()).unwrap_or(u32::MAX),
        missing: filling.told_missing(),
    })
}

/// The page's frames below its main one, each with the number of its parent.
fn frames_of(page: &Page<'_>) -> Vec<(FrameAt, u32)> {
    let state = page.cx.world.lock();
    let below = state
        .frames
        .iter()
        .filter(|frame| frame.target == page.key && frame.key != page.main);
    let number = |key| {
        if key == page.main {
            Some(0)
        } else {
            state.frame(key).map(|parent| parent.number)
        }
    };
    let with_parent = below.filter_map(|frame| {
        let parent = frame.parent.and_then(number)?;
        Some((
            FrameAt {
                key: frame.key,
                number: frame.number,
            },
            parent,
        ))
    });
    with_parent.take(MAX_FRAMES).collect()
}

impl<'a> Filling<'a> {
    fn new(page: &'a Page<'a>, budget: u64) -> Outcome<Self> {
        // Nothing that a page has written can look like a mark.
        let mark = format!("odb{}", secret::blob_id()?.as_str());
        let (texts, inlined, missing) = (HashMap::new(), HashSet::new(), Vec::new());
        let next = u32::try_from((MAX_FRAMES + 1) * MAX_ASSETS).unwrap_or(u32::MAX);
        Ok(Self {
            page,
            mark,
            next,
            budget: AtomicU64::new(budget),
            texts,
            inlined,
            asset_bytes: 0,
            missing,
        })
    }

    fn miss(&mut self, url: impl Into<String>, reason: impl Into<String>) {
        self.missing.push(MissingAsset {
            url: url.into(),
            reason: reason.into(),
        });
    }

    fn told_missing(&mut self) -> Vec<MissingAsset> {
        let mut missing = std::mem::take(&mut self.missing);
        missing.truncate(MAX_MISSING);
        missing
    }

    /// Gets what the marks stand for, and what stylesheets among it name in their turn.
    async fn fetch_all(&mut self, mut wanted: Vec<(FrameAt, Asset)>) {
        for _ in 0..ROUNDS {
            if wanted.is_empty() {
                return;
            }
            for (_, beyond) in wanted.iter().skip(MAX_ASSETS) {
                self.missing.push(MissingAsset {
                    url: beyond.url.clone(),
                    reason: "more files than a clone takes".to_owned(),
                });
                self.texts.insert(beyond.n, address(&beyond.url));
            }
            wanted.truncate(MAX_ASSETS);
            let mut urls: Vec<(FrameAt, String)> = Vec::new();
            for (frame, asset) in &wanted {
                if !urls.iter().any(|(_, url)| *url == asset.url) {
                    urls.push((*frame, asset.url.clone()));
                }
            }
            let this = &*self;
            let found: HashMap<String, Result<Fetched, String>> = futures_util::stream::iter(urls)
                .map(|(frame, url)| async move {
                    let fetched = this.fetch(frame, &url).await;
                    (url, fetched)
                })
                .buffer_unordered(AT_A_TIME)
                .collect()
                .await;
            wanted = self.put(wanted, &found).await;
        }
        for (_, asset) in wanted {
            self.texts.insert(asset.n, address(&asset.url));
        }
    }

    /// Notes what was found; gives what stylesheets name.
    async fn put(
        &mut self,
        wanted: Vec<(FrameAt, Asset)>,
        found: &HashMap<String, Result<Fetched, String>>,
    ) -> Vec<(FrameAt, Asset)> {
        let mut further = Vec::new();
        let mut told = HashSet::new();
        for (frame, asset) in wanted {
            let fetched = match found.get(&asset.url) {
                Some(Ok(fetched)) => fetched,
                Some(Err(reason)) => {
                    if told.insert(asset.url.clone()) {
                        self.miss(asset.url.clone(), reason.clone());
                    }
                    let text = if asset.kind == AssetKind::Sheet {
                        format!("@import url(\"{}\");", address(&asset.url))
                    } else {
                        address(&asset.url)
                    };
                    self.texts.insert(asset.n, text);
                    continue;
                }
                None => continue,
            };
            if self.inlined.insert(asset.url.clone()) {
                self.asset_bytes += fetched.bytes.len() as u64;
            }
            let text = if asset.kind == AssetKind::Sheet {
                let (text, named) = self.sheet(frame, &asset, fetched).await;
                further.extend(named.into_iter().map(|asset| (frame, asset)));
                text
            } else {
                format!(
                    "data:{};base64,{}",
                    fetched.mime,
                    BASE64_STANDARD.encode(&fetched.bytes)
                )
            };
            self.texts.insert(asset.n, text);
        }
        further
    }

    async fn sheet(
        &mut self,
        frame: FrameAt,
        asset: &Asset,
        fetched: &Fetched,
    ) -> (String, Vec<Asset>) {
        #[derive(Deserialize)]
        struct Sheet {
            text: String,
            assets: Vec<Asset>,
        }
        let text = String::from_utf8_lossy(&fetched.bytes);
        let args =
            json!({ "mark": self.mark, "first": self.next, "text": text, "base": asset.url });
        match self.page.bridge::<Sheet>(frame, "cloneSheet", &args).await {
            Ok(sheet) => {
                self.next += u32::try_from(sheet.assets.len()).unwrap_or(u32::MAX);
                (sheet.text, sheet.assets)
            }
            Err(_) => (String::new(), Vec::new()),
        }
    }

    /// The bytes of an address: those that the browser got for the page, else those that the page gets now.
    async fn fetch(&self, frame: FrameAt, url: &str) -> Result<Fetched, String> {
        if let Some(fetched) = self.logged(url).await {
            return self.within_budget(fetched);
        }
        #[derive(Deserialize)]
        struct Answer {
            reason: Option<String>,
            #[serde(rename = "type")]
            mime: Option<String>,
            data: Option<String>,
        }
        let left = self.budget.load(Ordering::Relaxed);
        let args = json!({ "url": url, "max": left, "timeoutMs": ASSET_TIMEOUT_MS });
        let answer: Answer = self
            .page
            .bridge(frame, "fetchAsset", &args)
            .await
            .map_err(|fault| fault.message)?;
        let Some(data) = answer.data else {
            return Err(answer.reason.unwrap_or_default());
        };
        let bytes = BASE64_STANDARD
            .decode(data)
            .map_err(|error| error.to_string())?;
        self.within_budget(Fetched {
            mime: plain(answer.mime.as_deref()),
            bytes,
        })
    }

    async fn logged(&self, url: &str) -> Option<Fetched> {
        let cx = self.page.cx;
        cx.needs(Capability::NetworkBodies).ok()?;
        let (target, request, mime) = {
            let state = cx.world.lock();
            let (records, _) = state.network.since(0);
            let answered = |state: RequestState, status: Option<u16>| {
                state == RequestState::Finished && status == Some(200)
            };
            let record = records
                .filter(|record| {
                    record.target == self.page.key
                        && record.url == url
                        && answered(record.state, record.status)
                })
                .last()?;
            (record.target, record.key, record.mime_type.clone())
        };
        match cx
            .perform(Primitive::ResponseBody { target, request })
            .await
        {
            Ok(Effect::Bytes { bytes, .. }) if !bytes.is_empty() => Some(Fetched {
                mime: plain(mime.as_deref()),
                bytes,
            }),
            _ => None,
        }
    }

    fn within_budget(&self, fetched: Fetched) -> Result<Fetched, String> {
        let size = fetched.bytes.len() as u64;
        let taken = self
            .budget
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| {
                left.checked_sub(size)
            });
        taken
            .map(|_| fetched)
            .map_err(|left| format!("{size} bytes, where {left} are left of maxBytes"))
    }

    /// A text with its marks replaced.
    fn fill(&self, text: &str) -> String {
        self.frame_text(0, text, &HashMap::new(), 0)
    }

    fn frame_text(
        &self,
        number: u32,
        text: &str,
        inner: &HashMap<(u32, u32), (u32, String)>,
        depth: u32,
    ) -> String {
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(at) = rest.find(&self.mark) {
            out.push_str(&rest[..at]);
            rest = &rest[at + self.mark.len()..];
            let Some((name, after)) = rest.split_once(';') else {
                break;
            };
            rest = after;
            let Some(n) = name.get(1..).and_then(|digits| digits.parse::<u32>().ok()) else {
                continue;
            };
            if name.starts_with('f') {
                if let (Some((child, text)), true) = (inner.get(&(number, n)), depth < 8) {
                    out.push_str(&attribute(&self.frame_text(*child, text, inner, depth + 1)));
                }
            } else if let (Some(text), true) = (self.texts.get(&n), depth < 8) {
                // A stylesheet has marks of its own.
                out.push_str(&self.frame_text(number, text, &HashMap::new(), depth + 1));
            }
        }
        out.push_str(rest);
        out
    }
}

/// A text as the value of an attribute.
fn attribute(text: &str) -> String {
    text.replace('&', "&amp;").replace('"', "&quot;")
}

/// An address that may stand in an attribute and in a stylesheet.
fn address(url: &str) -> String {
    url.replace('"', "%22")
        .replace('<', "%3C")
        .replace('\'', "%27")
        .replace('(', "%28")
        .replace(')', "%29")
}

/// A media type without its parameters.
fn plain(mime: Option<&str>) -> String {
    let name = mime
        .unwrap_or_default()
        .split(';')
        .next()
        .unwrap_or_default()
        .trim();
    let fits = !name.is_empty()
        && name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"/.+-_".contains(&b));
    if fits {
        name.to_owned()
    } else {
        "application/octet-stream".to_owned()
    }
}
