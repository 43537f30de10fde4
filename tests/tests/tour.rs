//! A tour of sites as people use them, each driven from start to finish through `odb-cli` against a real `relayd`, and
//! checked on the server's side too: in Chromium and in Firefox, with one script, and what is printed is the same.

use odb_tests::tour::{self, Difference, Tour};
use serde_json::Value;

macro_rules! tours {
    ($($name:ident: $page:literal, $script:ident;)+) => {
        $(#[test]
        fn $name() {
            tour::on_both($page, $script, DIFFERENCES);
        })+
    };
}

tours! {
    an_endless_feed_is_scrolled_liked_and_thinned: "/pages/tour/feed.html", feed;
    a_single_page_app_is_routed_through_and_edited: "/pages/tour/app.html", app;
    a_text_is_written_formatted_linked_and_published: "/pages/tour/editor.html", editor;
    a_grid_is_filtered_sorted_edited_and_thinned: "/pages/tour/grid.html", grid;
    a_payment_is_made_in_closed_roots_of_nested_frames: "/pages/tour/nested.html", nested;
    a_picture_is_drawn_and_a_film_played: "/pages/tour/media.html", media;
    a_shop_is_searched_its_cart_filled_thinned_and_an_order_placed: "/shop/", shop;
    an_application_is_filled_in_step_by_step_and_sent_with_its_file: "/pages/tour/apply.html", apply;
    a_login_is_saved_and_logs_in_again_elsewhere: "/pages/tour/login.html", login;
    a_knob_is_dragged_along_its_track: "/pages/drag.html", knob;
}

/// Where the browsers may print otherwise.
const DIFFERENCES: &[Difference] = &[Difference {
    command: "screenshot",
    line: " bytes)",
    reason: "each browser compresses pictures, and smooths edges in them, in its own way",
}];

fn feed(tour: &Tour) {
    tour.run(&["wait", "--text", "Post 15"]);
    for _ in 0..20 {
        tour.run_aside(&["scroll", "bottom"]);
        if tour.run_aside(&["get", "count", "article"]) == "75" {
            break;
        }
        tour.run_aside(&[
            "wait",
            "--function",
            "document.querySelector('#feed').ariaBusy === 'false'",
        ]);
    }
    tour.run(&["wait", "--text", "That is all"]);
    tour.shows(
        &["click", "role=button[name=\"Like post 33\"]"],
        "Like post 33",
    );
    assert_eq!(
        tour.save("like", 1),
        serde_json::json!({ "post": 33, "on": true })
    );
    tour.shows(&["snapshot", "--find", "Like post 33"], "[pressed]");
    let seen = tour.run_aside(&["--output", "json", "snapshot"]);
    let id = serde_json::from_str::<Value>(&seen).expect("a frame")["result"]["id"]
        .as_str()
        .expect("an id")
        .to_owned();
    tour.run(&["click", "role=button[name=\"Hide post 2\"]"]);
    assert_eq!(tour.save("hide", 1)["post"], 2);
    tour.shows(&["snapshot", "--since", &id], "@@ ");
    assert_eq!(tour.run(&["get", "count", "article"]), "74");
    tour.run(&["click", "role=button[name=\"To the top\"]"]);
    assert_eq!(tour.run(&["eval", "scrollY"]), "0");
}

fn app(tour: &Tour) {
    tour.shows(
        &["click", "role=link[name=\"Door squeaks\"]"],
        "view=ticket",
    );
    tour.run(&["fill", "label=Title", "Door is quiet"]);
    tour.run(&["select", "label=State", "done"]);
    tour.run(&["click", "role=button[name=\"Save\"]"]);
    assert_eq!(
        tour.save("ticket", 1),
        serde_json::json!({ "title": "Door is quiet", "state": "done" })
    );
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
    tour.run(&["wait", "role=heading[name=\"New ticket\"]"]);
    tour.shows(&["forward"], "view=list");
    tour.run(&["wait", "role=heading[name=\"Tickets\"]"]);
    assert_eq!(tour.run(&["get", "title"]), "Tickets");
    assert_eq!(
        tour.site.hits("/pages/tour/app.html"),
        1,
        "the document was loaded once"
    );
}

