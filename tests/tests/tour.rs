//! A tour of sites as people use them, each driven from start to finish through `odb-cli` against a real `relayd`, and
//! checked on the server's side too.

use std::process::Command;

use conformance::site::Site;
use odb_tests::PATIENCE;
use odb_tests::relay::{Relay, program};
use serde_json::Value;
use tempfile::TempDir;

/// A relay, a site, and the command line between them.
struct Tour {
    relay: Relay,
    site: Site,
    scratch: TempDir,
}

impl Tour {
    /// Opens a page of the site.
    fn open(page: &str) -> Self {
        let scratch = tempfile::tempdir().expect("there is room");
        let relay = Relay::start(&scratch);
        let tour = Self { relay, site: Site::start().expect("the site starts"), scratch };
        tour.run(&["open", &tour.site.url(page)]);
        tour
    }

    fn output(&self, words: &[&str]) -> (bool, String, String) {
        let mut command = Command::new(program("odb-cli"));
        command.arg("--home").arg(self.relay.home()).args(words).current_dir(self.scratch.path());
        let output = command.env("HOME", self.scratch.path()).output().expect("odb-cli runs");
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("odb-cli prints text").trim_end().to_owned();
        (output.status.success(), text(output.stdout), text(output.stderr))
    }

    /// Runs a command that succeeds; what it prints.
    #[track_caller]
    fn run(&self, words: &[&str]) -> String {
        let (good, out, err) = self.output(words);
        assert!(good, "odb-cli {words:?}: {err}\n{out}");
        out
    }

    /// Runs a command that is refused; what it says.
    #[track_caller]
    fn refused(&self, words: &[&str]) -> String {
        let (good, out, err) = self.output(words);
        assert!(!good, "odb-cli {words:?} was taken: {out}");
        err
    }

    /// Runs a command whose output contains a text.
    #[track_caller]
    fn shows(&self, words: &[&str], text: &str) -> String {
        let out = self.run(words);
        assert!(out.contains(text), "odb-cli {words:?} lacks {text:?}:\n{out}");
        out
    }

    /// What pages of the site have saved so far under a kind, in order.
    fn saved(&self, kind: &str) -> Vec<Value> {
        let query = format!("kind={kind}");
        let requests = self.site.requests().into_iter().filter(|request| request.path == "/echo" && request.query == query);
        requests.map(|request| serde_json::from_str(&request.body).expect("pages save JSON")).collect()
    }

    /// Waits until pages have saved `count` things under a kind; the last of them.
    #[track_caller]
    fn save(&self, kind: &str, count: usize) -> Value {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime starts");
        let before = self.saved(kind).len();
        if before < count {
            // Any request may be the one; each look counts what there is.
            runtime.block_on(async {
                for hits in self.site.hits("/echo") + 1.. {
                    let came = self.site.wait_for_hits("/echo", hits, PATIENCE).await;
                    if !came || self.saved(kind).len() >= count {
                        break;
                    }
                }
            });
        }
        let saved = self.saved(kind);
        assert_eq!(saved.len(), count, "{kind}: {saved:?}");
        saved.last().cloned().unwrap_or_default()
    }
}

#[test]
fn an_endless_feed_is_scrolled_liked_and_thinned() {
    let tour = Tour::open("/pages/tour/feed.html");
    tour.run(&["wait", "--text", "Post 15"]);
    for _ in 0..20 {
        tour.run(&["scroll", "bottom"]);
        if tour.run(&["get", "count", "article"]) == "75" {
            break;
        }
        tour.run(&["wait", "--function", "document.querySelector('#feed').ariaBusy === 'false'"]);
    }
    tour.run(&["wait", "--text", "That is all"]);
    tour.shows(&["click", "role=button[name=\"Like post 33\"]"], "Like post 33");
    assert_eq!(tour.save("like", 1), serde_json::json!({ "post": 33, "on": true }));
    tour.shows(&["snapshot", "--find", "Like post 33"], "[pressed]");
    let seen = tour.run(&["--output", "json", "snapshot"]);
    let id = serde_json::from_str::<Value>(&seen).expect("a frame")["result"]["id"].as_str().expect("an id").to_owned();
    tour.run(&["click", "role=button[name=\"Hide post 2\"]"]);
    assert_eq!(tour.save("hide", 1)["post"], 2);
    tour.shows(&["snapshot", "--since", &id], "@@ ");
    assert_eq!(tour.run(&["get", "count", "article"]), "74");
    tour.run(&["click", "role=button[name=\"To the top\"]"]);
    assert_eq!(tour.run(&["eval", "scrollY"]), "0");
}

