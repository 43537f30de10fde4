//! Bridge calls, expressions, and what pages say of their own accord.

use ops_contracts::seam::adapter::{
    AdapterError, Bridge, ConsoleLevel, Effect, Evaluated, Event, Primitive, ScriptError,
};

use super::super::fixture::Fixture;
use super::super::page::{Page, press, shown};
use crate::suite::Failure;
use crate::suite::check::{Outcome, equal, holds};

pub(super) async fn the_bridge_and_the_page_do_not_see_each_other(f: &Fixture) -> Outcome {
    let page = f.page().await?;
    equal(page.bridge("url", "{}").await?.as_str(), "\"about:blank\"")?;
    page.goto(&f.site.url("/plain")).await?;
    page.eval("window.pageSecret = 1").await?;
    equal(page.bridge("seen", "{}").await?.as_str(), "\"undefined\"")?;
    equal(
        page.eval("typeof __odb + typeof __odbTell + typeof pageSecret")
            .await?
            .as_str(),
        "\"undefinedundefinednumber\"",
    )?;
    let args = "{\"value\":\"a\u{2028}\\\"\\ud83d\\ude00✓\"}";
    let said: Result<String, _> = serde_json::from_str(&page.bridge("echo", args).await?);
    equal(said.ok().as_deref(), Some("a\u{2028}\"😀✓"))
}

pub(super) async fn the_rest_of_the_bridge_comes_when_it_is_first_asked_for(
    f: &Fixture,
) -> Outcome {
    let start = r#"(function start() { globalThis.__odb = { doc: document, start,
        call: (name) => (name === 'known' ? '"from the start"' : '"not yet"') }; })();"#;
    let whole = format!(
        "{start} __odb.version = 1; __odb.call = (name, args) => JSON.stringify(`${{name}} ${{args.number}} of the whole`);"
    );
    let page = f
        .page_bridged(Bridge {
            start: start.into(),
            started: &["known"],
            whole: whole.into(),
        })
        .await?;
    for path in ["/plain", "/csp", "/seam/frames"] {
        page.goto(&f.site.url(path)).await?;
        let known = page.bridge("known", "{}").await?;
        equal(known.as_str(), "\"from the start\"")?;
        let (one, other) = tokio::join!(
            page.bridge("first", "{\"number\":1}"),
            page.bridge("second", "{\"number\":2}")
        );
        equal(one?.as_str(), "\"first 1 of the whole\"")?;
        equal(other?.as_str(), "\"second 2 of the whole\"")?;
        let again = page.bridge("known", "{\"number\":3}").await?;
        equal(again.as_str(), "\"known 3 of the whole\"")?;
    }
    Ok(())
}

pub(super) async fn a_policy_against_scripts_hinders_neither_bridge_nor_expression(
    f: &Fixture,
) -> Outcome {
    let page = f.page_at("/csp").await?;
    equal(page.bridge("current", "{}").await?.as_str(), "true")?;
    equal(
        page.eval("({ a: document.title.length > 0 })")
            .await?
            .as_str(),
        r#"{"a":true}"#,
    )
}

pub(super) async fn what_the_bridge_reports_is_the_effect_of_the_input(f: &Fixture) -> Outcome {
    let page = f.page_at("/seam/blank").await?;
    page.eval("window.clicks = 0; onclick = () => { clicks += 1; }; 0")
        .await?;
    let reported = async |x: f64| match page
        .perform(Primitive::InputTold {
            target: page.target,
            frame: page.frame,
            actions: press((x, 20.0)),
        })
        .await?
    {
        Effect::Text(text) => Ok(Some(text)),
        Effect::Done => Ok(None),
        other => Err(Failure::new(format!("{other:?}"))),
    };
    for x in [50.0, 60.0] {
        page.bridge("arm", "{}").await?;
        let text = reported(x).await?;
        // Input may be confirmed first: then that is its end.
        let expected = format!("told of {x}");
        holds(
            text.as_ref().is_none_or(|text| *text == expected),
            format!("{text:?} is not {expected:?}"),
        )?;
        // An answer of the bridge comes behind all that it has reported.
        page.bridge("current", "{}").await?;
        equal(reported(x).await?, None)?;
    }
    equal(page.eval("clicks").await?.as_str(), "4")
}

