//! The shop's pages as HTML text. Everything that came from a visitor is escaped here.

use super::super::reply::{escape, fill, join};
use super::catalogue::{self, PRODUCTS, Product};
use super::{MAX_QUANTITY, Order, OrderLine, Session, count, price};

macro_rules! template {
    ($file:literal) => {
        include_str!(concat!("../../../pages/shop/", $file))
    };
}

/// Cents as euros: `€24.00`.
pub(super) fn money(cents: u32) -> String {
    format!("€{}.{:02}", cents / 100, cents % 100)
}

/// The frame around each page; `title` and `search` as plain text, `body` as HTML.
pub(super) fn layout(title: &str, session: &Session, search: &str, body: &str) -> String {
    let count = count(&session.cart).to_string();
    let values = [
        ("title", escape(title)),
        ("search", escape(search)),
        ("count", count),
        ("body", body.to_owned()),
    ];
    fill(
        template!("layout.html"),
        &values
            .each_ref()
            .map(|(name, value)| (*name, value.as_str())),
    )
}

fn category_name(category: &str) -> &'static str {
    match category {
        "pottery" => "Pottery",
        "wood" => "Wood",
        _ => "All products",
    }
}

/// A product's picture; named for assistive technology, or hidden from it where the name stands beside it.
fn picture(product: &Product, named: bool) -> String {
    let role = if named {
        format!("role=\"img\" aria-label=\"{}\"", product.name)
    } else {
        "aria-hidden=\"true\"".to_owned()
    };
    format!(
        "<svg class=\"art {}\" viewBox=\"0 0 200 200\" {role}>{}</svg>",
        product.category, product.art
    )
}

fn cards<'a>(products: impl IntoIterator<Item = &'a Product>) -> String {
    let items = join(products, |product| {
        let price = if product.in_stock {
            money(product.cents)
        } else {
            format!("{} · sold out", money(product.cents))
        };
        fill(
            template!("card.html"),
            &[
                ("slug", product.slug),
                ("name", product.name),
                ("blurb", product.blurb),
                ("price", &price),
                ("picture", &picture(product, false)),
            ],
        )
    });
    format!("<ul class=\"cards\">{items}</ul>")
}

pub(super) fn home(session: &Session) -> String {
    let body = fill(
        template!("home.html"),
        &[
            ("cards", &cards(PRODUCTS)),
            ("art", &picture(&PRODUCTS[1], false)),
        ],
    );
    layout("Pottery and wood, made by hand", session, "", &body)
}

pub(super) fn search(session: &Session, query: &str, category: &str) -> String {
    let wanted = query.to_lowercase();
    let matches = |product: &&Product| {
        let text = format!(
            "{} {} {} {}",
            product.name, product.category, product.blurb, product.details
        )
        .to_lowercase();
        (category.is_empty() || product.category == category)
            && wanted.split_whitespace().all(|word| text.contains(word))
    };
    let found: Vec<&Product> = PRODUCTS.iter().filter(matches).collect();
    let heading = if query.is_empty() {
        category_name(category).to_owned()
    } else {
        format!("Results for “{}”", escape(query))
    };
    let number = match found.len() {
        0 => "No products".to_owned(),
        1 => "1 product".to_owned(),
        more => format!("{more} products"),
    };
    let help = if found.is_empty() {
        "<p>Try “mug”, “oak” or <a href=\"/shop/search\">see everything</a>.</p>"
    } else {
        ""
    };
    let body = format!(
        "<h1>{heading}</h1><p role=\"status\" id=\"found\">{number}</p>{help}{}",
        cards(found)
    );
    let title = if query.is_empty() {
        category_name(category).to_owned()
    } else {
        format!("Results for “{query}”")
    };
    layout(&title, session, query, &body)
}

pub(super) fn product(session: &Session, product: &Product) -> String {
    let variants = join(product.variants, |variant| {
        format!("<option>{variant}</option>")
    });
    let (button, stock) = if product.in_stock {
        ("", "In stock, ships in two days.")
    } else {
        ("disabled", "Sold out for now.")
    };
    let body = fill(
        template!("product.html"),
        &[
            ("slug", product.slug),
            ("name", product.name),
            ("category", product.category),
            ("category-name", category_name(product.category)),
            ("details", product.details),
            ("price", &money(product.cents)),
            ("variant-label", product.variant_label),
            ("variants", &variants),
            ("most", &MAX_QUANTITY.to_string()),
            ("button", button),
            ("stock", stock),
            ("picture", &picture(product, true)),
        ],
    );
    layout(product.name, session, "", &body)
}

pub(super) fn reviews(product: &Product, votes: impl Fn(usize) -> usize) -> String {
    let items = join(
        product.reviews.iter().enumerate(),
        |(index, (author, stars, text))| {
            let stars = usize::from(*stars);
            fill(
                template!("review.html"),
                &[
                    ("slug", product.slug),
                    ("index", &index.to_string()),
                    ("author", author),
                    ("count", &stars.to_string()),
                    (
                        "stars",
                        &format!(
                            "{}{}",
                            "★".repeat(stars),
                            "☆".repeat(5_usize.saturating_sub(stars))
                        ),
                    ),
                    ("text", text),
                    ("votes", &votes(index).to_string()),
                ],
            )
        },
    );
    fill(
        template!("reviews.html"),
        &[("name", product.name), ("reviews", &items)],
    )
}

fn line_name(line: &OrderLine) -> (&'static str, String) {
    let name = catalogue::find(&line.slug).map_or("", |product| product.name);
    (name, format!("{name}, {}", line.variant))
}

pub(super) fn cart(session: &Session, removed: &str) -> String {
    let notice = catalogue::find(removed).map_or(String::new(), |product| {
        format!("Removed {}.", product.name)
    });
    if session.cart.is_empty() {
        let body = fill(template!("cart-empty.html"), &[("notice", &notice)]);
        return layout("Your cart", session, "", &body);
    }
    let lines = join(session.cart.iter().enumerate(), |(index, line)| {
        fill(
            template!("cart-line.html"),
            &[
                ("index", &index.to_string()),
                ("slug", &line.slug),
                ("name", line_name(line).0),
                ("variant", &line.variant),
                ("quantity", &line.quantity.to_string()),
                ("price", &money(price(line))),
                (
                    "picture",
                    &catalogue::find(&line.slug)
                        .map_or(String::new(), |product| picture(product, false)),
                ),
            ],
        )
    });
    let total = money(session.cart.iter().map(price).sum());
    let body = fill(
        template!("cart.html"),
        &[("notice", &notice), ("lines", &lines), ("total", &total)],
    );
    layout("Your cart", session, "", &body)
}

/// The lines with their prices as list items.
pub(super) fn summary(lines: &[OrderLine]) -> String {
    let item = |line: &OrderLine| {
        format!(
            "<li><span>{} × {}</span> <span>{}</span></li>",
            line.quantity,
            line_name(line).1,
            money(price(line))
        )
    };
    join(lines, item)
}

pub(super) fn thanks(session: &Session, order: &Order) -> String {
    let body = fill(
        template!("thanks.html"),
        &[
            ("number", &order.number.to_string()),
            ("name", &escape(&order.name)),
            ("email", &escape(&order.email)),
            ("lines", &summary(&order.lines)),
            ("total", &money(order.total_cents)),
            (
                "gift",
                if order.gift {
                    "<p>We will wrap it as a gift.</p>"
                } else {
                    ""
                },
            ),
        ],
    );
    layout(&format!("Order {}", order.number), session, "", &body)
}
