//! What the shop sells. A table and its look-up, no pages.

/// A product as the shop shows it.
#[derive(Debug)]
pub(super) struct Product {
    pub(super) slug: &'static str,
    pub(super) name: &'static str,
    /// `pottery` or `wood`.
    pub(super) category: &'static str,
    pub(super) cents: u32,
    pub(super) in_stock: bool,
    pub(super) variant_label: &'static str,
    pub(super) variants: &'static [&'static str],
    pub(super) blurb: &'static str,
    pub(super) details: &'static str,
    /// Author, stars out of five, text.
    pub(super) reviews: &'static [(&'static str, u8, &'static str)],
    /// The inside of an SVG with the view box 0 0 200 200.
    pub(super) art: &'static str,
}

macro_rules! art {
    ($file:literal) => {
        include_str!(concat!("../../../pages/shop/art/", $file, ".svg"))
    };
}

const GLAZES: &[&str] = &["Lake", "Oatmeal", "Charcoal"];

pub(super) const PRODUCTS: &[Product] = &[
    Product {
        slug: "speckled-mug",
        name: "Speckled Mug",
        category: "pottery",
        cents: 2400,
        in_stock: true,
        variant_label: "Glaze",
        variants: GLAZES,
        blurb: "A generous mug with a dipped rim.",
        details: "Thrown in speckled stoneware and dipped by hand, so no two rims are the same. Holds 350 ml and a good half hour.",
        reviews: &[
            ("Ines", 5, "My tea stays warm and my hands fit around it."),
            (
                "Tobias",
                4,
                "Lovely glaze. A little heavier than I expected.",
            ),
        ],
        art: art!("speckled-mug"),
    },
    Product {
        slug: "teapot-for-two",
        name: "Teapot for Two",
        category: "pottery",
        cents: 6800,
        in_stock: true,
        variant_label: "Glaze",
        variants: GLAZES,
        blurb: "Pours without a drip. We checked.",
        details: "A round-bellied stoneware pot of 700 ml with a built-in strainer and a lid that stays on when you tilt it.",
        reviews: &[
            ("Maren", 5, "It really does not drip."),
            ("Yusuf", 5, "Bought a second one for my mother."),
        ],
        art: art!("teapot-for-two"),
    },
    Product {
        slug: "moon-vase",
        name: "Moon Vase",
        category: "pottery",
        cents: 5400,
        in_stock: true,
        variant_label: "Size",
        variants: &["Small", "Large"],
        blurb: "A quiet round vase for a loud bunch.",
        details: "Matt white porcelain, waterproof inside, unglazed outside. The large one takes a whole armful of stems.",
        reviews: &[
            ("Aiko", 5, "Looks good even when it is empty."),
            ("Paul", 3, "Beautiful, but marks easily."),
        ],
        art: art!("moon-vase"),
    },
    Product {
        slug: "noodle-bowl",
        name: "Noodle Bowl",
        category: "pottery",
        cents: 3200,
        in_stock: true,
        variant_label: "Glaze",
        variants: GLAZES,
        blurb: "Deep, wide and steady.",
        details: "One litre of soup fits with room for the noodles. The foot is left raw so that it does not slide.",
        reviews: &[("Lena", 4, "My favourite bowl. I wish it stacked.")],
        art: art!("noodle-bowl"),
    },
    Product {
        slug: "salt-cellar",
        name: "Salt Cellar",
        category: "pottery",
        cents: 1900,
        in_stock: false,
        variant_label: "Glaze",
        variants: GLAZES,
        blurb: "A pinch within reach.",
        details: "A lidded cellar that keeps a handful of salt dry beside the stove. The next firing is in spring.",
        reviews: &[("Ole", 5, "Small thing, used every day.")],
        art: art!("salt-cellar"),
    },
    Product {
        slug: "oak-board",
        name: "Oak Serving Board",
        category: "wood",
        cents: 4500,
        in_stock: true,
        variant_label: "Size",
        variants: &["30 cm", "45 cm"],
        blurb: "For bread, cheese and long evenings.",
        details: "One plank of European oak, planed, oiled and rounded where your hand takes it. Wipe it, never soak it.",
        reviews: &[
            ("Greta", 5, "Heavy in the best way."),
            ("Sam", 4, "Needs oil twice a year, as they say."),
        ],
        art: art!("oak-board"),
    },
    Product {
        slug: "walnut-spoons",
        name: "Walnut Spoons",
        category: "wood",
        cents: 2800,
        in_stock: true,
        variant_label: "Set",
        variants: &["Set of two", "Set of four"],
        blurb: "Carved for stirring and tasting.",
        details: "Cut from walnut offcuts, carved with a hook knife and finished with linseed oil.",
        reviews: &[
            ("Noor", 5, "Gentle on my pans."),
            ("Finn", 4, "Each one is a little different, which I like."),
        ],
        art: art!("walnut-spoons"),
    },
    Product {
        slug: "ash-stool",
        name: "Ash Stool",
        category: "wood",
        cents: 14900,
        in_stock: true,
        variant_label: "Height",
        variants: &["45 cm", "65 cm"],
        blurb: "Three legs never wobble.",
        details: "A turned seat on three wedged legs of white ash. Carries two hundred kilos and one cat.",
        reviews: &[("Bruno", 5, "Stands firm on our crooked floor.")],
        art: art!("ash-stool"),
    },
    Product {
        slug: "beech-candlestick",
        name: "Beech Candlestick",
        category: "wood",
        cents: 2200,
        in_stock: true,
        variant_label: "Colour",
        variants: &["Natural", "Smoked"],
        blurb: "Turned light for the table.",
        details: "Turned from one piece of beech with a brass cup, for candles of 22 mm.",
        reviews: &[
            ("Edda", 4, "Simple and pretty."),
            ("Marc", 5, "The smoked one is nearly black."),
        ],
        art: art!("beech-candlestick"),
    },
];

pub(super) fn find(slug: &str) -> Option<&'static Product> {
    PRODUCTS.iter().find(|product| product.slug == slug)
}
