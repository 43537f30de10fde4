//! Reading pages: titles, texts, markup, attributes, values, states, boxes, counts, expressions; and strict addressing.

use ops_contracts::ErrorCode;
use ops_contracts::wire::command::diagnostics::LogParams;
use ops_contracts::wire::command::dom::{AttrParams, FindParams, HtmlParams, ReadParams};
use ops_contracts::wire::command::{
    DiagnosticsConsole, DiagnosticsErrors, DialogDismiss, DomAttr, DomBox, DomEval, DomFind,
    DomHtml, DomState, DomText, DomTitle, DomUrl, DomValue, Empty, InteractClick, dom,
};
use ops_contracts::wire::frame::EventName;
use ops_contracts::wire::locator::{Locator, LocatorKey};

use super::super::check::{Outcome, contains, equal, holds, lacks, refused};
use super::super::fixture::{Failure, Fixture, Session};
use super::super::verbs::{at, button, click, eval, read};

pub(super) async fn titles_urls_and_texts_are_the_pages_own(f: &Fixture) -> Outcome {
    let session = f.session().await?;
    session.goto("/plain").await?;
    let page = dom::PageParams::default();
    equal(
        session.call::<DomTitle>(&page).await?.value.as_str(),
        "Plain page",
    )?;
    equal(
        session.call::<DomUrl>(&page).await?.value,
        f.site.url("/plain"),
    )?;
    let whole = session
        .call::<DomText>(&ReadParams {
            element: None,
            max_chars: 100_000,
            target_id: None,
        })
        .await?;
    contains(&whole.value, "A button")?;
    holds(!whole.truncated, "nothing was cut")?;
    let cut = session
        .call::<DomText>(&ReadParams {
            element: None,
            max_chars: 5,
            target_id: None,
        })
        .await?;
    equal((cut.value.as_str(), cut.truncated), ("Plain", true))?;
    equal(session.text("role=heading").await?.as_str(), "Plain page")
}

pub(super) async fn markup_is_read_inside_and_outside(f: &Fixture) -> Outcome {
    let session = f.session().await?;
    session.goto("/plain").await?;
    let html = |element: Option<Locator>, outer| HtmlParams {
        element,
        outer,
        max_chars: 100_000,
        target_id: None,
    };
    equal(
        session
            .call::<DomHtml>(&html(Some(at("h1")), true))
            .await?
            .value
            .as_str(),
        "<h1>Plain page</h1>",
    )?;
    equal(
        session
            .call::<DomHtml>(&html(Some(at("h1")), false))
            .await?
            .value
            .as_str(),
        "Plain page",
    )?;
    let whole = session.call::<DomHtml>(&html(None, true)).await?.value;
    contains(&whole, "<title>Plain page</title>")?;
    lacks(&whole, "__odb")
}

pub(super) async fn attributes_values_states_and_boxes_are_read(f: &Fixture) -> Outcome {
    let session = f.session().await?;
    session.goto("/pages/forms.html").await?;
    let attr = |element: &str, name: &str| AttrParams {
        element: at(element),
        name: name.to_owned(),
        target_id: None,
    };
    equal(
        session
            .call::<DomAttr>(&attr("label=Number", "max"))
            .await?
            .value
            .as_deref(),
        Some("100"),
    )?;
    equal(
        session
            .call::<DomAttr>(&attr("label=Number", "nothing"))
            .await?
            .value,
        None,
    )?;
    equal(session.value("label=Read only").await?.as_str(), "fixed")?;
    let state = async |element: &str| session.call::<DomState>(&read(element)).await;
    let text = state("#text").await?;
    holds(
        text.visible && text.enabled && text.editable && text.checked.is_none() && !text.focused,
        format!("{text:?}"),
    )?;
    let disabled = state("label=Disabled").await?;
    holds(
        !disabled.enabled && !disabled.editable,
        format!("{disabled:?}"),
    )?;
    holds(
        !state("label=In the group").await?.enabled,
        "a disabled group disables what is in it",
    )?;
    equal(state("label=\"Check two\"").await?.checked, Some(true))?;
    equal(state("label=\"Check one\"").await?.checked, Some(false))?;
    let area = session.call::<DomBox>(&read("#text")).await?;
    holds(
        area.width > 10.0 && area.height > 5.0 && area.x >= 0.0 && area.y > 0.0,
        format!("{area:?}"),
    )
}

