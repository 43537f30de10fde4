//! Form controls and keys: every input type, what must not be filled, real key events.

use ops_contracts::ErrorCode;
use ops_contracts::wire::command::interact::{OptionChoice, PressParams};
use ops_contracts::wire::command::{
    DomState, DomValue, InteractCheck, InteractClear, InteractFill, InteractFocus, InteractPress,
    InteractSelect, InteractType, InteractUncheck,
};
use ops_contracts::wire::locator::Locator;

use super::super::check::{Outcome, contains, equal, holds, refused, reported};
use super::super::fixture::{Failure, Fixture, Refused, Session};
use super::super::verbs::{button, element, fill, keys, press, read, select};

pub(super) async fn every_text_like_input_takes_its_value(f: &Fixture) -> Outcome {
    let session = f.session().await?;
    session.goto("/pages/forms.html").await?;
    for (control, value) in [
        ("#text", "Grüße, 世界 ✓"),
        ("label=\"Email\"", "a@b.example"),
        ("label=\"Search\"", "vase"),
        ("label=\"Telephone\"", "+49 30 1234"),
        ("label=\"Web address\"", "https://kiln.example/"),
        ("label=\"Number\"", "25"),
        ("label=\"Range\"", "7"),
        ("label=\"Date\"", "2026-02-28"),
        ("label=\"Time\"", "13:37"),
        ("label=\"Date and time\"", "2026-02-28T13:37"),
        ("label=\"Month\"", "2026-02"),
        ("label=\"Week\"", "2026-W09"),
        ("label=\"Colour\"", "#00ff7f"),
        ("label=\"Area\"", "two\nlines"),
        ("label=\"At most five\"", "12345"),
        ("#controlled", "kept"),
    ] {
        let filled = session.fill(control, value).await?;
        equal(filled.value.as_str(), value)
            .map_err(|failure| Failure::new(format!("{control}: {failure}")))?;
        equal(session.value(control).await?.as_str(), value)?;
        equal(filled.receipt.changed, Some(true))?;
    }
    equal(session.text("#controlled-state").await?.as_str(), "kept")?;
    let again = session.fill("#text", "Grüße, 世界 ✓").await?;
    equal(again.receipt.changed, Some(false))
}

pub(super) async fn a_masked_input_keeps_its_signs(f: &Fixture) -> Outcome {
    let session = f.session().await?;
    session.goto("/pages/forms.html").await?;
    equal(
        session.fill("#phone", "5551234567").await?.value.as_str(),
        "(555) 123-4567",
    )?;
    equal(
        session.fill("#editable", "New text").await?.value.as_str(),
        "New text",
    )?;
    equal(session.text("#editable").await?.as_str(), "New text")
}

pub(super) async fn a_value_that_was_not_taken_is_an_error(f: &Fixture) -> Outcome {
    let session = f.session().await?;
    session.goto("/pages/forms.html").await?;
    for (control, value) in [
        ("label=\"At most five\"", "123456"),
        ("#no-digits", "a1"),
        ("label=\"Date\"", "tomorrow"),
        ("label=\"Number\"", "many"),
    ] {
        let fault = refused(
            session.fill(control, value).await,
            ErrorCode::OpsValueRejected,
        );
        fault.map_err(|failure| Failure::new(format!("{control}: {failure}")))?;
    }
    Ok(())
}

pub(super) async fn what_takes_no_value_is_refused(f: &Fixture) -> Outcome {
    let session = f.session().await?;
    session.goto("/pages/forms.html").await?;
    for (control, code) in [
        ("label=\"Disabled\"", ErrorCode::OpsElementDisabled),
        ("label=\"In the group\"", ErrorCode::OpsElementDisabled),
        ("label=\"Read only\"", ErrorCode::OpsElementNotEditable),
        (
            "role=button[name=\"Submit\"]",
            ErrorCode::OpsElementWrongType,
        ),
        ("label=\"Check one\"", ErrorCode::OpsElementWrongType),
        ("label=\"File\"", ErrorCode::OpsElementWrongType),
    ] {
        refused(session.fill(control, "x").await, code)
            .map_err(|failure| Failure::new(format!("{control}: {failure}")))?;
    }
    Ok(())
}

pub(super) async fn clear_empties_a_control(f: &Fixture) -> Outcome {
    let session = f.session().await?;
    session.goto("/pages/forms.html").await?;
    session
        .call::<InteractFill>(&fill("#text", "something"))
        .await?;
    equal(
        session
            .call::<InteractClear>(&element("#text"))
            .await?
            .value
            .as_str(),
        "",
    )?;
    equal(session.value("#text").await?.as_str(), "")?;
    equal(
        session
            .call::<InteractClear>(&element("#text"))
            .await?
            .receipt
            .changed,
        Some(false),
    )
}

