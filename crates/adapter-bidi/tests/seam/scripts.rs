use std::sync::Arc;

use conformance::seam::{click, trial};
use conformance::site::Site;
use libtest_mimic::Trial;
use ops_contracts::seam::adapter::{
    Adapter as _, Bridge, ContextSpec, Effect, Modifiers, Primitive,
};

use crate::support::{adapter, config, context_spec, open, open_with, spec};

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("values_are_serialised_as_json_would", values),
        trial(
            "the_rest_of_the_bridge_is_sent_once_and_again_when_it_is_gone",
            in_parts,
        ),
        trial(
            "what_the_bridge_tells_in_the_middle_of_input_is_its_effect",
            telling,
        ),
    ]
}

async fn values() {
    let page = open().await;
    for (expression, expected) in [
        ("({u: undefined})", "{}"),
        ("[undefined, NaN, () => 1]", "[null,null,{}]"),
        ("document.body", "{}"),
        ("let zz = 4; zz", "4"),
    ] {
        assert_eq!(
            page.eval(expression).await.unwrap(),
            expected,
            "{expression}"
        );
    }
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
    let browser = adapter(config(profiles.path()))
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
        page.goto(&site.url(path)).await.unwrap();
        let called = async |name, number: u32| {
            page.bridge(name, &format!("{{\"number\":{number}}}"))
                .await
                .unwrap()
        };
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
        page.goto(&site.url(path)).await.unwrap();
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
            page.bridge("arm", "{}").await.unwrap();
            assert_eq!(press(x).await, Some(format!("told of {x}")));
            assert_eq!(press(x).await, None);
        }
        // What nobody has taken is not told of what comes later.
        page.bridge("arm", "{}").await.unwrap();
        page.input(click((70.0, 20.0), 1, Modifiers::default()))
            .await
            .unwrap();
        assert_eq!(press(80.0).await, None);
        assert_eq!(
            page.eval("typeof __odbTell").await.unwrap(),
            "\"undefined\""
        );
    }
    page.close().await;
}
