//! "Kiln & Oak", a small shop: what the demo drives. Carts belong to a cookie session; carts, votes and orders live in memory.
//! No payment, no accounts, no search engine.
//!
//! | page | what it does |
//! | --- | --- |
//! | `/shop/` | search box, category links, all products |
//! | `/shop/search?q=TEXT&category=pottery\|wood` | results as the server found them; both parameters may be absent |
//! | `/shop/product/SLUG` | variant, quantity, "Add to cart"; reviews in a same-origin iframe |
//! | `/shop/reviews/SLUG` | the reviews, each with a "Helpful" button |
//! | `/shop/cart` | lines with remove buttons that ask by `confirm()` |
//! | `/shop/checkout` | GET shows the form; POST checks it: 422 with the problems, or 303 to `/shop/thanks?order=N` |
//! | `/shop/thanks?order=N` | shows an order of this session |
//! | `/shop/api/cart` | POST form {slug, variant, quantity} → JSON {message, count}; 4xx → JSON {error} |
//! | `/shop/api/helpful` | POST form {slug, review} → JSON {votes}; one vote per session and review |
//! | `/shop/cart/remove` | POST form {line} → 303 to `/shop/cart?removed=SLUG` |

mod catalogue;
mod checkout;
mod views;

use std::collections::{BTreeMap, BTreeSet};

use hyper::StatusCode;
use hyper::header::{COOKIE, SET_COOKIE};

use super::reply::{Query, Reply, html, json, not_found, redirect, with_header};
use super::serve::Asked;
use catalogue::Product;
use parking_lot::{Mutex, MutexGuard};

const COOKIE_NAME: &str = "kiln_session";
const MAX_QUANTITY: u32 = 20;

/// One line of a cart or an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderLine {
    /// The product's last path segment.
    pub slug: String,
    /// The chosen variant, as its option is labelled.
    pub variant: String,
    /// 1 to 20.
    pub quantity: u32,
}

/// An order that the server accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    /// Counted from 1001.
    pub number: u32,
    /// As entered.
    pub email: String,
    /// As entered.
    pub name: String,
    /// The option's value: a two-letter country code.
    pub country: String,
    /// `standard` or `express`.
    pub delivery: String,
    /// Whether it is to be wrapped as a gift.
    pub gift: bool,
    /// As entered; may be empty and have several lines.
    pub note: String,
    /// What was ordered.
    pub lines: Vec<OrderLine>,
    /// In cents, delivery included.
    pub total_cents: u32,
}

#[derive(Debug, Default)]
struct Session {
    cart: Vec<OrderLine>,
    orders: Vec<u32>,
    votes: BTreeSet<(String, usize)>,
}

#[derive(Debug, Default)]
struct State {
    sessions: BTreeMap<String, Session>,
    orders: Vec<Order>,
}

impl State {
    fn votes(&self, slug: &str, review: usize) -> usize {
        let vote = (slug.to_owned(), review);
        self.sessions
            .values()
            .filter(|session| session.votes.contains(&vote))
            .count()
    }
}

/// The shop's state. Session ids carry the port, since a browser shares cookies between ports and so between sites in turn.
#[derive(Debug)]
pub(super) struct Shop {
    port: u16,
    state: Mutex<State>,
}

impl Shop {
    pub(super) fn new(port: u16) -> Self {
        Self {
            port,
            state: Mutex::default(),
        }
    }

    pub(super) fn orders(&self) -> Vec<Order> {
        self.lock().orders.clone()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock()
    }

    /// The id of the visitor's session, and whether it was made just now.
    fn visit(&self, asked: &Asked) -> (String, bool) {
        let mut state = self.lock();
        if let Some(id) = session_cookie(asked).filter(|id| state.sessions.contains_key(id)) {
            return (id, false);
        }
        let id = format!("{:x}-{:x}", self.port, state.sessions.len() + 1);
        state.sessions.insert(id.clone(), Session::default());
        (id, true)
    }
}

fn session_cookie(asked: &Asked) -> Option<String> {
    let cookies = asked.headers.get(COOKIE)?.to_str().ok()?;
    let mut pairs = cookies
        .split(';')
        .filter_map(|pair| pair.trim().split_once('='));
    pairs
        .find(|(name, _)| *name == COOKIE_NAME)
        .map(|(_, value)| value.to_owned())
}

/// Answers what lies under `/shop`; None for everything else.
pub(super) fn answer(shop: &Shop, asked: &Asked) -> Option<Reply> {
    if asked.path == "/shop" {
        return Some(redirect(StatusCode::MOVED_PERMANENTLY, "/shop/"));
    }
    let path = asked.path.strip_prefix("/shop/")?;
    let (id, new) = shop.visit(asked);
    let mut state = shop.lock();
    let reply = route(&mut state, &id, path, asked).unwrap_or_else(not_found);
    Some(if new {
        with_header(
            reply,
            SET_COOKIE,
            &format!("{COOKIE_NAME}={id}; Path=/; HttpOnly; SameSite=Lax"),
        )
    } else {
        reply
    })
}