#[test]
fn a_single_page_app_is_routed_through_and_edited() {
    let tour = Tour::open("/pages/tour/app.html");
    tour.shows(&["click", "role=link[name=\"Door squeaks\"]"], "view=ticket");
    tour.run(&["fill", "label=Title", "Door is quiet"]);
    tour.run(&["select", "label=State", "done"]);
    tour.run(&["click", "role=button[name=\"Save\"]"]);
    assert_eq!(tour.save("ticket", 1), serde_json::json!({ "title": "Door is quiet", "state": "done" }));
    tour.run(&["wait", "--text", "Door is quiet"]);
    tour.run(&["click", "role=link[name=\"New ticket\"]"]);
    tour.run(&["wait", "role=button[name=\"Create\"]"]);
    tour.run(&["click", "role=button[name=\"Create\"]"]);
    tour.run(&["fill", "label=Title", "Tea is cold"]);
    tour.run(&["check", "label=Urgent"]);
    tour.run(&["press", "Enter", "label=Title"]);
    assert_eq!(tour.save("ticket", 2)["urgent"], "on");
    tour.run(&["wait", "--text", "urgent"]);
    tour.shows(&["get", "text", "main"], "Tea is cold");
    tour.shows(&["back"], "view=new");
    tour.run(&["wait", "--text", "New ticket"]);
    tour.shows(&["forward"], "view=list");
    tour.run(&["wait", "role=heading[name=\"Tickets\"]"]);
    assert_eq!(tour.run(&["get", "title"]), "Tickets");
    assert_eq!(tour.site.hits("/pages/tour/app.html"), 1, "the document was loaded once");
}

#[test]
fn a_text_is_written_formatted_linked_and_published() {
    let tour = Tour::open("/pages/tour/editor.html");
    tour.run(&["fill", "label=Title", "Minutes"]);
    tour.run(&["type", "role=textbox[name=\"Document\"]", "Hello "]);
    tour.run(&["click", "role=button[name=\"Bold\"]"]);
    tour.run(&["type", "brave"]);
    tour.shows(&["snapshot", "-i"], "button \"Bold\" [pressed]");
    tour.run(&["click", "role=button[name=\"Bold\"]"]);
    tour.run(&["type", " world"]);
    tour.run(&["press", "Control+Shift+ArrowLeft"]);
    tour.run(&["click", "role=button[name=\"Link…\"]"]);
    tour.refused(&["click", "role=button[name=\"Publish\"]", "--timeout", "3000"]);
    tour.run(&["fill", "label=Address", "https://example.com/"]);
    tour.run(&["click", "role=button[name=\"Insert\"]"]);
    tour.run(&["press", "End", "role=textbox[name=\"Document\"]"]);
    tour.run(&["type", " by @gr"]);
    tour.run(&["click", "role=option[name=\"grace\"]"]);
    tour.run(&["wait", "--text", "Saved"]);
    tour.run(&["click", "role=button[name=\"Publish\"]"]);
    let published = tour.save("publish", 1);
    assert_eq!(published["title"], "Minutes");
    let html = published["html"].as_str().expect("its markup");
    for part in ["<b>brave</b>", "<a href=\"https://example.com/\">world</a>", "@grace</a>"] {
        assert!(html.contains(part), "{part} in {html}");
    }
    assert!(!html.contains("@gr<"), "{html}");
}

