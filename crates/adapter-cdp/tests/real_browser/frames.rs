//! Frames of any depth and site.

use libtest_mimic::Trial;
use ops_contracts::seam::adapter::{
    AdapterError, Effect, Event, FrameKey, InputAction, Modifiers, MouseButton, Primitive,
};

use super::support::{Page, Site, bridge, html, open, trial};

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial(
            "nested_frames_of_any_site_answer_the_bridge_and_know_their_owner",
            nested,
        ),
        trial(
            "a_frame_keeps_its_key_when_it_moves_to_another_process_and_back",
            moves,
        ),
        trial("a_removed_frame_is_gone_with_its_children", removed),
        trial(
            "a_frame_that_waits_for_its_first_document_answers_the_bridge",
            waiting,
        ),
        trial("clicks_and_text_reach_a_frame_of_another_site", input),
    ]
}

async fn committed(page: &Page, mark: usize, wanted: &str) -> FrameKey {
    page.events
        .after(mark, |event| match event {
            Event::NavigationCommitted { frame, url, .. } if url == wanted => Some(*frame),
            _ => None,
        })
        .await
}

async fn site() -> Site {
    Site::serve([
        ("/", html("<iframe id=same src=/inner></iframe><iframe id=other src='http://localhost:{port}/deep'></iframe>")),
        ("/inner", html("<title>inner</title><input id=i>")),
        ("/deep", html("<title>deep</title><iframe id=deeper src='http://127.0.0.1:{port}/deepest'></iframe><iframe id=near src=/near></iframe>")),
        ("/deepest", html("<title>deepest</title>")),
        ("/near", html("<title>near</title>")),
        ("/form", html("<iframe id=other width=300 height=200 src='http://localhost:{port}/field'></iframe>")),
        ("/field", html("<style>*{margin:0}</style><input id=field style='width:200px;height:100px' onclick=\"console.log('clicked', event.isTrusted)\">")),
    ])
    .await
}

async fn owner(page: &Page, frame: FrameKey, child: FrameKey) -> String {
    match page
        .perform(bridge(page.target, frame, "owner", "{}", Some(child)))
        .await
        .unwrap()
    {
        Effect::Text(text) => text,
        other => panic!("{other:?}"),
    }
}

async fn nested() {
    let page = open().await;
    let site = site().await;
    page.goto(&site.url("/")).await;
    let inner = committed(&page, 0, &site.url("/inner")).await;
    let deep = committed(&page, 0, &site.elsewhere("/deep")).await;
    let deepest = committed(&page, 0, &site.url("/deepest")).await;
    let near = committed(&page, 0, &site.elsewhere("/near")).await;
    for (frame, title) in [
        (inner, "inner"),
        (deep, "deep"),
        (deepest, "deepest"),
        (near, "near"),
    ] {
        assert_eq!(
            page.bridge_in(frame, "title", "{}").await.unwrap(),
            format!("\"{title}\"")
        );
        assert_eq!(
            page.bridge_in(frame, "seen", "{}").await.unwrap(),
            "\"undefined\""
        );
    }
    for _ in 0..2 {
        assert_eq!(owner(&page, page.frame, inner).await, "\"iframe#same\"");
        assert_eq!(owner(&page, page.frame, deep).await, "\"iframe#other\"");
        assert_eq!(owner(&page, deep, deepest).await, "\"iframe#deeper\"");
        assert_eq!(owner(&page, deep, near).await, "\"iframe#near\"");
    }
    let wrong = page
        .perform(bridge(
            page.target,
            page.frame,
            "owner",
            "{}",
            Some(deepest),
        ))
        .await;
    assert_eq!(wrong.unwrap_err(), AdapterError::FrameGone);
    let parents: Vec<_> = page
        .events
        .all()
        .into_iter()
        .filter_map(|event| match event {
            Event::FrameAttached { frame, parent, .. } => Some((frame, parent)),
            _ => None,
        })
        .collect();
    for edge in [
        (inner, page.frame),
        (deep, page.frame),
        (deepest, deep),
        (near, deep),
    ] {
        assert_eq!(parents.iter().filter(|known| **known == edge).count(), 1);
    }
    assert_eq!(parents.len(), 4);
    page.close().await;
}

