//! Form controls and keys: every input type, what must not be filled, real key events.

use ops_contracts::ErrorCode;
use ops_contracts::wire::command::interact::OptionChoice;
use ops_contracts::wire::command::{
    DomState, DomValue, InteractCheck, InteractClear, InteractFill, InteractFocus, InteractPress,
    InteractSelect, InteractType, InteractUncheck,
};

use super::super::check::{Outcome, contains, equal, holds, refused, reported};
use super::super::fixture::{Failure, Fixture};
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