#[test]
fn a_grid_is_filtered_sorted_edited_and_thinned() {
    let tour = Tour::open("/pages/tour/grid.html");
    assert_eq!(tour.run(&["get", "text", "#count"]), "1000 rows");
    tour.run(&["scroll", "#body", "down", "15000"]);
    tour.run(&["wait", "role=checkbox[name=\"Select Item 503\"]"]);
    tour.run(&["check", "role=checkbox[name=\"Select Item 503\"]"]);
    tour.run(&["fill", "label=Filter", "item 50"]);
    assert_eq!(tour.run(&["get", "text", "#count"]), "11 rows");
    assert_eq!(tour.run(&["is", "checked", "role=checkbox[name=\"Select Item 503\"]"]), "true");
    tour.run(&["click", "role=button[name=\"Pieces\"]"]);
    tour.shows(&["snapshot"], "Pieces of Item 50");
    tour.run(&["click", "role=gridcell[name=\"Pieces of Item 505\"]", "--double"]);
    tour.run(&["fill", "role=spinbutton[name=\"New pieces\"]", "7"]);
    tour.run(&["press", "Enter"]);
    assert_eq!(tour.save("pieces", 1), serde_json::json!({ "id": 505, "pieces": 7 }));
    assert_eq!(tour.run(&["get", "text", "role=gridcell[name=\"Pieces of Item 505\"]"]), "7");
    tour.shows(&["click", "role=button[name=\"Delete selected\"]"], "Delete 1 rows?");
    tour.run(&["dialog", "accept"]);
    assert_eq!(tour.save("delete", 1), serde_json::json!({ "ids": [503] }));
    assert_eq!(tour.run(&["get", "text", "#count"]), "10 rows");
    assert_eq!(tour.run(&["is", "enabled", "role=button[name=\"Delete selected\"]"]), "false");
}

/// The ref of the line of a snapshot that contains a text.
#[track_caller]
fn reference(snapshot: &str, text: &str) -> String {
    let line = snapshot.lines().find(|line| line.contains(text)).unwrap_or_else(|| panic!("{text:?} in {snapshot}"));
    let named = line.rsplit_once("[ref=").and_then(|(_, rest)| rest.split_once(']'));
    format!("@{}", named.expect("the line has a ref").0)
}

#[test]
fn a_payment_is_made_in_closed_roots_of_nested_frames() {
    let tour = Tour::open("/pages/tour/nested.html");
    let seen = tour.run(&["snapshot"]);
    tour.run(&["fill", &reference(&seen, "\"Voucher\""), "SPRING"]);
    tour.run(&["fill", &reference(&seen, "\"Card holder\""), "Ada"]);
    tour.run(&["fill", &reference(&seen, "\"Card number\""), "4242424242424242"]);
    tour.run(&["click", &reference(&seen, "\"Pay 42 francs\"")]);
    assert_eq!(tour.save("paid", 1), serde_json::json!({ "holder": "Ada", "digits": 16 }));
    tour.run(&["wait", "--text", "Paid by Ada"]);
    tour.shows(&["snapshot", "--find", "Voucher"], "SPRING");
}

#[test]
fn a_picture_is_drawn_and_a_film_played() {
    let tour = Tour::open("/pages/tour/media.html");
    tour.run(&["fill", "label=Colour", "#ff0000"]);
    tour.run(&["fill", "label=Size", "10"]);
    tour.run(&["click", "#sheet", "--position", "40,30"]);
    tour.run(&["click", "#sheet", "--position", "200,100"]);
    assert_eq!(tour.run(&["get", "text", "#strokes"]), "2");
    tour.run(&["click", "role=button[name=\"Keep drawing\"]"]);
    let drawing = tour.save("drawing", 1);
    assert_eq!(drawing["dots"], serde_json::json!([[40, 30, "#ff0000", 10], [200, 100, "#ff0000", 10]]));
    assert_eq!(drawing["pixel"], serde_json::json!([255, 0, 0, 255]));
    tour.run(&["screenshot", "sheet.png", "--element", "#sheet"]);
    let picture = std::fs::read(tour.scratch.path().join("sheet.png")).expect("the picture is written");
    assert!(picture.starts_with(b"\x89PNG"), "it is a PNG");
    tour.run(&["click", "role=button[name=\"Play\"]"]);
    tour.run(&["click", "#sheet", "--position", "100,50"]);
    tour.run(&["wait", "--text", "Playing"]);
    tour.run(&["click", "role=button[name=\"Pause\"]"]);
    tour.run(&["wait", "--text", "Paused"]);
    tour.run(&["press", "End", "role=slider[name=\"Volume\"]"]);
    tour.run(&["press", "ArrowLeft"]);
    assert_eq!(tour.save("volume", 2)["now"], 9);
    tour.shows(&["snapshot"], "slider \"Volume\"");
}