fn editor(tour: &Tour) {
    tour.run(&["fill", "label=Title", "Minutes"]);
    tour.run(&["type", "role=textbox[name=\"Document\"]", "Hello "]);
    tour.run(&["click", "role=button[name=\"Bold\"]"]);
    tour.run(&["type", "brave"]);
    tour.shows(&["snapshot", "-i"], "button \"Bold\" [pressed]");
    tour.run(&["click", "role=button[name=\"Bold\"]"]);
    tour.run(&["type", " world"]);
    tour.run(&["press", "Control+Shift+ArrowLeft"]);
    tour.run(&["click", "role=button[name=\"Link…\"]"]);
    tour.refused(&[
        "click",
        "role=button[name=\"Publish\"]",
        "--timeout",
        "3000",
    ]);
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
    for part in [
        "<b>brave</b>",
        "<a href=\"https://example.com/\">world</a>",
        "@grace</a>",
    ] {
        assert!(html.contains(part), "{part} in {html}");
    }
    assert!(!html.contains("@gr<"), "{html}");
}

fn grid(tour: &Tour) {
    assert_eq!(tour.run(&["get", "text", "#count"]), "1000 rows");
    tour.run(&["scroll", "#body", "down", "15000"]);
    tour.run(&["wait", "role=checkbox[name=\"Select Item 503\"]"]);
    tour.run(&["check", "role=checkbox[name=\"Select Item 503\"]"]);
    tour.run(&["fill", "label=Filter", "item 50"]);
    assert_eq!(tour.run(&["get", "text", "#count"]), "11 rows");
    assert_eq!(
        tour.run(&["is", "checked", "role=checkbox[name=\"Select Item 503\"]"]),
        "true"
    );
    tour.run(&["click", "role=button[name=\"Pieces\"]"]);
    tour.shows(&["snapshot"], "Pieces of Item 50");
    tour.run(&[
        "click",
        "role=gridcell[name=\"Pieces of Item 505\"]",
        "--double",
    ]);
    tour.run(&["fill", "role=spinbutton[name=\"New pieces\"]", "7"]);
    tour.run(&["press", "Enter"]);
    assert_eq!(
        tour.save("pieces", 1),
        serde_json::json!({ "id": 505, "pieces": 7 })
    );
    assert_eq!(
        tour.run(&["get", "text", "role=gridcell[name=\"Pieces of Item 505\"]"]),
        "7"
    );
    tour.shows(
        &["click", "role=button[name=\"Delete selected\"]"],
        "Delete 1 rows?",
    );
    tour.run(&["dialog", "accept"]);
    assert_eq!(tour.save("delete", 1), serde_json::json!({ "ids": [503] }));
    assert_eq!(tour.run(&["get", "text", "#count"]), "10 rows");
    assert_eq!(
        tour.run(&["is", "enabled", "role=button[name=\"Delete selected\"]"]),
        "false"
    );
}

/// The ref of the line of a snapshot that contains a text.
#[track_caller]
fn reference(snapshot: &str, text: &str) -> String {
    let line = snapshot
        .lines()
        .find(|line| line.contains(text))
        .unwrap_or_else(|| panic!("{text:?} in {snapshot}"));
    let named = line
        .rsplit_once("[ref=")
        .and_then(|(_, rest)| rest.split_once(']'));
    format!("@{}", named.expect("the line has a ref").0)
}

fn nested(tour: &Tour) {
    let seen = tour.run(&["snapshot"]);
    tour.run(&["fill", &reference(&seen, "\"Voucher\""), "SPRING"]);
    tour.run(&["fill", &reference(&seen, "\"Card holder\""), "Ada"]);
    tour.run(&[
        "fill",
        &reference(&seen, "\"Card number\""),
        "4242424242424242",
    ]);
    tour.run(&["click", &reference(&seen, "\"Pay 42 francs\"")]);
    assert_eq!(
        tour.save("paid", 1),
        serde_json::json!({ "holder": "Ada", "digits": 16 })
    );
    tour.run(&["wait", "--text", "Paid by Ada"]);
    tour.shows(&["snapshot", "--find", "Voucher"], "SPRING");
}