pub(super) async fn secrets_stay_hidden(f: &Fixture) -> Outcome {
    let session = f.session().await?;
    session.goto("/pages/forms.html").await?;
    let filled = session.fill("label=Password", "hunter2-and-more").await?;
    lacks(&filled.value, "hunter2")?;
    let value = session.call::<DomValue>(&read("label=Password")).await?;
    holds(
        value.masked && !value.value.contains("hunter2"),
        format!("{value:?}"),
    )?;
    lacks(&session.snapshot().await?.text, "hunter2")?;
    let found = session.find(at("label=Password")).await?;
    lacks(&format!("{found:?}"), "hunter2")?;
    equal(
        session
            .eval("document.querySelector('[name=password]').value")
            .await?
            .as_str(),
        "\"hunter2-and-more\"",
    )
}

pub(super) async fn names_and_roles_are_those_of_the_standard(f: &Fixture) -> Outcome {
    let session = f.session().await?;
    session.goto("/pages/ax/standard.html").await?;
    let expected = session
        .eval("[...document.querySelectorAll('[data-role]')].map((el) => `${el.dataset.role} \"${el.dataset.name}\"`)")
        .await?;
    let expected: Vec<String> =
        serde_json::from_str(&expected).map_err(|error| Failure::new(error.to_string()))?;
    holds(
        expected.len() >= 30,
        format!("{} elements are marked", expected.len()),
    )?;
    let found = session
        .call::<DomFind>(&FindParams {
            element: at("css=[data-role]"),
            limit: 100,
            target_id: None,
        })
        .await?;
    let named: Vec<String> = found
        .matches
        .iter()
        .map(|element| format!("{} \"{}\"", element.role, element.name))
        .collect();
    let differing: Vec<_> = expected
        .iter()
        .zip(&named)
        .filter(|(expected, named)| expected != named)
        .collect();
    holds(
        differing.is_empty(),
        format!("expected and found: {differing:?}"),
    )?;
    equal(named.len(), expected.len())?;
    let snapshot = session.snapshot().await?.text;
    contains(&snapshot, "button \"Log in\"")?;
    contains(&snapshot, "group \"Wheels\"")?;
    contains(&snapshot, "menuitem \"File\"")
}

