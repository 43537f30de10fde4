//! The verbs `drag` and `mouse` as commands of the contract.

use ops_contracts::seam::adapter::MouseButton;
use ops_contracts::wire::command::{CommandName, interact, pointer};
use ops_contracts::wire::ids::TargetId;

use super::{Command, of};
use crate::args::Verb;
use crate::args::verb::{Drag, Mouse, Pressing};
use client_core::{Failure, Outcome};

pub(super) fn of_verb(verb: &Verb, target_id: Option<TargetId>) -> Outcome<Command> {
    match verb {
        Verb::Drag(drag) => dragged(drag, target_id),
        Verb::Mouse { verb } => mouse(verb, target_id),
        _ => Err(Failure::usage("this verb does not move the mouse")),
    }
}

fn dragged(drag: &Drag, target_id: Option<TargetId>) -> Outcome<Command> {
    let params = interact::DragParams {
        source: drag.source.clone(),
        target: drag.target.clone(),
        source_position: drag.source_position,
        target_position: drag.target_position,
        modifiers: drag.modifier.clone(),
        steps: drag.steps,
        target_id,
    };
    of(CommandName::InteractDrag, &params)
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