fn media(tour: &Tour) {
    tour.run(&["fill", "label=Colour", "#ff0000"]);
    tour.run(&["fill", "label=Size", "10"]);
    tour.run(&["click", "#sheet", "--position", "40,30"]);
    tour.run(&["click", "#sheet", "--position", "200,100"]);
    assert_eq!(tour.run(&["get", "text", "#strokes"]), "2");
    tour.run(&["click", "role=button[name=\"Keep drawing\"]"]);
    let drawing = tour.save("drawing", 1);
    assert_eq!(
        drawing["dots"],
        serde_json::json!([[40, 30, "#ff0000", 10], [200, 100, "#ff0000", 10]])
    );
    assert_eq!(drawing["pixel"], serde_json::json!([255, 0, 0, 255]));
    tour.run(&["screenshot", "sheet.png", "--element", "#sheet"]);
    let picture =
        std::fs::read(tour.scratch.path().join("sheet.png")).expect("the picture is written");
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

fn shop(tour: &Tour) {
    tour.run(&["fill", "role=searchbox", "mug"]);
    tour.run(&["press", "Enter"]);
    tour.run(&["wait", "--url", "/shop/search"]);
    tour.run(&["click", "role=link[name=\"Speckled Mug\"]"]);
    tour.run(&["wait", "role=heading[name=\"Speckled Mug\"]"]);
    for (glaze, quantity) in [("Oatmeal", "2"), ("Charcoal", "1")] {
        tour.run(&["select", "label=Glaze", glaze]);
        tour.run(&["fill", "label=Quantity", quantity]);
        tour.run(&["click", "role=button[name=\"Add to cart\"]"]);
        tour.run(&[
            "wait",
            "--text",
            &format!("Added {quantity} × Speckled Mug, {glaze}."),
        ]);
    }
    tour.run(&["click", "testid=cart-link"]);
    tour.run(&["wait", "--url", "/shop/cart"]);
    tour.run(&["dialog", "policy", "dismiss"]);
    tour.run(&[
        "click",
        "role=button[name=\"Remove Speckled Mug, Oatmeal\"]",
    ]);
    tour.run(&["dialog", "policy", "accept"]);
    tour.run(&[
        "click",
        "role=button[name=\"Remove Speckled Mug, Charcoal\"]",
    ]);
    tour.run(&["wait", "--text", "Removed Speckled Mug."]);
    tour.run(&["click", "role=link[name=\"Checkout\"]"]);
    tour.run(&["wait", "--url", "/shop/checkout"]);
    tour.run(&["click", "testid=place-order"]);
    tour.run(&["wait", "#problems"]);
    for (field, value) in [
        ("label=Email", "ada@example.org"),
        ("label=Full name", "Ada Lovelace"),
    ] {
        tour.run(&["fill", field, value]);
    }
    tour.run(&["select", "label=Country", "United Kingdom"]);
    tour.run(&["check", "label=Express"]);
    tour.run(&["check", "label=I accept the terms"]);
    tour.run(&["click", "role=button[name=\"Place order\"]"]);
    tour.run(&["wait", "--text", "Your order number is"]);
    let orders = tour.site.orders();
    assert_eq!(orders.len(), 1, "{orders:?}");
    assert_eq!(
        (
            orders[0].name.as_str(),
            orders[0].country.as_str(),
            orders[0].delivery.as_str()
        ),
        ("Ada Lovelace", "GB", "express")
    );
    assert_eq!(
        (
            orders[0].lines.len(),
            orders[0].lines[0].variant.as_str(),
            orders[0].lines[0].quantity
        ),
        (1, "Oatmeal", 2)
    );
}

fn apply(tour: &Tour) {
    tour.write("portfolio.txt", "forty bowls and a spoon");
    tour.run(&["click", "role=button[name=\"Continue\"]"]);
    assert_eq!(
        tour.run(&["get", "text", "role=alert"]),
        "Please correct: name, email, from, country"
    );
    tour.run(&["fill", "label=Full name", "Ada Lovelace"]);
    tour.run(&["fill", "label=Email", "ada@example.org"]);
    tour.run(&["fill", "label=From", "2027-03-01"]);
    tour.run(&["select", "label=Country", "Portugal"]);
    tour.run(&["click", "role=button[name=\"Continue\"]"]);
    tour.run(&["wait", "label=Portfolio"]);
    tour.run(&["check", "label=Clay"]);
    tour.run(&["fill", "label=Kiln temperature", "1240"]);
    tour.shows(
        &["upload", "label=Portfolio", "portfolio.txt"],
        "portfolio.txt",
    );
    assert_eq!(
        tour.run(&["get", "text", "#file"]),
        "portfolio.txt, 23 bytes"
    );
    tour.run(&["type", "label=Why us?", "Your kilns are the largest."]);
    tour.run(&["click", "role=button[name=\"Continue\"]"]);
    tour.run(&["wait", "role=button[name=\"Send application\"]"]);
    tour.run(&["click", "role=button[name=\"Back\"]"]);
    tour.run(&["check", "label=Wood"]);
    tour.run(&["click", "role=button[name=\"Continue\"]"]);
    tour.run(&["wait", "role=button[name=\"Send application\"]"]);
    tour.shows(&["get", "text", "#summary"], "wood");
    tour.run(&["click", "role=button[name=\"Send application\"]"]);
    assert_eq!(
        tour.run(&["get", "text", "role=alert"]),
        "Please accept the terms"
    );
    tour.run(&["check", "label=I have read the terms"]);
    tour.shows(
        &["click", "role=button[name=\"Send application\"]"],
        "/upload",
    );
    assert_eq!(tour.saved("step").len(), 3);
    let sent = tour
        .site
        .requests()
        .into_iter()
        .filter(|request| request.path == "/upload")
        .collect::<Vec<_>>();
    assert_eq!((sent.len(), sent[0].method.as_str()), (1, "POST"));
    for part in [
        "Ada Lovelace",
        "2027-03-01",
        "PT",
        "wood",
        "filename=\"portfolio.txt\"",
        "forty bowls and a spoon",
        "largest",
    ] {
        assert!(sent[0].body.contains(part), "{part} in {}", sent[0].body);
    }
}

fn login(tour: &Tour) {
    tour.run(&["fill", "label=User", "ada"]);
    tour.run(&["fill", "label=Password", "elm"]);
    tour.run(&["click", "role=button[name=\"Sign in\"]"]);
    tour.run(&["wait", "--text", "That is not right"]);
    tour.run(&["fill", "label=Password", "oak"]);
    tour.run(&["press", "Enter", "label=Password"]);
    tour.run(&["wait", "--text", "Signed in as ada"]);
    tour.run(&["fill", "label=Motto", "Slow is smooth"]);
    tour.run(&["click", "role=button[name=\"Keep motto\"]"]);
    assert_eq!(tour.save("motto", 1)["motto"], "Slow is smooth");
    tour.shows(&["state", "save", "ada.json"], "1 cookie");
    tour.run(&["close"]);
    let members = tour.site.url("/pages/tour/login.html");
    tour.run(&["open", &members]);
    assert_eq!(
        tour.run(&["is", "visible", "label=Password"]),
        "true",
        "a new session knows nobody"
    );
    tour.run(&[
        "open",
        &members,
        "--session",
        "again",
        "--state",
        "ada.json",
    ]);
    tour.run(&["wait", "--text", "Signed in as ada", "--session", "again"]);
    assert_eq!(
        tour.run(&["get", "value", "label=Motto", "--session", "again"]),
        "Slow is smooth"
    );
    assert_eq!(tour.save("visit", 2)["name"], "ada");
    let mut visits = tour
        .site
        .requests()
        .into_iter()
        .filter(|request| request.query == "kind=visit");
    assert!(
        visits
            .next_back()
            .is_some_and(|request| request.header("cookie") == Some("member=ada-7f3a")),
        "the server knows her"
    );
    tour.run(&[
        "click",
        "role=button[name=\"Sign out\"]",
        "--session",
        "again",
    ]);
    tour.run(&["wait", "label=Password", "--session", "again"]);
    tour.refused(&["state", "load", "nothing.json"]);
}

/// In Chromium alone: without a display Firefox makes no drag of input.
#[test]
fn cards_are_dragged_over_a_board() {
    let tour = Tour::open("/pages/drag.html");
    tour.run(&[
        "drag",
        "role=listitem[name=\"Fire the kiln\"]",
        "role=region[name=\"Done\"]",
    ]);
    tour.run(&["drag", "#oak", "#done"]);
    assert_eq!(tour.run(&["get", "count", "#done .card"]), "2");
    tour.run(&["drag", "#kiln", "#todo"]);
    assert_eq!(tour.run(&["get", "text", "#todo"]), "Fire the kiln");
    // A column that takes nothing, and one that has to be scrolled to.
    assert!(
        tour.refused(&["drag", "#kiln", "#closed"])
            .contains("ops_drop_refused")
    );
    assert_eq!(tour.run(&["get", "count", "#closed .card"]), "0");
    tour.run(&["drag", "#kiln", "#far"]);
    assert_eq!(tour.run(&["get", "count", "#far .card"]), "1");
    assert_eq!(
        tour.site.reports(),
        ["kiln-to-done", "oak-to-done", "kiln-to-todo", "kiln-to-far"]
    );
}

fn knob(tour: &Tour) {
    let knob: Value =
        serde_json::from_str(&tour.run_aside(&["get", "box", "#knob"])).expect("a box");
    let middle = |side: &str, half: f64| (knob[side].as_f64().expect("a number") + half).round();
    let (x, y) = (middle("x", 20.0), middle("y", 12.0));
    // Where things are follows from each browser's own controls.
    tour.run_aside(&[
        "mouse",
        "drag",
        &format!("{x},{y}"),
        &format!("{},{y}", x + 120.0),
    ]);
    assert_eq!(tour.run(&["get", "attr", "#knob", "aria-valuenow"]), "120");
    assert_eq!(tour.site.reports(), ["heat-120"]);
}
