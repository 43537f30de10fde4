//! Bridge calls, expressions and what pages say of their own accord.

use adapter_cdp::CdpAdapter;
use libtest_mimic::Trial;
use ops_contracts::seam::adapter::{
    Adapter as _, Bridge, ConsoleLevel, ContextSpec, Effect, Evaluated, Event, InputAction,
    Modifiers, MouseButton, Primitive,
};

use super::support::{Page, Site, config, context_spec, html, open, open_with, spec, trial};

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial(
            "the_bridge_runs_in_a_world_that_the_page_cannot_see",
            isolated,
        ),
        trial(
            "the_rest_of_the_bridge_comes_when_it_is_first_asked_for",
            in_parts,
        ),
        trial("what_the_bridge_tells_is_the_end_of_the_input", telling),
        trial(
            "an_expression_comes_to_a_value_a_source_text_or_an_exception",
            evaluated,
        ),
        trial(
            "console_messages_and_exceptions_are_told_with_level_and_place",
            console,
        ),
        trial("messages_of_workers_belong_to_their_page", workers),
        trial("large_results_arrive_whole", large),
    ]
}

async fn isolated() {
    let page = open().await;
    let site = Site::serve([(
        "/",
        html("<title>t</title><script>window.pageSecret = 1</script>"),
    )])
    .await;
    assert_eq!(page.bridge("url", "{}").await, "\"about:blank\"");
    page.goto(&site.url("/")).await;
    assert_eq!(page.bridge("title", "{}").await, "\"t\"");
    assert_eq!(page.bridge("seen", "{}").await, "\"undefined\"");
    assert_eq!(
        page.eval("typeof __odb + typeof pageSecret").await,
        "\"undefinednumber\""
    );
    let args = "{\"value\":\"a\u{2028}\\\"\\ud83d\\ude00✓\"}";
    assert_eq!(page.bridge("echo", args).await, "\"a\u{2028}\\\"😀✓\"");
    page.close().await;
}

/// A page whose bridge is this one.
async fn open_bridged(bridge: Bridge) -> Page {
    let profiles = tempfile::tempdir().unwrap();
    let browser = CdpAdapter::new(config(profiles.path()))
        .launch(spec())
        .await
        .unwrap();
    open_with(
        ContextSpec {
            bridge,
            ..context_spec()
        },
        browser,
        profiles,
    )
    .await
}

async fn in_parts() {
    let start = "globalThis.__odb = { call: (name) => (name === 'known' ? '\"from the start\"' : '\"not yet\"') };";
    let whole = "globalThis.__odb = { call: (name, args) => JSON.stringify(`${name} ${args.number} of the whole`) };";
    let page = open_bridged(Bridge {
        start: start.into(),
        started: &["known"],
        whole: whole.into(),
    })
    .await;
    let site = Site::serve([
        ("/", html("<iframe src=/inner></iframe>")),
        ("/inner", html("<p>inner</p>")),
        ("/next", html("<p>next</p>")),
    ])
    .await;
    for path in ["/", "/next"] {
        page.goto(&site.url(path)).await;
        assert_eq!(
            page.bridge("known", "{}").await,
            "\"from the start\"",
            "{path}"
        );
        let both = tokio::join!(
            page.bridge("first", "{\"number\":1}"),
            page.bridge("second", "{\"number\":2}")
        );
        assert_eq!(
            (both.0.as_str(), both.1.as_str()),
            ("\"first 1 of the whole\"", "\"second 2 of the whole\""),
            "{path}"
        );
        assert_eq!(
            page.bridge("known", "{\"number\":3}").await,
            "\"known 3 of the whole\"",
            "{path}"
        );
    }
    page.close().await;
}

async fn telling() {
    let bridge = "globalThis.__odb = { call: () => 'null' };\n\
         addEventListener('click', (event) => { if (event.clientX < 100) __odbTell(`told of ${event.clientX}`); });";
    let page = open_bridged(bridge.into()).await;
    let site = Site::serve([("/", html("<body style='height:100vh'></body>"))]).await;
    page.goto(&site.url("/")).await;
    let click = async |x: f64| {
        let press = InputAction::MouseDown {
            x,
            y: 20.0,
            button: MouseButton::Left,
            click_count: 1,
            modifiers: Modifiers::default(),
        };
        let release = InputAction::MouseUp {
            x,
            y: 20.0,
            button: MouseButton::Left,
            click_count: 1,
            modifiers: Modifiers::default(),
        };
        let input = Primitive::InputTold {
            target: page.target,
            frame: page.frame,
            actions: vec![press, release],
        };
        let told = match page.perform(input).await.unwrap() {
            Effect::Text(text) => Some(text),
            Effect::Done => None,
            other => panic!("{other:?}"),
        };
        // An answer of the bridge comes behind all that it has told.
        assert_eq!(page.bridge("armed", "{}").await, "null");
        told
    };
    for _ in 0..3 {
        // The confirmation may come first: then it is the end, and what is told later is nobody's.
        let near = click(50.0).await;
        assert!(
            near.is_none() || near.as_deref() == Some("told of 50"),
            "{near:?}"
        );
        assert_eq!(click(150.0).await, None);
    }
    assert_eq!(page.eval("typeof __odbTell").await, "\"undefined\"");
    page.close().await;
}

