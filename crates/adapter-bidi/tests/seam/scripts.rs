use std::sync::Arc;

use adapter_bidi::BidiAdapter;
use conformance::site::Site;
use libtest_mimic::Trial;
use ops_contracts::seam::adapter::{
    Adapter as _, Bridge, ContextSpec, Effect, Evaluated, Modifiers, Primitive,
};

use crate::support::{click, config, context_spec, open, open_with, spec, trial};

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("values_come_back_as_json_and_others_as_source", values),
        trial(
            "exceptions_have_a_place_and_promises_are_awaited_on_request",
            exceptions,
        ),
        trial("the_bridge_and_the_page_do_not_see_each_other", worlds),
        trial(
            "the_rest_of_the_bridge_comes_when_it_is_first_asked_for_and_again_when_it_is_gone",
            in_parts,
        ),
        trial(
            "what_the_bridge_tells_in_the_middle_of_input_is_its_effect",
            telling,
        ),
        trial(
            "a_policy_against_scripts_hinders_neither_the_bridge_nor_an_expression",
            policy,
        ),
        trial("the_console_and_uncaught_exceptions_are_told", console),
    ]
}

async fn values() {
    let page = open().await;
    for (expression, expected) in [
        ("1+1", "2"),
        ("'é\\u2713\"'", "\"é✓\\\"\""),
        ("null", "null"),
        ("({a:[1,{b:true}],u:undefined})", r#"{"a":[1,{"b":true}]}"#),
        ("[undefined, NaN, () => 1]", "[null,null,{}]"),
        ("document.body", "{}"),
        ("let zz = 4; zz", "4"),
        ("undefined", "Unserializable(\"undefined\")"),
        ("NaN", "Unserializable(\"NaN\")"),
        ("-0", "Unserializable(\"-0\")"),
        ("12n", "Unserializable(\"12n\")"),
    ] {
        assert_eq!(page.eval(expression).await, expected, "{expression}");
    }
    let circular = page
        .eval("(() => { const a = {}; a.a = a; return a; })()")
        .await;
    assert!(circular.starts_with("Threw"), "{circular}");
    page.close().await;
}

async fn exceptions() {
    let page = open().await;
    let Evaluated::Threw(error) = page
        .eval_in(page.frame, "1;\n  throw new TypeError('bad')")
        .await
        .unwrap()
    else {
        panic!()
    };
    assert_eq!((&*error.text, error.line), ("TypeError: bad", Some(2)));
    let Evaluated::Threw(error) = page.eval_in(page.frame, "1+").await.unwrap() else {
        panic!()
    };
    assert!(error.text.starts_with("SyntaxError"), "{error:?}");
    assert_eq!(
        page.eval("new Promise((done) => setTimeout(() => done(7), 10))")
            .await,
        "7"
    );
    let Evaluated::Threw(error) = page
        .eval_in(page.frame, "Promise.reject(new Error('no'))")
        .await
        .unwrap()
    else {
        panic!()
    };
    assert_eq!(error.text, "Error: no");
    let promise = Primitive::Evaluate {
        target: page.target,
        frame: page.frame,
        expression: "new Promise(() => {})".to_owned(),
        await_promise: false,
    };
    let Effect::Evaluated(Evaluated::Value(value)) = page.perform(promise).await.unwrap() else {
        panic!()
    };
    assert_eq!(value.get(), "{}");
    page.close().await;
}

async fn worlds() {
    let page = open().await;
    let site = Site::start().unwrap();
    page.goto(&site.url("/plain")).await;
    page.eval("window.pageSecret = 1").await;
    assert_eq!(page.bridge("seen", "{}").await, "\"undefined\"");
    assert_eq!(
        page.eval("typeof __odb + typeof __odbTell").await,
        "\"undefinedundefined\""
    );
    assert_eq!(
        page.bridge("echo", r#"{"value":"é✓ \" \\ 😀"}"#).await,
        "\"é✓ \\\" \\\\ 😀\""
    );
    page.close().await;
}

async fn in_parts() {
    // The whole counts how often it was sent, and can be made to forget itself.
    let start = r#"(function start() { globalThis.__odb = { doc: document, start,
        call: (name) => (name === 'known' ? '"from the start"' : '"not yet"') }; })();"#;
    let whole = format!(
        r"{start} globalThis.__odbSent = (globalThis.__odbSent ?? 0) + 1; __odb.version = 1;
        __odb.call = (name, args) => {{
            if (name === 'forget') __odb.start();
            return JSON.stringify(`${{name}} ${{args.number}} of the ${{globalThis.__odbSent}}.`);
        }};"
    );
    let profiles = Arc::new(tempfile::tempdir().unwrap());
    let browser = BidiAdapter::new(config(profiles.path()))
        .launch(spec())
        .await
        .unwrap();
    let bridge = Bridge {
        start: start.into(),
        started: &["known"],
        whole: whole.into(),
    };
    let page = open_with(
        ContextSpec {
            bridge,
            ..context_spec()
        },
        browser,
        profiles,
    )
    .await;
    let site = Site::start().unwrap();
    for path in ["/plain", "/csp"] {
        page.goto(&site.url(path)).await;
        let called =
            async |name, number: u32| page.bridge(name, &format!("{{\"number\":{number}}}")).await;
        assert_eq!(called("known", 1).await, "\"from the start\"", "{path}");
        assert_eq!(called("first", 2).await, "\"first 2 of the 1.\"", "{path}");
        assert_eq!(
            called("second", 3).await,
            "\"second 3 of the 1.\"",
            "{path}: it is there, and not sent again"
        );
        assert_eq!(
            called("forget", 4).await,
            "\"forget 4 of the 1.\"",
            "{path}"
        );
        assert_eq!(
            called("third", 5).await,
            "\"third 5 of the 2.\"",
            "{path}: what is gone is sent again"
        );
    }
    page.close().await;
}

