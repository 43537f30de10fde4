//! The checkout form: shown, checked and turned into an order. The same checks run in the browser for comfort; these decide.

use hyper::StatusCode;

use super::super::reply::{HTML, Query, Reply, escape, fill, join, redirect, reply};
use super::views::{layout, money, summary};
use super::{Order, Session, State, price};

const FIRST_NUMBER: u32 = 1001;
const EXPRESS_CENTS: u32 = 900;
const COUNTRIES: &[(&str, &str)] = &[
    ("AT", "Austria"),
    ("DK", "Denmark"),
    ("FR", "France"),
    ("DE", "Germany"),
    ("IE", "Ireland"),
    ("NL", "Netherlands"),
    ("GB", "United Kingdom"),
];

/// A field's name and what is wrong with it.
type Problem = (&'static str, &'static str);

/// The page with the form, filled with what was entered before.
pub(super) fn form(session: &Session, entered: &Query, problems: &[Problem]) -> String {
    if session.cart.is_empty() {
        let empty = "<h1>Checkout</h1><p>Your cart is empty.</p><p><a class=\"button\" href=\"/shop/\">Look around</a></p>";
        return layout("Checkout", session, "", empty);
    }
    let problem = |field: &str| {
        problems
            .iter()
            .find(|(name, _)| *name == field)
            .map_or("", |(_, text)| text)
    };
    let invalid = |field: &str| {
        if problem(field).is_empty() {
            ""
        } else {
            "aria-invalid=\"true\""
        }
    };
    let checked = |on: bool| if on { "checked" } else { "" };
    let countries = join(COUNTRIES, |(code, name)| {
        let selected = if entered.text("country") == *code {
            " selected"
        } else {
            ""
        };
        format!("<option value=\"{code}\"{selected}>{name}</option>")
    });
    let found = join(problems, |(field, text)| {
        format!("<li><a href=\"#{field}\">{text}</a></li>")
    });
    let alert = if found.is_empty() {
        found
    } else {
        format!("<p>Please check these:</p><ul>{found}</ul>")
    };
    let express = entered.text("delivery") == "express";
    let total = session.cart.iter().map(price).sum();
    let body = fill(
        include_str!("../../../pages/shop/checkout.html"),
        &[
            ("alert", &alert),
            ("email", &escape(entered.text("email"))),
            ("name", &escape(entered.text("name"))),
            ("note", &escape(entered.text("note"))),
            ("countries", &countries),
            ("standard", checked(!express)),
            ("express", checked(express)),
            ("gift", checked(entered.get("gift").is_some())),
            ("terms", checked(entered.get("terms").is_some())),
            ("email-problem", problem("email")),
            ("email-invalid", invalid("email")),
            ("name-problem", problem("name")),
            ("name-invalid", invalid("name")),
            ("country-problem", problem("country")),
            ("country-invalid", invalid("country")),
            ("terms-problem", problem("terms")),
            ("terms-invalid", invalid("terms")),
            ("summary", &summary(&session.cart)),
            ("total", &money(total)),
        ],
    );
    layout("Checkout", session, "", &body)
}

fn problems(entered: &Query) -> Vec<Problem> {
    let email = entered.text("email");
    let good_email = email
        .split_once('@')
        .is_some_and(|(user, host)| !user.is_empty() && host.contains('.') && !email.contains(' '));
    let country = entered.text("country");
    let checks: [(bool, Problem); 5] = [
        (
            good_email,
            ("email", "Enter an email address like name@example.org."),
        ),
        (
            !entered.text("name").is_empty(),
            ("name", "Enter your name."),
        ),
        (
            COUNTRIES.iter().any(|(code, _)| *code == country),
            ("country", "Choose a country."),
        ),
        (
            matches!(entered.text("delivery"), "standard" | "express"),
            ("delivery", "Choose a delivery."),
        ),
        (
            entered.get("terms").is_some(),
            ("terms", "Accept the terms to order."),
        ),
    ];
    checks
        .into_iter()
        .filter(|(good, _)| !good)
        .map(|(_, problem)| problem)
        .collect()
}

/// Accepts the order and empties the cart, or shows the form again with status 422.
pub(super) fn submit(state: &mut State, id: &str, entered: &Query) -> Reply {
    let problems = problems(entered);
    let number = state
        .orders
        .last()
        .map_or(FIRST_NUMBER, |order| order.number + 1);
    let Some(session) = state.sessions.get_mut(id) else {
        return redirect(StatusCode::SEE_OTHER, "/shop/");
    };
    if session.cart.is_empty() || !problems.is_empty() {
        return reply(
            StatusCode::UNPROCESSABLE_ENTITY,
            HTML,
            form(session, entered, &problems),
        );
    }
    let lines = std::mem::take(&mut session.cart);
    session.orders.push(number);
    let express = entered.text("delivery") == "express";
    let total_cents =
        lines.iter().map(price).sum::<u32>() + if express { EXPRESS_CENTS } else { 0 };
    state.orders.push(Order {
        number,
        email: entered.text("email").to_owned(),
        name: entered.text("name").to_owned(),
        country: entered.text("country").to_owned(),
        delivery: entered.text("delivery").to_owned(),
        gift: entered.get("gift").is_some(),
        note: entered.text("note").to_owned(),
        lines,
        total_cents,
    });
    redirect(
        StatusCode::SEE_OTHER,
        &format!("/shop/thanks?order={number}"),
    )
}