pub(super) async fn values_are_json_and_others_are_source_text(f: &Fixture) -> Outcome {
    let page = f.page().await?;
    for (expression, expected) in [
        ("1 + 1", "2"),
        ("'é\\u2713\"'", "\"é✓\\\"\""),
        ("null", "null"),
        (
            "({a: [1, {b: true}, 'x', null]})",
            r#"{"a":[1,{"b":true},"x",null]}"#,
        ),
        ("undefined", "undefined"),
        ("NaN", "NaN"),
        ("-0", "-0"),
        ("12n", "12n"),
    ] {
        equal(page.eval(expression).await?.as_str(), expected)?;
    }
    let unserializable = page.eval_in(page.frame, "undefined").await?;
    holds(
        matches!(unserializable, Evaluated::Unserializable(_)),
        "undefined is none of JSON's values",
    )?;
    let cyclic = "(() => { const a = {}; a.a = a; return a; })()";
    thrown(&page, cyclic).await.map(drop)
}

async fn thrown(page: &Page, expression: &str) -> Result<ScriptError, Failure> {
    match page.eval_in(page.frame, expression).await? {
        Evaluated::Threw(error) => Ok(error),
        other => Err(Failure::new(format!("{expression} gave {}", shown(other)))),
    }
}

pub(super) async fn exceptions_are_told_and_promises_awaited_on_request(f: &Fixture) -> Outcome {
    let page = f.page().await?;
    for (expression, end) in [
        ("1;\n  throw new TypeError('bad')", "TypeError: bad"),
        ("Promise.reject(new RangeError('no'))", "RangeError: no"),
        ("(() => { throw 5 })()", "5"),
    ] {
        let error = thrown(&page, expression).await?;
        holds(
            error.text.ends_with(end),
            format!("{error:?} ends with {end}"),
        )?;
    }
    equal(
        thrown(&page, "1;\n  throw new Error('x')").await?.line,
        Some(2),
    )?;
    let error = thrown(&page, "1 +").await?;
    holds(error.text.contains("SyntaxError"), format!("{error:?}"))?;
    let later = "new Promise((done) => setTimeout(() => done(7), 10))";
    equal(page.eval(later).await?.as_str(), "7")?;
    let promise = Primitive::Evaluate {
        target: page.target,
        frame: page.frame,
        expression: "new Promise(() => {})".to_owned(),
        await_promise: false,
    };
    match page.perform(promise).await? {
        Effect::Evaluated(Evaluated::Value(value)) => equal(value.get(), "{}"),
        other => Err(Failure::new(format!("{other:?}"))),
    }
}

pub(super) async fn large_results_arrive_whole(f: &Fixture) -> Outcome {
    let page = f.page().await?;
    let text: Result<String, _> = serde_json::from_str(&page.eval("'é'.repeat(1e6)").await?);
    let text = text.map_err(|error| Failure::new(error.to_string()))?;
    equal(text.chars().count(), 1_000_000)?;
    let echoed = page
        .bridge("echo", &format!("{{\"value\":\"{text}\"}}"))
        .await?;
    holds(
        echoed == format!("\"{text}\""),
        format!("{} bytes came back of {}", echoed.len(), text.len() + 2),
    )
}

pub(super) async fn console_and_uncaught_exceptions_are_reported(f: &Fixture) -> Outcome {
    let page = f.page_at("/plain").await?;
    page.eval("console.log('a', 1); console.info('i'); console.warn('w'); console.error('e'); console.debug('d'); 0").await?;
    for (wanted, level) in [
        ("a 1", ConsoleLevel::Log),
        ("i", ConsoleLevel::Info),
        ("w", ConsoleLevel::Warn),
        ("e", ConsoleLevel::Error),
        ("d", ConsoleLevel::Debug),
    ] {
        let found = page.events.after(0, wanted, |event| match event {
            Event::Console {
                text,
                level,
                timestamp_ms,
                ..
            } if text == wanted => Some((*level, *timestamp_ms > 1_600_000_000_000)),
            _ => None,
        });
        equal(found.await?, (level, true))?;
    }
    page.eval("setTimeout(() => { throw new TypeError('late') }); Promise.reject(new Error('unhandled')); 0").await?;
    for wanted in ["TypeError: late", "Error: unhandled"] {
        page.events
            .after(0, wanted, |event| {
                matches!(event, Event::Exception { text, .. } if text == wanted).then_some(())
            })
            .await?;
    }
    Ok(())
}

pub(super) async fn messages_of_workers_belong_to_their_page(f: &Fixture) -> Outcome {
    let page = f.page_at("/seam/worker").await?;
    equal(page.events.console(0, "from worker").await?, page.target)
}

/// Checks that a call was lost in this way.
#[track_caller]
pub(super) fn lost<T: std::fmt::Debug>(
    outcome: Result<T, AdapterError>,
    error: AdapterError,
) -> Outcome {
    match outcome {
        // It has a code, by which a case is judged whose capability is absent.
        Err(found @ AdapterError::Unsupported { .. }) => Err(found.into()),
        Err(found) => equal(found, error),
        Ok(found) => holds(false, format!("expected {error:?}, found {found:?}")),
    }
}