pub(super) async fn expressions_give_json_or_say_why_not(f: &Fixture) -> Outcome {
    let session = f.session().await?;
    session.goto("/plain").await?;
    for (expression, value, unserializable) in [
        ("1 + 1", "2", None),
        ("'a' + 'b'", "\"ab\"", None),
        ("({a: [1, {b: null}]})", r#"{"a":[1,{"b":null}]}"#, None),
        ("Promise.resolve(7)", "7", None),
        ("document.title", "\"Plain page\"", None),
        ("null", "null", None),
        ("undefined", "null", Some("undefined")),
        ("NaN", "null", Some("NaN")),
        ("10n", "null", Some("10n")),
    ] {
        let result = session.call::<DomEval>(&eval(expression)).await?;
        equal(
            (result.value.get(), result.unserializable.as_deref()),
            (value, unserializable),
        )
        .map_err(|failure| Failure::new(format!("{expression}: {failure}")))?;
    }
    for (expression, part) in [
        ("null.x", "TypeError"),
        ("(", "SyntaxError"),
        ("Promise.reject(new Error('no'))", "no"),
        ("throw 1", "1"),
    ] {
        let fault = refused(
            session.call::<DomEval>(&eval(expression)).await,
            ErrorCode::OpsScriptFailed,
        )?;
        contains(&fault.message, part)?;
    }
    Ok(())
}

pub(super) async fn the_page_cannot_see_the_bridge(f: &Fixture) -> Outcome {
    let session = f.session().await?;
    session.goto("/plain").await?;
    let before = session
        .eval("document.documentElement.outerHTML.length")
        .await?;
    session.snapshot().await?;
    session.click(at("role=heading")).await?;
    equal(
        session
            .eval("[typeof __odb, Object.keys(globalThis).filter(k => /odb/i.test(k)).length]")
            .await?
            .as_str(),
        "[\"undefined\",0]",
    )?;
    equal(
        session
            .eval("document.documentElement.outerHTML.length")
            .await?,
        before,
    )
}

pub(super) async fn the_page_cannot_break_the_bridge(f: &Fixture) -> Outcome {
    let session = f.session().await?;
    session.goto("/plain").await?;
    session
        .eval("JSON.stringify = () => 'x'; Element.prototype.getBoundingClientRect = () => { throw 1 }; document.querySelectorAll = null; 1")
        .await?;
    session.fill("label=An input", "typed").await?;
    session.click(button("A button")).await?;
    equal(session.text("#out").await?.as_str(), "pressed")
}

pub(super) async fn a_strict_policy_does_not_stop_the_bridge(f: &Fixture) -> Outcome {
    let session = f.session().await?;
    session.goto("/csp").await?;
    contains(&session.snapshot().await?.text, "No script ran.")?;
    equal(
        session.fill("label=Name", "oak").await?.value.as_str(),
        "oak",
    )
}

pub(super) async fn no_match_and_many_matches_are_results_of_find(f: &Fixture) -> Outcome {
    let session = f.session().await?;
    session.goto("/pages/table.html?rows=30").await?;
    let find = |element, limit| dom::FindParams {
        element,
        limit,
        target_id: None,
    };
    let none = session
        .call::<DomFind>(&find(button("Nothing"), 20))
        .await?;
    equal((none.count, none.matches.len()), (0, 0))?;
    let many = session.call::<DomFind>(&find(at("role=button"), 7)).await?;
    equal((many.count, many.matches.len()), (30, 7))?;
    equal(many.matches[0].name.as_str(), "Edit 1")?;
    equal(
        (many.matches[0].role.as_str(), many.matches[0].tag.as_str()),
        ("button", "button"),
    )?;
    equal(session.count("role=checkbox").await?, 30)
}

pub(super) async fn an_ambiguous_locator_lists_its_candidates(f: &Fixture) -> Outcome {
    let session = f.session().await?;
    session.goto("/pages/table.html?rows=3").await?;
    let fault = refused(
        session.click(at("role=button[name=Edit]")).await,
        ErrorCode::OpsElementAmbiguous,
    )?;
    let candidates = fault
        .details
        .get("candidates")
        .and_then(|list| list.as_array())
        .cloned()
        .unwrap_or_default();
    equal(candidates.len(), 3)?;
    let names: Vec<_> = candidates
        .iter()
        .filter_map(|one| one.get("name")?.as_str())
        .collect();
    equal(names, vec!["Edit 1", "Edit 2", "Edit 3"])?;
    let second = candidates[1]
        .get("ref")
        .and_then(|reference| reference.as_str())
        .unwrap_or_default()
        .to_owned();
    equal(f.site.reports().len(), 0)?;
    session.click(at(&format!("@{second}"))).await?;
    super::super::check::reported(&f.site, "edit-2", 1).await?;
    let mut third = click(at("role=button[name=Edit]"));
    third.element.nth = Some(-1);
    session.call::<InteractClick>(&third).await?;
    super::super::check::reported(&f.site, "edit-3", 1).await
}

pub(super) async fn every_kind_of_locator_finds_its_element(f: &Fixture) -> Outcome {
    let session = f.session().await?;
    session.goto("/pages/forms.html").await?;
    for (locator, tag) in [
        ("role=textbox[name=\"Text\"]", "input"),
        ("role=button[name=\"Submit\"]", "button"),
        ("text=\"Labels\"", "legend"),
        ("label=\"Email\"", "input"),
        ("label=\"Two labels\"", "input"),
        ("placeholder=\"Any text\"", "input"),
        ("title=\"By title\"", "input"),
        ("alt=\"Save\"", "img"),
        ("css=form#form", "form"),
        ("xpath=//textarea", "textarea"),
    ] {
        let found = session.find(at(locator)).await?;
        equal(
            (
                found.count,
                found.matches.first().map(|one| one.tag.as_str()),
            ),
            (1, Some(tag)),
        )
        .map_err(|failure| Failure::new(format!("{locator}: {failure}")))?;
    }
    session.goto("/shop/").await?;
    equal(session.find(at("testid=cart-link")).await?.count, 1)
}

pub(super) async fn wrong_locators_have_their_codes(f: &Fixture) -> Outcome {
    let session = f.session().await?;
    session.goto("/plain").await?;
    refused(session.text("css=p[").await, ErrorCode::OpsSelectorInvalid)?;
    refused(
        session.text("xpath=//[").await,
        ErrorCode::OpsSelectorInvalid,
    )?;
    refused(
        session.text("#nothing").await,
        ErrorCode::OpsElementNotFound,
    )?;
    refused(session.text("@e4711").await, ErrorCode::OpsRefStale)?;
    refused(session.text("@f9e1").await, ErrorCode::OpsRefStale)?;
    let elsewhere = Locator {
        frame: Some("f7".parse().map_err(|_| Failure::new("no id"))?),
        ..Locator::new(LocatorKey::Css("p".to_owned()))
    };
    refused(session.find(elsewhere).await, ErrorCode::OpsFrameUnknown)?;
    Ok(())
}

/// JavaScript's texts may hold half of a surrogate pair, those of JSON readers may not.
pub(super) async fn half_a_character_is_shown_as_replaced(f: &Fixture) -> Outcome {
    let session = f.session().await?;
    session.goto("/pages/dialogs.html").await?;
    let halves = "document.title = 'ti\\ud800tle'; document.querySelector('#out').textContent = 'te\\udc00xt';\
        document.querySelector('main').insertAdjacentHTML('beforeend', '<input id=half aria-label=Half>');\
        document.querySelector('#half').value = 'va\\ud800lue'; console.log('con\\ud800sole');\
        setTimeout(() => { throw new Error('err\\ud800or'); }); 're\\udfffsult'";
    let result = session.call::<DomEval>(&eval(halves)).await?;
    equal(
        serde_json::from_str::<String>(result.value.get()).ok(),
        Some("re\u{fffd}sult".to_owned()),
    )?;
    equal(session.title().await?.as_str(), "ti\u{fffd}tle")?;
    equal(session.text("#out").await?.as_str(), "te\u{fffd}xt")?;
    equal(session.value("#half").await?.as_str(), "va\u{fffd}lue")?;
    contains(&session.snapshot().await?.text, "va\u{fffd}lue")?;
    logged(&session).await?;
    let alert = "setTimeout(() => alert('hal\\ud800f')); 1";
    session.call::<DomEval>(&eval(alert)).await?;
    let events = session.listen()?;
    if session.status().await?.dialog.is_none() {
        events.wait_for(EventName::DialogOpened).await?;
    }
    let answered = session.call::<DialogDismiss>(&Empty {}).await?;
    equal(answered.dialog.message.as_str(), "hal\u{fffd}f")
}

async fn logged(session: &Session<'_>) -> Outcome {
    let whole = LogParams::default();
    for _ in 0..100 {
        let console = session.call::<DiagnosticsConsole>(&whole).await?.entries;
        let errors = session.call::<DiagnosticsErrors>(&whole).await?.entries;
        if console.iter().any(|entry| entry.text == "con\u{fffd}sole")
            && errors
                .iter()
                .any(|entry| entry.text.contains("err\u{fffd}or"))
        {
            return Ok(());
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    Err(Failure::new("the message or the exception was lost"))
}