fn route(state: &mut State, id: &str, path: &str, asked: &Asked) -> Option<Reply> {
    if asked.is_post() {
        let form = asked.form();
        let session = state.sessions.get_mut(id)?;
        return match path {
            "api/cart" => Some(add_to_cart(session, &form)),
            "cart/remove" => Some(remove_from_cart(session, &form)),
            "api/helpful" => Some(helpful(state, id, &form)),
            "checkout" => Some(checkout::submit(state, id, &form)),
            _ => None,
        };
    }
    let session = state.sessions.get(id)?;
    let page = match path {
        "" => views::home(session),
        "search" => views::search(session, asked.query.text("q"), asked.query.text("category")),
        "cart" => views::cart(session, asked.query.text("removed")),
        "checkout" => checkout::form(session, &Query::default(), &[]),
        "thanks" => {
            let number: u32 = asked
                .query
                .text("order")
                .parse()
                .ok()
                .filter(|number| session.orders.contains(number))?;
            views::thanks(
                session,
                state.orders.iter().find(|order| order.number == number)?,
            )
        }
        _ => {
            let (kind, slug) = path.split_once('/')?;
            let product = catalogue::find(slug)?;
            match kind {
                "product" => views::product(session, product),
                "reviews" => views::reviews(product, |review| state.votes(slug, review)),
                _ => return None,
            }
        }
    };
    Some(html(page))
}

fn refused(status: StatusCode, error: &str) -> Reply {
    json(status, &serde_json::json!({ "error": error }))
}

fn count(cart: &[OrderLine]) -> u32 {
    cart.iter().map(|line| line.quantity).sum()
}

fn price(line: &OrderLine) -> u32 {
    catalogue::find(&line.slug).map_or(0, |product| product.cents * line.quantity)
}

fn add_to_cart(session: &mut Session, form: &Query) -> Reply {
    let Some(product) = catalogue::find(form.text("slug")) else {
        return refused(StatusCode::NOT_FOUND, "We do not make that.");
    };
    if !product.in_stock {
        return refused(
            StatusCode::CONFLICT,
            &format!("{} is sold out.", product.name),
        );
    }
    let Some(variant) = product
        .variants
        .iter()
        .find(|variant| **variant == form.text("variant"))
    else {
        return refused(StatusCode::UNPROCESSABLE_ENTITY, "Please choose a variant.");
    };
    let Some(quantity) = form
        .text("quantity")
        .parse()
        .ok()
        .filter(|quantity| (1..=MAX_QUANTITY).contains(quantity))
    else {
        return refused(
            StatusCode::UNPROCESSABLE_ENTITY,
            "Please choose a quantity from 1 to 20.",
        );
    };
    match session
        .cart
        .iter_mut()
        .find(|line| line.slug == product.slug && line.variant == *variant)
    {
        Some(line) => line.quantity = (line.quantity + quantity).min(MAX_QUANTITY),
        None => session.cart.push(OrderLine {
            slug: product.slug.into(),
            variant: (*variant).into(),
            quantity,
        }),
    }
    let message = format!("Added {quantity} × {}, {variant}.", product.name);
    json(
        StatusCode::OK,
        &serde_json::json!({ "message": message, "count": count(&session.cart) }),
    )
}

fn remove_from_cart(session: &mut Session, form: &Query) -> Reply {
    let removed = form
        .text("line")
        .parse()
        .ok()
        .filter(|line: &usize| *line < session.cart.len());
    let name = removed
        .map(|line| session.cart.remove(line))
        .and_then(|line| catalogue::find(&line.slug));
    redirect(
        StatusCode::SEE_OTHER,
        &format!(
            "/shop/cart?removed={}",
            name.map_or("", |product| product.slug)
        ),
    )
}

fn helpful(state: &mut State, id: &str, form: &Query) -> Reply {
    let product: Option<&Product> = catalogue::find(form.text("slug"));
    let review = product.and_then(|product| {
        form.text("review")
            .parse()
            .ok()
            .filter(|review| *review < product.reviews.len())
    });
    let (Some(product), Some(review), Some(session)) =
        (product, review, state.sessions.get_mut(id))
    else {
        return refused(StatusCode::NOT_FOUND, "There is no such review.");
    };
    session.votes.insert((product.slug.to_owned(), review));
    json(
        StatusCode::OK,
        &serde_json::json!({ "votes": state.votes(product.slug, review) }),
    )
}
