//! The bundled files and the two generated pages. Every feature page writes what happened to it into `#out` (the last thing)
//! and `#log` (all of it), and reports clicks that matter through `/report?id=…`.
//!
//! | page | for | ids it reports |
//! | --- | --- | --- |
//! | `dialogs.html` | alert, confirm, prompt, one from a timer, beforeunload | `alert`, `confirm-true`, `confirm-false`, `prompt`, `later` |
//! | `frames.html` | same-origin frame > same-origin frame > cross-site frame > frame | `top`, `inner`, `nested`, `far`, `farthest` |
//! | `shadow.html` | nested open roots, one closed, slots | `outer-shadow`, `inner-shadow`, `closed-shadow`, `slotted` |
//! | `forms.html` | every input type, controlled and masked inputs, labels, ARIA widgets | `submit` |
//! | `cover.html` | overlays, sticky header, passing clicks through | `covered`, `overlay`, `under-header`, `header`, `uncovered`, `through`, `split`, `child`, `wrapped` |
//! | `moving.html` | moving, replaced and fleeing buttons | `slider`, `replaced`, `ticking`, `runaway`, `swapped`, `decoy`, `steady` |
//! | `popup.html` | `window.open`, `target=_blank` with and without opener | `popup` |
//! | `drag.html` | native drags, what follows the mouse, touch | `CARD-to-COLUMN`, `heat-N`, `tapped` |
//! | `network.html` | fetches of the page, a worker, a frame of the other site, a popup | `WHO-NAME`, `slow-200`, `drop-TypeError`, what `/echo` told |
//! | `files.html` | inputs, a chooser, links to downloads | – |
//! | `spa.html` | a router with delayed rendering | `route-NAME` |
//! | `console.html` | console messages, exceptions, rejections | – |
//! | `long.html` | a list that grows, nested scrollers | `item-N`, `deep`, `bottom` |
//! | `timers.html` | things that appear, vanish, change, enable | `appeared`, `enabled` |
//! | `acting.html` | lists of its own, zoomed and scaled parts, panes, an editor, what vanishes under the pointer | `fruit-NAME`, `city-NAME`, `size-NAME`, `zoomed`, `scaled`, `in-pane`, `pane-header`, `vanishing`, `beneath`, `old`, `new` |
//! | `keys.html` | each key event, written down | – |
//! | `stealing.html` | fields that hand the focus on, and a page that takes it away from its frames | – |
//! | `crashy.html` | a main thread that is busy for a while | `alive` |
//! | `table.html?rows=N` | 3 N interactive nodes | `edit-N` |
//! | `ax/*.html`, `bridge/*.html` | markup as real sites have it, for comparing roles and names with a browser's own | – |
//! | `tour/*.html` | an endless feed, a routed app, an editor, a grid, nested frames, a studio, an application in steps, a login; they save to `/echo?kind=…` | – |
//! | `thousand-frames.html?n=N` | N `srcdoc` frames | `frame-N` |

use hyper::StatusCode;

use super::reply::{HTML, Reply, fill, html, join, reply, small_page};
use super::serve::Asked;

const CSS: &str = "text/css; charset=utf-8";
const JS: &str = "text/javascript; charset=utf-8";
const MAX_ROWS: u64 = 20_000;
const MAX_FRAMES: u64 = 2_000;

/// A file of the site.
#[derive(Debug, Clone, Copy)]
pub struct Page {
    /// The path that it is served at.
    pub path: &'static str,
    /// The value of `content-type`.
    pub content_type: &'static str,
    /// The text; in HTML `{{cross}}` becomes the other origin of the same server.
    pub body: &'static str,
}

macro_rules! table {
    ($($content_type:ident $folder:literal $file:literal,)*) => {
        &[$(Page {
            path: concat!($folder, $file),
            content_type: $content_type,
            body: include_str!(concat!("../../pages/", $file)),
        },)*]
    };
}