async fn telling() {
    let page = open().await;
    let site = Site::start().unwrap();
    for path in ["/plain", "/csp"] {
        page.goto(&site.url(path)).await;
        let press = async |x: f64| {
            let actions = click((x, 20.0), 1, Modifiers::default());
            match page
                .perform(Primitive::InputTold {
                    target: page.target,
                    frame: page.frame,
                    actions,
                })
                .await
                .unwrap()
            {
                Effect::Text(text) => Some(text),
                Effect::Done => None,
                other => panic!("{other:?}"),
            }
        };
        for x in [50.0, 60.0] {
            page.bridge("tell", "{}").await;
            assert_eq!(press(x).await, Some(format!("told of {x}")));
            assert_eq!(press(x).await, None);
        }
        // What nobody has taken is not told of what comes later.
        page.bridge("tell", "{}").await;
        page.input(click((70.0, 20.0), 1, Modifiers::default()))
            .await
            .unwrap();
        assert_eq!(press(80.0).await, None);
        assert_eq!(page.eval("typeof __odbTell").await, "\"undefined\"");
    }
    page.close().await;
}

async fn policy() {
    let page = open().await;
    let site = Site::start().unwrap();
    page.goto(&site.url("/csp")).await;
    assert_eq!(page.bridge("current", "{}").await, "true");
    assert_eq!(
        page.eval("({ a: document.title.length > 0 })").await,
        r#"{"a":true}"#
    );
    page.close().await;
}

async fn console() {
    use ops_contracts::seam::adapter::{ConsoleLevel, Event};
    let page = open().await;
    let site = Site::start().unwrap();
    page.goto(&site.url("/plain")).await;
    page.eval("console.log('a', 1); console.info('i'); console.warn('w'); console.error('e'); console.debug('d'); 0").await;
    for (wanted, expected) in [
        ("a 1", ConsoleLevel::Log),
        ("i", ConsoleLevel::Info),
        ("w", ConsoleLevel::Warn),
        ("e", ConsoleLevel::Error),
        ("d", ConsoleLevel::Debug),
    ] {
        let pick = |event: &Event| match event {
            Event::Console {
                text,
                level,
                timestamp_ms,
                ..
            } if text == wanted => Some((*level, *timestamp_ms)),
            _ => None,
        };
        let (level, at) = page.events.first(pick).await;
        assert_eq!(level, expected, "{wanted}");
        assert!(at > 1_600_000_000_000);
    }
    page.eval("setTimeout(() => { throw new TypeError('late') }); Promise.reject(new Error('unhandled')); 0").await;
    for wanted in ["TypeError: late", "Error: unhandled"] {
        page.events
            .first(|event| {
                matches!(event, Event::Exception { text, .. } if text == wanted).then_some(())
            })
            .await;
    }
    page.close().await;
}
