//! The verbs that act on a page as a user does.

use client_core::{Failure, Outcome};
use ops_contracts::seam::adapter::MouseButton;
use ops_contracts::wire::command::interact::{self, OptionChoice, ScrollEdge};
use ops_contracts::wire::command::{CommandName, pointer};
use ops_contracts::wire::ids::TargetId;

use super::{Command, locator, of};
use crate::args::verb::{
    Click, Drag, Element, Fill, Hover, Mouse, Press, Pressing, Scroll, Select, Tap, Type,
};
use crate::stdin;
use crate::verb::{OneCommand, Task, Verb};

impl OneCommand for Click {
    type Params = interact::ClickParams;

    fn params(&self, target_id: Option<TargetId>) -> Outcome<Self::Params> {
        Ok(interact::ClickParams {
            element: self.locator.clone(),
            button: self.button,
            count: if self.double { 2 } else { self.count },
            modifiers: self.pointing.modifier.clone(),
            position: self.pointing.position,
            target_id,
        })
    }
}

impl OneCommand for Hover {
    type Params = interact::HoverParams;

    fn params(&self, target_id: Option<TargetId>) -> Outcome<Self::Params> {
        Ok(interact::HoverParams {
            element: self.locator.clone(),
            modifiers: self.pointing.modifier.clone(),
            position: self.pointing.position,
            target_id,
        })
    }
}

impl OneCommand for Tap {
    type Params = interact::TapParams;

    fn params(&self, target_id: Option<TargetId>) -> Outcome<Self::Params> {
        Ok(interact::TapParams {
            element: self.locator.clone(),
            modifiers: self.pointing.modifier.clone(),
            position: self.pointing.position,
            target_id,
        })
    }
}

impl OneCommand for Element {
    type Params = interact::ElementParams;

    fn params(&self, target_id: Option<TargetId>) -> Outcome<Self::Params> {
        Ok(interact::ElementParams {
            element: self.locator.clone(),
            target_id,
        })
    }
}

impl OneCommand for Fill {
    type Params = interact::FillParams;

    fn params(&self, target_id: Option<TargetId>) -> Outcome<Self::Params> {
        Ok(interact::FillParams {
            element: self.locator.clone(),
            value: self.value.clone().unwrap_or_default().into(),
            target_id,
        })
    }

    fn read_stdin(&mut self) -> Outcome<()> {
        if self.stdin {
            self.value = Some(stdin::read_line()?);
        }
        Ok(())
    }
}

impl OneCommand for Press {
    type Params = interact::PressParams;

    fn params(&self, target_id: Option<TargetId>) -> Outcome<Self::Params> {
        Ok(interact::PressParams {
            key: self.key.clone(),
            element: self.locator.clone(),
            target_id,
        })
    }
}

impl OneCommand for Drag {
    type Params = interact::DragParams;

    fn params(&self, target_id: Option<TargetId>) -> Outcome<Self::Params> {
        Ok(interact::DragParams {
            source: self.source.clone(),
            target: self.target.clone(),
            source_position: self.source_position,
            target_position: self.target_position,
            modifiers: self.modifier.clone(),
            steps: self.steps,
            target_id,
        })
    }
}

impl OneCommand for Type {
    type Params = interact::TypeParams;

    fn params(&self, target_id: Option<TargetId>) -> Outcome<Self::Params> {
        let (element, text) = match self.words.as_slice() {
            [text] => (None, text),
            [element, text] => (Some(locator(element)?), text),
            _ => return Err(Failure::usage("type takes [LOCATOR] TEXT")),
        };
        Ok(interact::TypeParams {
            element,
            text: text.clone().into(),
            delay_ms: self.delay,
            target_id,
        })
    }
}

impl OneCommand for Select {
    type Params = interact::SelectParams;

    fn params(&self, target_id: Option<TargetId>) -> Outcome<Self::Params> {
        let any = self.value.iter().cloned().map(OptionChoice::Any);
        let labels = self.label.iter().cloned().map(OptionChoice::Label);
        let places = self.index.iter().copied().map(OptionChoice::Index);
        let options: Vec<OptionChoice> = any.chain(labels).chain(places).collect();
        if options.is_empty() {
            return Err(Failure::usage(
                "select takes at least one VALUE, --label or --index",
            ));
        }
        Ok(interact::SelectParams {
            element: self.locator.clone(),
            options,
            target_id,
        })
    }
}