pub(super) async fn boxes_are_checked_and_unchecked(f: &Fixture) -> Outcome {
    let session = f.session().await?;
    session.goto("/pages/forms.html").await?;
    for control in [
        "label=\"Check one\"",
        "label=\"Styled checkbox\"",
        "role=checkbox[name=\"Fancy checkbox\"]",
        "role=switch[name=\"Lamp\"]",
    ] {
        let named = |failure: Failure| Failure::new(format!("{control}: {failure}"));
        let on = session.call::<InteractCheck>(&element(control)).await?;
        equal((on.checked, on.receipt.attempts > 0), (Some(true), true)).map_err(named)?;
        let same = session.call::<InteractCheck>(&element(control)).await?;
        equal((same.checked, same.receipt.attempts), (Some(true), 0)).map_err(named)?;
        equal(
            session.call::<DomState>(&read(control)).await?.checked,
            Some(true),
        )
        .map_err(named)?;
        equal(
            session
                .call::<InteractUncheck>(&element(control))
                .await?
                .checked,
            Some(false),
        )
        .map_err(named)?;
    }
    equal(
        session
            .call::<InteractCheck>(&element("label=\"Ash\""))
            .await?
            .checked,
        Some(true),
    )?;
    equal(
        session
            .call::<InteractCheck>(&element("label=\"Oak\""))
            .await?
            .checked,
        Some(true),
    )?;
    equal(
        session
            .call::<DomState>(&read("label=\"Ash\""))
            .await?
            .checked,
        Some(false),
    )?;
    refused(
        session
            .call::<InteractUncheck>(&element("label=\"Oak\""))
            .await,
        ErrorCode::OpsElementWrongType,
    )?;
    refused(
        session.call::<InteractCheck>(&element("#text")).await,
        ErrorCode::OpsElementWrongType,
    )?;
    Ok(())
}

pub(super) async fn options_are_selected_by_value_label_or_place(f: &Fixture) -> Outcome {
    let session = f.session().await?;
    session.goto("/pages/forms.html").await?;
    for (choice, value) in [
        (OptionChoice::Value("b".to_owned()), "b"),
        (OptionChoice::Label("Alder".to_owned()), "a"),
        (OptionChoice::Index(2), "b"),
        (OptionChoice::Any("Alder".to_owned()), "a"),
        (OptionChoice::Any("b".to_owned()), "b"),
    ] {
        let result = session
            .call::<InteractSelect>(&select("label=\"Single\"", vec![choice]))
            .await?;
        equal(
            result
                .selected
                .iter()
                .map(|option| option.value.as_str())
                .collect::<Vec<_>>(),
            vec![value],
        )?;
        equal(session.value("label=\"Single\"").await?.as_str(), value)?;
    }
    let many = vec![
        OptionChoice::Label("Red".to_owned()),
        OptionChoice::Label("Blue".to_owned()),
    ];
    session
        .call::<InteractSelect>(&select("label=\"Multiple\"", many))
        .await?;
    let values = session
        .call::<DomValue>(&read("label=\"Multiple\""))
        .await?
        .values;
    equal(values, Some(vec!["Red".to_owned(), "Blue".to_owned()]))?;
    contains(&session.text("#log").await?, "change multiple: Red,Blue")?;
    let none = select(
        "label=\"Single\"",
        vec![OptionChoice::Value("zz".to_owned())],
    );
    let fault = refused(
        session.call::<InteractSelect>(&none).await,
        ErrorCode::OpsOptionNotFound,
    )?;
    contains(
        &serde_json::to_string(&fault.details).unwrap_or_default(),
        "Birch",
    )?;
    let wrong = select("#text", vec![OptionChoice::Index(0)]);
    refused(
        session.call::<InteractSelect>(&wrong).await,
        ErrorCode::OpsElementWrongType,
    )?;
    Ok(())
}

pub(super) async fn typing_goes_through_real_key_events(f: &Fixture) -> Outcome {
    let session = f.session().await?;
    session.goto("/pages/keys.html").await?;
    let typed = session
        .call::<InteractType>(&keys(Some("#field"), "aB é"))
        .await?;
    equal(typed.receipt.changed, Some(true))?;
    equal(session.value("#field").await?.as_str(), "aB é")?;
    let log = session.text("#log").await?;
    for part in [
        "keydown \"a\" KeyA -",
        "keypress \"a\" KeyA -",
        "keyup \"a\" KeyA -",
        "keydown \"B\" KeyB",
        "keydown \" \" Space -",
        "input insertText \"é\"",
    ] {
        contains(&log, part)?;
    }
    session.call::<InteractType>(&keys(None, "!")).await?;
    equal(session.value("#field").await?.as_str(), "aB é!")
}