async fn evaluated() {
    let page = open().await;
    assert_eq!(
        page.eval("({a: [1, 'x', null]})").await,
        "{\"a\":[1,\"x\",null]}"
    );
    assert_eq!(page.eval("Promise.resolve(5)").await, "5");
    for (expression, source) in [
        ("undefined", "undefined"),
        ("NaN", "NaN"),
        ("-0", "-0"),
        ("10n", "10n"),
    ] {
        let Evaluated::Unserializable(text) = page.eval_in(page.frame, expression).await.unwrap()
        else {
            panic!()
        };
        assert_eq!(text, source);
    }
    for (expression, message) in [
        (
            "null.x",
            "TypeError: Cannot read properties of null (reading 'x')",
        ),
        ("1 +", "SyntaxError: Unexpected end of input"),
        ("Promise.reject(new RangeError('r'))", "RangeError: r"),
        ("throw 5", "5"),
    ] {
        let expression = if expression.starts_with("throw") {
            "(() => { throw 5 })()"
        } else {
            expression
        };
        let Evaluated::Threw(error) = page.eval_in(page.frame, expression).await.unwrap() else {
            panic!("{expression}")
        };
        assert!(error.text.ends_with(message), "{error:?}");
    }
    let cyclic = page
        .eval_in(page.frame, "const o = {}; o.o = o; o")
        .await
        .unwrap();
    assert!(matches!(cyclic, Evaluated::Threw(_)), "{cyclic:?}");
    page.close().await;
}

async fn console() {
    let page = open().await;
    let site = Site::serve([(
        "/",
        html("<script>console.warn('w %d', 7, {a: 1});\nsetTimeout(() => { throw new TypeError('boom') })</script><img src=/404>"),
    ), ("/404", super::support::response("404 Not Found", "", ""))])
    .await;
    page.goto(&site.url("/")).await;
    let location = page.events.first(|event| match event {
        Event::Console {
            level: ConsoleLevel::Warn,
            text,
            location,
            timestamp_ms,
            ..
        } if text == "w 7 {a: 1}" => {
            assert!(*timestamp_ms > 1_600_000_000_000);
            location.clone()
        }
        _ => None,
    });
    assert_eq!(location.await, format!("{}:1:17", site.url("/")));
    let (text, stack) = page
        .events
        .first(|event| match event {
            Event::Exception { text, stack, .. } => Some((text.clone(), stack.clone())),
            _ => None,
        })
        .await;
    assert_eq!(text, "TypeError: boom");
    assert!(stack.unwrap().starts_with("at http://127.0.0.1:"));
    page.events
        .first(|event| match event {
            Event::Console {
                level: ConsoleLevel::Error,
                text,
                ..
            } if text.contains("404") => Some(()),
            _ => None,
        })
        .await;
    page.close().await;
}

async fn workers() {
    let page = open().await;
    let site = Site::serve([
        ("/", html("<script>new Worker('/w.js')</script>")),
        (
            "/w.js",
            super::support::response(
                "200 OK",
                "Content-Type: text/javascript\r\n",
                "console.log('from worker')",
            ),
        ),
    ])
    .await;
    page.goto(&site.url("/")).await;
    let teller = page
        .events
        .first(|event| match event {
            Event::Console { target, text, .. } if text == "from worker" => Some(*target),
            _ => None,
        })
        .await;
    assert_eq!(teller, page.target);
    page.close().await;
}

async fn large() {
    let page = open().await;
    let text: String = serde_json::from_str(&page.eval("'é'.repeat(3e6)").await).unwrap();
    assert_eq!(text.chars().count(), 3_000_000);
    let echoed = page
        .bridge("echo", &format!("{{\"value\":\"{text}\"}}"))
        .await;
    assert_eq!(echoed, format!("\"{text}\""));
    page.close().await;
}
