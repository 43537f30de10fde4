//! Results as a user sees them.

use ops_client::Reply;

use super::*;
use crate::failure::Failure;

#[track_caller]
fn shows(command: &str, json: &str, text: &str) {
    assert_eq!(result(command.parse().unwrap(), json).text, text);
}

fn receipt(more: &str) -> String {
    let base = r#""navigated":false,"documentChanged":false,"urlBefore":"http://a/","urlAfter":"http://a/","popups":[],"downloads":[],"changed":true,"settledBy":"handled","attempts":1"#;
    let element = r#""element":{"ref":"e12","role":"button","name":"Add to cart","tag":"button"}"#;
    let mut fields: serde_json::Map<String, serde_json::Value> =
        serde_json::from_str(&format!("{{{base},{element}}}")).unwrap();
    fields.extend(
        serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(&format!("{{{more}}}"))
            .unwrap(),
    );
    serde_json::to_string(&fields).unwrap()
}

#[test]
fn actions_say_what_was_observed() {
    let click = |more: &str, text: &str| {
        shows(
            "interact.click",
            &format!(r#"{{"receipt":{}}}"#, receipt(more)),
            text,
        )
    };
    click("", "clicked button \"Add to cart\" [e12] → changed");
    click(
        r#""changed":false"#,
        "clicked button \"Add to cart\" [e12] → no change seen",
    );
    click(
        r#""clicks":0"#,
        "clicked button \"Add to cart\" [e12] → changed\nno click came of it: something else was under the pointer at the release",
    );
    click(r#""changed":null"#, "clicked button \"Add to cart\" [e12]");
    click(
        r#""navigated":true,"documentChanged":true,"urlAfter":"http://a/cart","settledBy":"navigation","attempts":2"#,
        "clicked button \"Add to cart\" [e12] → http://a/cart (new page) (at attempt 2)",
    );
    click(
        r#""popups":["t2"],"downloads":[{"url":"http://a/f","suggestedName":"f.pdf"}]"#,
        "clicked button \"Add to cart\" [e12] → changed\nnew tab t2: odb-cli tabs use t2\ndownload began: f.pdf from http://a/f",
    );
    click(
        r#""changed":null,"settledBy":"dialog","dialogOpened":{"kind":"confirm","message":"Sure?","targetId":"t1"}"#,
        "clicked button \"Add to cart\" [e12]\nconfirm dialog is open in t1: \"Sure?\"\nanswer it: odb-cli dialog accept, or odb-cli dialog dismiss",
    );
    shows(
        "interact.fill",
        &format!(r#"{{"value":"x","receipt":{}}}"#, receipt("")),
        "value \"x\" in button \"Add to cart\" [e12] → changed",
    );
    shows(
        "interact.check",
        &format!(
            r#"{{"checked":true,"receipt":{}}}"#,
            receipt(r#""attempts":0"#)
        ),
        "checked button \"Add to cart\" [e12] (it was so already)",
    );
}

#[test]
fn facts_are_bare() {
    shows("dom.title", r#"{"value":"Shop \"1\""}"#, "Shop \"1\"");
    shows("dom.count", r#"{"value":3}"#, "3");
    shows("dom.eval", r#"{"value":"plain"}"#, "plain");
    shows("dom.eval", r#"{"value":{"a":[1]}}"#, r#"{"a":[1]}"#);
    shows(
        "dom.eval",
        r#"{"value":null,"unserializable":"undefined"}"#,
        "undefined",
    );
    shows("dom.value", r#"{"value":"a","values":["a","b"]}"#, "a\nb");
    shows("dom.attr", r#"{"value":null}"#, "");
    let state =
        r#"{"visible":true,"enabled":false,"checked":null,"editable":true,"focused":false}"#;
    assert_eq!(answer(Question::Visible, state).text, "true");
    assert_eq!(answer(Question::Enabled, state).text, "false");
    assert_eq!(
        (
            answer(Question::Checked, state).text.as_str(),
            answer(Question::Checked, state).notes.len()
        ),
        ("false", 1)
    );
    assert_eq!(
        result(
            "dom.text".parse().unwrap(),
            r#"{"value":"a","truncated":true}"#
        )
        .notes
        .len(),
        1
    );
}

#[test]
fn pages_are_shown_with_what_is_missing() {
    let snapshot = |more: &str| {
        format!(
            r#"{{"targetId":"t1","url":"http://a/","title":"Shop","text":"main\n  button \"Go\" [e1]\n","frames":1,{more}}}"#
        )
    };
    shows(
        "dom.snapshot",
        &snapshot(r#""lines":2,"omitted":0"#),
        "\"Shop\" http://a/ [t1]\nmain\n  button \"Go\" [e1]",
    );
    shows(
        "dom.snapshot",
        &snapshot(
            r#""lines":42,"omitted":40,"cursor":"c1","unreadableFrames":[{"frame":"f2","reason":"gone"}]"#,
        ),
        "\"Shop\" http://a/ [t1]\nmain\n  button \"Go\" [e1]\nframe f2 could not be read: gone\n40 of 42 lines are left out; go on with: odb-cli snapshot --cursor c1 (and the same flags)",
    );
    shows(
        "nav.goto",
        r#"{"targetId":"t1","url":"http://a/b","status":404,"title":"No","redirects":[{"status":302,"url":"http://a/"}],"documentChanged":true,"reached":"load"}"#,
        "http://a/b \"No\" (404)\nredirected from http://a/ (302)",
    );
    shows(
        "nav.goto",
        r#"{"targetId":"t1","url":"http://a/#b","redirects":[],"documentChanged":false,"reached":"load"}"#,
        "http://a/#b within the same document",
    );
    shows(
        "nav.reload",
        r#"{"targetId":"t1","url":"http://a/","redirects":[],"documentChanged":false,"reached":"load","dialogOpened":{"kind":"beforeunload","message":"","targetId":"t1"}}"#,
        "http://a/ not left\nbeforeunload dialog is open in t1: \"\"\nanswer it: odb-cli dialog accept, or odb-cli dialog dismiss",
    );
    shows("dom.find", r#"{"count":0,"matches":[]}"#, "no match");
    shows(
        "dom.find",
        r#"{"count":3,"matches":[{"ref":"e1","role":"link","name":"A","tag":"a","text":"A","visible":true},{"ref":"e2","role":"","name":"","tag":"div","text":"x","visible":false}]}"#,
        "e1 link \"A\"\ne2 div \"\" (not visible): x\n1 more: --limit shows them",
    );
    shows(
        "targets.list",
        r#"{"targets":[{"targetId":"t1","url":"http://a/","title":"A","current":true},{"targetId":"t2","url":"http://b/","title":"","current":false,"openerId":"t1","crashed":true}]}"#,
        "* t1 http://a/ \"A\"\n  t2 http://b/ \"\" (opened by t1) (crashed: odb-cli reload revives it)",
    );
    shows("dialog.status", r#"{"dialog":null}"#, "no dialog is open");
    shows(
        "interact.scroll",
        r#"{"before":{"x":0,"y":0},"after":{"x":0,"y":300},"moved":true}"#,
        "scrolled from 0,0 to 0,300",
    );
}

#[test]
fn what_is_not_understood_is_shown_as_json() {
    shows("dom.count", r#"{"total":3}"#, "{\n  \"total\": 3\n}");
}

#[test]
fn a_lease_is_never_shown() {
    let lease = "ab".repeat(32);
    let json = format!(
        r#"{{"sessionId":"{}","leaseId":"{lease}","leaseExpiresAt":"2030-01-01T00:00:00Z","dropped":2}}"#,
        "cd".repeat(16)
    );
    let text = result("session.reclaim".parse().unwrap(), &json).text;
    assert!(
        text.contains("2 queued") && !text.contains(&lease),
        "{text}"
    );
}

#[test]
fn errors_name_code_facts_and_what_to_do() {
    let frame = r#"{"type":"ops_error","requestId":"r","error":{"code":"ops_element_ambiguous","message":"2 elements match text=Add","retryable":false,"errorSource":"ops","requestId":"r","details":{"count":2,"candidates":[{"ref":"e1","role":"button","name":"Add","tag":"button"},{"ref":"e2","role":"","name":"Add","tag":"div"}]}}}"#;
    let reply = Box::new(Reply::parse(frame.to_owned()).unwrap());
    let text = error::text(&Failure::Refused {
        reply,
        advice: None,
    });
    assert_eq!(
        text,
        "error: ops_element_ambiguous: 2 elements match text=Add\n  candidates:\n    e1 button \"Add\"\n    e2 div \"Add\"\n  count: 2\nhint: Use a ref of the candidates, a narrower locator, or nth"
    );
    let frame = r#"{"type":"ops_error","requestId":"r","error":{"code":"ops_element_not_found","message":"no element matches css=Sign in","retryable":true,"errorSource":"ops","requestId":"r","details":{"locator":"css=Sign in"}}}"#;
    let reply = Box::new(Reply::parse(frame.to_owned()).unwrap());
    let text = error::text(&Failure::Refused {
        reply,
        advice: None,
    });
    assert!(
        text.ends_with("by what is shown it is text=\"Sign in\" or role=button[name=\"Sign in\"]"),
        "{text}"
    );
    let frame = r#"{"type":"ops_error","requestId":"r","error":{"code":"ops_of_tomorrow","message":"new","retryAfterMs":5}}"#;
    let reply = Box::new(Reply::parse(frame.to_owned()).unwrap());
    assert_eq!(
        error::text(&Failure::Refused {
            reply,
            advice: None
        }),
        "error: ops_of_tomorrow: new\nhint: try again after 5 ms"
    );
}

#[test]
fn marks_of_page_text_stay_whole_and_unquoted_inside_a_line() {
    let nonce = "6fe034ae1acc3049c286ffd5bf264fe8";
    let marked = |text: &str| {
        format!("<page-text nonce=\"{nonce}\">\n{text}\n</page-text nonce=\"{nonce}\">")
    };
    let (begin, end) = (
        format!("<page-text nonce=\"{nonce}\">"),
        format!("</page-text nonce=\"{nonce}\">"),
    );
    assert_eq!(
        quoted(&marked("a \"b\"\nc"), 80),
        format!(r#"{begin}"a \"b\" c"{end}"#)
    );
    assert_eq!(
        short(&marked(&"x".repeat(500)), 3),
        format!("{begin}xxx…{end}")
    );
    // What only looks like marks is text.
    let forged = format!("<page-text nonce=\"{nonce}\"> and no end");
    assert_eq!(short(&forged, 10), "<page-text…");
}