pub(super) async fn keys_and_chords_are_pressed(f: &Fixture) -> Outcome {
    let session = f.session().await?;
    session.goto("/pages/keys.html").await?;
    session.fill("#field", "oak").await?;
    session.call::<InteractFocus>(&element("#field")).await?;
    session.call::<InteractPress>(&press("Control+a")).await?;
    session.call::<InteractPress>(&press("Backspace")).await?;
    equal(session.value("#field").await?.as_str(), "")?;
    session.call::<InteractPress>(&press("Shift+k")).await?;
    session.call::<InteractPress>(&press("Tab")).await?;
    let log = session.text("#log").await?;
    for part in [
        "keydown \"a\" KeyA C",
        "keydown \"Backspace\" Backspace -",
        "keydown \"K\" KeyK S",
        "keydown \"Tab\" Tab -",
    ] {
        contains(&log, part)?;
    }
    equal(session.value("#field").await?.as_str(), "K")?;
    holds(
        session.call::<DomState>(&read("#area")).await?.focused,
        "Tab has moved the focus",
    )?;
    refused(
        session.call::<InteractPress>(&press("NoSuchKey")).await,
        ErrorCode::OpsKeyUnknown,
    )?;
    Ok(())
}

pub(super) async fn enter_submits_and_the_receipt_tells(f: &Fixture) -> Outcome {
    let session = f.session().await?;
    session.goto("/pages/forms.html").await?;
    session.fill("#text", "sent").await?;
    session.call::<InteractFocus>(&element("#text")).await?;
    let receipt = session
        .call::<InteractPress>(&press("Enter"))
        .await?
        .receipt;
    holds(
        receipt.document_changed && receipt.url_after.ends_with("/echo"),
        format!("{receipt:?}"),
    )?;
    reported(&f.site, "submit", 1).await?;
    let posted = f
        .site
        .requests()
        .into_iter()
        .find(|request| request.path == "/echo");
    contains(
        &posted.map(|request| request.body).unwrap_or_default(),
        "text=sent",
    )
}

pub(super) async fn a_submit_button_submits_once(f: &Fixture) -> Outcome {
    let session = f.session().await?;
    session.goto("/pages/forms.html").await?;
    let receipt = session.click(button("Submit")).await?.receipt;
    holds(receipt.document_changed, format!("{receipt:?}"))?;
    equal(f.site.hits("/echo"), 1)
}

/// Ways to get a text into a field: each gives what the field should hold then.
#[derive(Debug, Clone, Copy)]
enum Entry {
    Type,
    TypeSlowly,
    /// What no key enters.
    Insert,
    Fill,
    Press,
}

impl Entry {
    const ALL: [Self; 5] = [
        Self::Type,
        Self::TypeSlowly,
        Self::Insert,
        Self::Fill,
        Self::Press,
    ];

    const fn text(self) -> &'static str {
        match self {
            Self::Insert => "秘密秘密",
            Self::Press => "x",
            _ => "secret99",
        }
    }

    async fn into(self, session: &Session<'_>, field: &Locator) -> Result<(), Refused> {
        let (element, text) = (field.to_string(), self.text());
        match self {
            Self::Type | Self::Insert => {
                let typed = keys(Some(&element), text);
                session.call::<InteractType>(&typed).await.map(drop)
            }
            Self::TypeSlowly => {
                let typed = ops_contracts::wire::command::interact::TypeParams {
                    delay_ms: 10,
                    ..keys(Some(&element), text)
                };
                session.call::<InteractType>(&typed).await.map(drop)
            }
            Self::Fill => session.fill(&element, text).await.map(drop),
            Self::Press => {
                let pressed = PressParams {
                    element: Some(field.clone()),
                    ..press(text)
                };
                session.call::<InteractPress>(&pressed).await.map(drop)
            }
        }
    }
}

/// The refusals that say that a text did not arrive.
const NOT_ENTERED: [ErrorCode; 3] = [
    ErrorCode::OpsFocusMoved,
    ErrorCode::OpsElementNotEditable,
    ErrorCode::OpsValueRejected,
];

async fn stealing(f: &Fixture) -> Result<(Session<'_>, [Locator; 2]), Failure> {
    let session = f.session().await?;
    session.goto("/pages/stealing.html").await?;
    let text = session.snapshot().await?.text;
    let near = session.ref_in(&text, "\"Near secret\"")?;
    let far = session.ref_in(&text, "\"Far secret\"")?;
    Ok((session, [near, far]))
}