/// The bundled files that are served as they are. Row: type, folder of the address, file (the address is folder and file).
pub const PAGES: &[Page] = table! {
    CSS "/pages/" "lab.css",
    JS "/pages/" "lab.js",
    HTML "/pages/" "dialogs.html",
    HTML "/pages/" "frames.html",
    HTML "/pages/" "frames/inner.html",
    HTML "/pages/" "frames/nested.html",
    HTML "/pages/" "frames/far.html",
    HTML "/pages/" "frames/farthest.html",
    HTML "/pages/" "shadow.html",
    HTML "/pages/" "forms.html",
    JS "/pages/" "forms.js",
    HTML "/pages/" "cover.html",
    HTML "/pages/" "moving.html",
    HTML "/pages/" "popup.html",
    HTML "/pages/" "popup-target.html",
    HTML "/pages/" "spa.html",
    HTML "/pages/" "console.html",
    HTML "/pages/" "long.html",
    HTML "/pages/" "drag.html",
    HTML "/pages/" "network.html",
    HTML "/pages/" "network-child.html",
    JS "/pages/" "network-worker.js",
    HTML "/pages/" "files.html",
    HTML "/pages/" "timers.html",
    HTML "/pages/" "keys.html",
    HTML "/pages/" "acting.html",
    HTML "/pages/" "stealing.html",
    HTML "/pages/" "stealing-login.html",
    HTML "/pages/" "crashy.html",
    HTML "/pages/" "clone.html",
    CSS "/pages/" "clone.css",
    CSS "/pages/" "clone-more.css",
    CSS "/pages/" "clone-far.css",
    HTML "/pages/" "ax/header.html",
    HTML "/pages/" "ax/settings.html",
    HTML "/pages/" "ax/widgets.html",
    HTML "/pages/" "ax/grids.html",
    HTML "/pages/" "ax/overlays.html",
    HTML "/pages/" "ax/shadow.html",
    HTML "/pages/" "ax/standard.html",
    HTML "/pages/" "ax/frames.html",
    HTML "/pages/" "ax/frame-inner.html",
    HTML "/pages/" "bridge/names.html",
    HTML "/pages/" "bridge/labels.html",
    HTML "/pages/" "bridge/custom-widgets.html",
    HTML "/pages/" "bridge/editables.html",
    HTML "/pages/" "bridge/hidden-states.html",
    HTML "/pages/" "bridge/modal.html",
    HTML "/pages/" "bridge/selects.html",
    HTML "/pages/" "bridge/shadow-roots.html",
    HTML "/pages/" "bridge/tables.html",
    JS "/pages/" "tour/tour.js",
    HTML "/pages/" "tour/feed.html",
    HTML "/pages/" "tour/app.html",
    HTML "/pages/" "tour/editor.html",
    HTML "/pages/" "tour/grid.html",
    HTML "/pages/" "tour/nested.html",
    HTML "/pages/" "tour/payment.html",
    HTML "/pages/" "tour/media.html",
    HTML "/pages/" "tour/apply.html",
    HTML "/pages/" "tour/login.html",
    CSS "/" "shop/shop.css",
    JS "/" "shop/shop.js",
};

/// What the list at `/` names beside the HTML files.
const OTHERS: &[&str] = &[
    "/shop/",
    "/pages/table.html?rows=100",
    "/pages/thousand-frames.html?n=100",
    "/plain",
    "/status/404",
    "/redirect/3",
    "/redirect-to?url=/plain",
    "/slow?ms=1000",
    "/slow-body?ms=1000",
    "/never",
    "/never-loads",
    "/drop",
    "/download/file.txt",
    "/big?kib=64",
    "/echo",
    "/json",
    "/set-cookie?flavour=oak",
    "/csp",
    "/xorigin-frame",
];

pub(super) fn find(extra: &[Page], asked: &Asked) -> Option<Reply> {
    if let Some(page) = extra
        .iter()
        .chain(PAGES)
        .find(|page| page.path == asked.path)
    {
        let changing = page.content_type == HTML && page.body.contains("{{cross}}");
        let body = if changing {
            page.body.replace("{{cross}}", &asked.cross).into()
        } else {
            bytes::Bytes::from_static(page.body.as_bytes())
        };
        return Some(reply(StatusCode::OK, page.content_type, body));
    }
    match asked.path.as_str() {
        "/" => Some(html(index())),
        "/pages/table.html" => Some(html(rows(asked.query.number("rows", 100, MAX_ROWS)))),
        "/pages/thousand-frames.html" => {
            Some(html(frames(asked.query.number("n", 1000, MAX_FRAMES))))
        }
        _ => None,
    }
}

fn index() -> String {
    let files = PAGES
        .iter()
        .filter(|page| page.content_type == HTML)
        .map(|page| page.path);
    let items = join(OTHERS.iter().copied().chain(files), |path| {
        format!("<li><a href=\"{path}\">{path}</a></li>")
    });
    small_page("The test site", &format!("<ul>{items}</ul>"))
}

fn rows(count: u64) -> String {
    let rows = join(1..=count, |n| {
        format!(
            "<tr id=\"row-{n}\"><td><input type=\"checkbox\" aria-label=\"Select row {n}\"></td><td><a href=\"#row-{n}\">Order {n}</a></td>\
             <td><button type=\"button\" data-row=\"{n}\">Edit {n}</button></td></tr>\n"
        )
    });
    fill(
        include_str!("../../pages/table.html"),
        &[("rows", &rows), ("count", &count.to_string())],
    )
}

fn frames(count: u64) -> String {
    let frames = join(1..=count, |n| {
        format!(
            "<iframe title=\"Frame {n}\" width=\"120\" height=\"44\" srcdoc=\"<!doctype html><button \
             onclick=&quot;fetch('/report?id=frame-{n}',{{method:'POST',keepalive:true}});this.textContent='Done {n}'&quot;>Press {n}</button>\"></iframe>\n"
        )
    });
    fill(
        include_str!("../../pages/thousand-frames.html"),
        &[("frames", &frames), ("count", &count.to_string())],
    )
}