impl OneCommand for Scroll {
    type Params = interact::ScrollParams;

    fn params(&self, target_id: Option<TargetId>) -> Outcome<Self::Params> {
        scroll_params(self, target_id)
    }
}

impl Verb for Mouse {
    fn task<'a>(&'a self, tab: Option<&TargetId>) -> Outcome<Task<'a>> {
        mouse(self, tab.cloned()).map(Task::Command)
    }
}

fn mouse(verb: &Mouse, target_id: Option<TargetId>) -> Outcome<Command> {
    let modifiers = Vec::new();
    let button = |pressing: &Pressing, target_id| pointer::ButtonParams {
        button: pressing.button,
        click_count: pressing.click_count,
        modifiers: Vec::new(),
        target_id,
    };
    match *verb {
        Mouse::Move { x, y, steps } => of(
            CommandName::PointerMove,
            &pointer::MoveParams {
                x,
                y,
                steps,
                modifiers,
                target_id,
            },
        ),
        Mouse::Down(ref pressing) => of(CommandName::PointerDown, &button(pressing, target_id)),
        Mouse::Up(ref pressing) => of(CommandName::PointerUp, &button(pressing, target_id)),
        Mouse::Wheel { dx, dy, at } => of(
            CommandName::PointerWheel,
            &pointer::WheelParams {
                dx,
                dy,
                at,
                modifiers,
                target_id,
            },
        ),
        Mouse::Drag { from, to, steps } => of(
            CommandName::PointerDrag,
            &pointer::DragParams {
                from,
                to,
                button: MouseButton::Left,
                steps,
                modifiers,
                target_id,
            },
        ),
    }
}

/// How far a direction without a number goes, in CSS pixels.
const SCROLL_STEP: f64 = 500.0;

fn scroll_params(scroll: &Scroll, target_id: Option<TargetId>) -> Outcome<interact::ScrollParams> {
    let usage = || {
        Failure::usage(
            "scroll takes [LOCATOR] DIRECTION [PIXELS], --dx and --dy, or --to top|bottom",
        )
    };
    let mut params = interact::ScrollParams {
        dx: scroll.dx.unwrap_or(0.0),
        dy: scroll.dy.unwrap_or(0.0),
        to: scroll.to,
        target_id,
        ..interact::ScrollParams::default()
    };
    let mut words = scroll.words.iter().map(String::as_str).peekable();
    if let Some(word) = words.next_if(|word| direction(word).is_none()) {
        params.element = Some(locator(word)?);
    }
    if let Some(direction) = words
        .next()
        .map(|word| direction(word).ok_or_else(usage))
        .transpose()?
    {
        if params.to.is_some() || scroll.dx.is_some() || scroll.dy.is_some() {
            return Err(usage());
        }
        let pixels = words
            .next()
            .map(|word| {
                word.parse::<f64>()
                    .ok()
                    .filter(|far| far.is_finite() && *far > 0.0)
                    .ok_or_else(usage)
            })
            .transpose()?;
        match direction {
            Direction::By(x, y) => {
                (params.dx, params.dy) = (
                    x * pixels.unwrap_or(SCROLL_STEP),
                    y * pixels.unwrap_or(SCROLL_STEP),
                )
            }
            Direction::To(_) if pixels.is_some() => return Err(usage()),
            Direction::To(edge) => params.to = Some(edge),
        }
    }
    if words.next().is_some() {
        Err(usage())
    } else {
        Ok(params)
    }
}

enum Direction {
    By(f64, f64),
    To(ScrollEdge),
}

fn direction(word: &str) -> Option<Direction> {
    Some(match word {
        "up" => Direction::By(0.0, -1.0),
        "down" => Direction::By(0.0, 1.0),
        "left" => Direction::By(-1.0, 0.0),
        "right" => Direction::By(1.0, 0.0),
        "top" => Direction::To(ScrollEdge::Top),
        "bottom" => Direction::To(ScrollEdge::Bottom),
        _ => return None,
    })
}