pub(super) async fn text_goes_to_a_frame_whose_page_leaves_it_the_focus(f: &Fixture) -> Outcome {
    let (session, fields) = stealing(f).await?;
    for field in &fields {
        for entry in Entry::ALL {
            session
                .call::<InteractClear>(&element(&field.to_string()))
                .await?;
            entry.into(&session, field).await?;
            equal(
                session.value(&field.to_string()).await?.as_str(),
                entry.text(),
            )
            .map_err(|failure| Failure::new(format!("{entry:?} into {field}: {failure}")))?;
        }
    }
    equal(session.eval("heard.length").await?.as_str(), "0")?;
    // Nothing stays deaf.
    for field in ["#first", "#second"] {
        session
            .call::<InteractType>(&keys(Some(field), "open"))
            .await?;
        session.call::<InteractType>(&keys(None, " field")).await?;
        equal(session.value(field).await?.as_str(), "open field")?;
    }
    Ok(())
}

pub(super) async fn text_for_a_frame_reaches_nobody_else(f: &Fixture) -> Outcome {
    for way in ["blur", "always"] {
        let (session, fields) = stealing(f).await?;
        session.eval(&format!("steal.{way}(), 1")).await?;
        for (field, entry) in fields
            .iter()
            .flat_map(|field| Entry::ALL.map(|entry| (field, entry)))
        {
            let named = |failure: Failure| {
                Failure::new(format!("{way}, {entry:?} into {field}: {failure}"))
            };
            session.eval("forget(), 1").await?;
            drop(
                session
                    .call::<InteractClear>(&element(&field.to_string()))
                    .await,
            );
            let before = session.value(&field.to_string()).await?;
            let entered = entry.into(&session, field).await;
            let value = session.value(&field.to_string()).await?;
            match entered {
                // What was there is gone where the page lets the clearing through after it was refused.
                Ok(()) => {
                    let added = !matches!(entry, Entry::Fill);
                    let whole = value == entry.text()
                        || added && value == format!("{before}{}", entry.text());
                    holds(whole, format!("{before:?} became {value:?}")).map_err(named)?;
                }
                Err(refused) => holds(
                    NOT_ENTERED.contains(&refused.fault.code),
                    refused.to_string(),
                )
                .map_err(named)?,
            }
            equal(session.eval("thief.value").await?.as_str(), "\"\"").map_err(named)?;
            let heard = session.eval("heard.join(' ')").await?;
            let told = entry
                .text()
                .chars()
                .any(|one| heard.contains(&format!(":{one}")));
            holds(!told, format!("the page heard {heard}")).map_err(named)?;
        }
    }
    Ok(())
}

pub(super) async fn text_for_a_field_reaches_no_other_field(f: &Fixture) -> Outcome {
    let session = f.session().await?;
    let first = super::super::verbs::at("#first");
    for way in ["key", "focus"] {
        for entry in Entry::ALL {
            let named = |failure: Failure| Failure::new(format!("{way}, {entry:?}: {failure}"));
            session.goto("/pages/stealing.html").await?;
            session.eval(&format!("steal.{way}(), 1")).await?;
            let entered = entry.into(&session, &first).await;
            let value = session.value("#first").await?;
            match &entered {
                Ok(()) => equal(value.as_str(), entry.text()).map_err(named)?,
                Err(refused) => holds(
                    NOT_ENTERED.contains(&refused.fault.code),
                    refused.to_string(),
                )
                .map_err(named)?,
            }
            equal(session.value("#second").await?.as_str(), "").map_err(named)?;
            if matches!((way, entry), ("key", Entry::Type | Entry::TypeSlowly)) {
                let fault = refused(entered, ErrorCode::OpsFocusMoved).map_err(named)?;
                holds(
                    !fault.code.retryable(),
                    "what arrived in part is not tried again",
                )?;
                equal(value.as_str(), "s").map_err(named)?;
                let arrived = fault
                    .details
                    .get("keysArrived")
                    .and_then(|keys| keys.as_u64());
                equal(arrived, Some(2)).map_err(named)?;
            }
        }
    }
    Ok(())
}

pub(super) async fn keys_after_a_tab_follow_the_focus(f: &Fixture) -> Outcome {
    let session = f.session().await?;
    session.goto("/pages/stealing.html").await?;
    session
        .call::<InteractType>(&keys(Some("#first"), "one\ttwo"))
        .await?;
    equal(session.value("#first").await?.as_str(), "one")?;
    equal(session.value("#second").await?.as_str(), "two")
}