async fn moves() {
    let page = open().await;
    let site = site().await;
    page.goto(&site.url("/")).await;
    let frame = committed(&page, 0, &site.url("/inner")).await;
    for round in 0..2 {
        let mark = page.events.mark();
        page.eval(&format!("same.src = '{}'", site.url("/near")))
            .await;
        assert_eq!(
            committed(&page, mark, &site.url("/near")).await,
            frame,
            "round {round}"
        );
        assert_eq!(
            page.bridge_in(frame, "title", "{}").await.unwrap(),
            "\"near\""
        );
        let mark = page.events.mark();
        page.eval(&format!("same.src = '{}'", site.elsewhere("/near")))
            .await;
        assert_eq!(
            committed(&page, mark, &site.elsewhere("/near")).await,
            frame,
            "round {round}"
        );
        assert_eq!(
            page.bridge_in(frame, "title", "{}").await.unwrap(),
            "\"near\""
        );
        let mark = page.events.mark();
        page.eval(&format!("same.src = '{}'", site.url("/inner")))
            .await;
        assert_eq!(
            committed(&page, mark, &site.url("/inner")).await,
            frame,
            "round {round}"
        );
        assert_eq!(
            page.bridge_in(frame, "title", "{}").await.unwrap(),
            "\"inner\""
        );
    }
    assert!(
        !page.events.all().iter().any(
            |event| matches!(event, Event::FrameDetached { frame: gone, .. } if *gone == frame)
        )
    );
    page.close().await;
}

async fn removed() {
    let page = open().await;
    let site = site().await;
    page.goto(&site.url("/")).await;
    let deep = committed(&page, 0, &site.elsewhere("/deep")).await;
    let deepest = committed(&page, 0, &site.url("/deepest")).await;
    page.eval("other.remove()").await;
    for gone in [deep, deepest] {
        page.events
            .first(|event| {
                matches!(event, Event::FrameDetached { frame, .. } if *frame == gone).then_some(())
            })
            .await;
        assert_eq!(
            page.bridge_in(gone, "title", "{}").await.unwrap_err(),
            AdapterError::FrameGone
        );
    }
    page.close().await;
}

async fn waiting() {
    let page = open().await;
    let site = Site::serve([(
        "/",
        html("<script>onload = 0</script><iframe src=/never></iframe>"),
    )])
    .await;
    let navigate = Primitive::Navigate {
        target: page.target,
        url: site.url("/"),
    };
    page.perform(navigate).await.unwrap();
    let frame = page
        .events
        .first(|event| match event {
            Event::FrameAttached { frame, .. } => Some(*frame),
            _ => None,
        })
        .await;
    assert_eq!(
        page.bridge_in(frame, "url", "{}").await.unwrap(),
        "\"about:blank\""
    );
    assert_eq!(
        page.bridge_in(frame, "url", "{}").await.unwrap(),
        "\"about:blank\""
    );
    page.close().await;
}

async fn input() {
    let page = open().await;
    let site = site().await;
    page.goto(&site.url("/form")).await;
    let frame = committed(&page, 0, &site.elsewhere("/field")).await;
    let (x, y) = page.center("#other").await;
    let modifiers = Modifiers::default();
    let (button, click_count) = (MouseButton::Left, 1);
    // Until the frame is drawn for the first time the browser does not know that it is there.
    page.perform(Primitive::Screenshot {
        target: page.target,
        format: Default::default(),
        quality: None,
        clip: None,
        full_page: false,
    })
    .await
    .unwrap();
    let actions = vec![
        InputAction::MouseMove {
            x: x - 50.0,
            y: y - 50.0,
            modifiers,
            held: None,
        },
        InputAction::MouseDown {
            x: x - 50.0,
            y: y - 50.0,
            button,
            click_count,
            modifiers,
        },
        InputAction::MouseUp {
            x: x - 50.0,
            y: y - 50.0,
            button,
            click_count,
            modifiers,
        },
    ];
    page.perform(Primitive::Input {
        target: page.target,
        actions,
    })
    .await
    .unwrap();
    page.events
        .first(|event| {
            matches!(event, Event::Console { text, .. } if text == "clicked true").then_some(())
        })
        .await;
    let mut actions = vec![InputAction::InsertText {
        text: "é✓".to_owned(),
    }];
    for phase in [true, false] {
        let key = ops_contracts::seam::adapter::Keystroke {
            key: "a".into(),
            code: "KeyA".into(),
            key_code: 65,
            location: 0,
            text: phase.then(|| "a".to_owned()),
        };
        actions.push(if phase {
            InputAction::KeyDown { key, modifiers }
        } else {
            InputAction::KeyUp { key, modifiers }
        });
    }
    page.perform(Primitive::Input {
        target: page.target,
        actions,
    })
    .await
    .unwrap();
    let ops_contracts::seam::adapter::Evaluated::Value(value) =
        page.eval_in(frame, "field.value").await.unwrap()
    else {
        panic!()
    };
    let text: String = serde_json::from_str(value.get()).unwrap();
    assert_eq!(text, "é✓a");
    page.close().await;
}
