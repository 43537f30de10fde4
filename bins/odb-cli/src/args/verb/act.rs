//! The verbs that act on a page as a user does.

use clap::{Args, Subcommand};
use ops_contracts::seam::adapter::MouseButton;
use ops_contracts::wire::command::Point;
use ops_contracts::wire::command::interact::{Modifier, ScrollEdge};
use ops_contracts::wire::locator::Locator;

use crate::args::{point, word};

#[derive(Debug, Clone, Args)]
pub(crate) struct Pointing {
    /// A key held meanwhile; may be repeated.
    #[arg(long, value_name = "KEY", value_parser = word::<Modifier>(&["Alt", "Control", "Meta", "Shift"]))]
    pub(crate) modifier: Vec<Modifier>,
    /// Where in the element, from its top left corner.
    #[arg(long, value_name = "X,Y", value_parser = point)]
    pub(crate) position: Option<Point>,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct Click {
    /// The element.
    pub(crate) locator: Locator,
    /// The mouse button.
    #[arg(long, default_value = "left", value_parser = word::<MouseButton>(&["left", "middle", "right"]))]
    pub(crate) button: MouseButton,
    /// Clicks in a row, 1 to 3.
    #[arg(long, default_value_t = 1, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=3))]
    pub(crate) count: u8,
    /// Clicks twice.
    #[arg(long, conflicts_with = "count")]
    pub(crate) double: bool,
    #[command(flatten)]
    pub(crate) pointing: Pointing,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct Hover {
    /// The element.
    pub(crate) locator: Locator,
    #[command(flatten)]
    pub(crate) pointing: Pointing,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct Tap {
    /// The element.
    pub(crate) locator: Locator,
    #[command(flatten)]
    pub(crate) pointing: Pointing,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct Drag {
    /// The element that is taken.
    pub(crate) source: Locator,
    /// The element that it is dropped on.
    pub(crate) target: Locator,
    /// Where in the source, from its top left corner.
    #[arg(long, value_name = "X,Y", value_parser = point)]
    pub(crate) source_position: Option<Point>,
    /// Where in the target, from its top left corner.
    #[arg(long, value_name = "X,Y", value_parser = point)]
    pub(crate) target_position: Option<Point>,
    /// Moves of the mouse between the two.
    #[arg(long, default_value_t = 8, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=100))]
    pub(crate) steps: u8,
    /// A key held meanwhile; may be repeated.
    #[arg(long, value_name = "KEY", value_parser = word::<Modifier>(&["Alt", "Control", "Meta", "Shift"]))]
    pub(crate) modifier: Vec<Modifier>,
}

/// A mouse button with the keys held.
#[derive(Debug, Clone, Args)]
pub(crate) struct Pressing {
    /// The mouse button.
    #[arg(long, default_value = "left", value_parser = word::<MouseButton>(&["left", "middle", "right"]))]
    pub(crate) button: MouseButton,
    /// 2 for the second press of a double click.
    #[arg(long, default_value_t = 1, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=3))]
    pub(crate) click_count: u8,
}

/// What to do with the mouse.
#[derive(Debug, Clone, Subcommand)]
pub(crate) enum Mouse {
    /// Moves it to X Y.
    Move {
        /// From the left of the viewport.
        #[arg(allow_negative_numbers = true)]
        x: f64,
        /// From the top.
        #[arg(allow_negative_numbers = true)]
        y: f64,
        /// Moves on the way there.
        #[arg(long, default_value_t = 1, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=100))]
        steps: u8,
    },
    /// Presses a button where it is.
    Down(Pressing),
    /// Releases a button where it is.
    Up(Pressing),
    /// Turns the wheel: DY down, DX to the right.
    Wheel {
        /// Down; negative is up.
        #[arg(allow_negative_numbers = true)]
        dy: f64,
        /// To the right.
        #[arg(allow_negative_numbers = true, default_value_t = 0.0)]
        dx: f64,
        /// Where, instead of where the mouse is.
        #[arg(long, value_name = "X,Y", value_parser = point)]
        at: Option<Point>,
    },
    /// Drags from one point to another.
    Drag {
        /// Where the button is pressed.
        #[arg(value_name = "X,Y", value_parser = point)]
        from: Point,
        /// Where it is released.
        #[arg(value_name = "X,Y", value_parser = point)]
        to: Point,
        /// Moves between the two.
        #[arg(long, default_value_t = 8, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=100))]
        steps: u8,
    },
}

#[derive(Debug, Clone, Args)]
pub(crate) struct Fill {
    /// The element.
    pub(crate) locator: Locator,
    /// The new value.
    #[arg(
        required_unless_present = "stdin",
        conflicts_with = "stdin",
        allow_negative_numbers = true
    )]
    pub(crate) value: Option<String>,
    /// Reads the value from stdin, so that a secret stays out of the process list.
    #[arg(long)]
    pub(crate) stdin: bool,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct Type {
    /// The element, where one is to be focused first, and the text.
    #[arg(required = true, num_args = 1..=2, value_name = "WORD", allow_negative_numbers = true)]
    pub(crate) words: Vec<String>,
    /// Milliseconds between keys.
    #[arg(long, default_value_t = 0, value_name = "MS")]
    pub(crate) delay: u64,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct Press {
    /// A key or chord: Enter, a, Control+a, Shift+ArrowDown.
    pub(crate) key: String,
    /// The element to focus first.
    pub(crate) locator: Option<Locator>,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct Select {
    /// The element.
    pub(crate) locator: Locator,
    /// Options, by value or else by label.
    #[arg(allow_negative_numbers = true)]
    pub(crate) value: Vec<String>,
    /// An option by its label alone; may be repeated.
    #[arg(long)]
    pub(crate) label: Vec<String>,
    /// An option by its place, from 0; may be repeated.
    #[arg(long)]
    pub(crate) index: Vec<u32>,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct Scroll {
    /// An element, a direction (up, down, left, right, top, bottom), and how far.
    #[arg(num_args = 0..=3, value_name = "WORD")]
    pub(crate) words: Vec<String>,
    /// CSS pixels to the right.
    #[arg(long, allow_negative_numbers = true, conflicts_with = "to")]
    pub(crate) dx: Option<f64>,
    /// CSS pixels down.
    #[arg(long, allow_negative_numbers = true, conflicts_with = "to")]
    pub(crate) dy: Option<f64>,
    /// To an end.
    #[arg(long, value_name = "EDGE", value_parser = word::<ScrollEdge>(&["top", "bottom"]))]
    pub(crate) to: Option<ScrollEdge>,
}
