//! The rooms of the contract: arrows run only from later rooms to earlier ones.

use super::{Findings, Source};

/// The rooms of `ops-contracts` in their order; each may name itself and those before it.
const ROOMS: [&str; 3] = ["wire", "seam", "control"];

/// Where the rooms are.
const CONTRACT: &str = "crates/ops-contracts/src";

pub(super) fn check(sources: &[Source], findings: &mut Findings) {
    for source in sources {
        let Some(room) = room_of(source) else {
            continue;
        };
        for (number, line) in source.text.lines().enumerate() {
            for later in later_rooms_named(room, line) {
                findings.errors.push(format!(
                    "{}:{}: `{}` names the later room `{later}`",
                    source.path.display(),
                    number + 1,
                    ROOMS[room],
                ));
            }
        }
    }
}

/// The index of the room that a file belongs to.
fn room_of(source: &Source) -> Option<usize> {
    let inside = source.path.strip_prefix(CONTRACT).ok()?;
    let first = inside.iter().next()?.to_str()?;
    let name = first.strip_suffix(".rs").unwrap_or(first);
    ROOMS.iter().position(|room| *room == name)
}

/// The rooms behind `room` that a line of code names.
fn later_rooms_named(room: usize, line: &str) -> impl Iterator<Item = &'static str> {
    ROOMS[room + 1..]
        .iter()
        .copied()
        .filter(move |later| line.contains(&format!("crate::{later}")))
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    fn findings_of(path: &str, text: &str) -> Vec<String> {
        let source = Source {
            path: PathBuf::from(path),
            text: text.to_owned(),
        };
        let mut findings = Findings::default();
        check(&[source], &mut findings);
        findings.errors
    }

    #[test]
    fn an_arrow_to_a_later_room_is_found_and_one_to_an_earlier_is_not() {
        let up = findings_of(
            "crates/ops-contracts/src/wire/frame.rs",
            "use crate::control::status::StatusDocument;\n",
        );
        assert_eq!(up.len(), 1, "{up:?}");
        assert!(up[0].contains("frame.rs:1"), "{up:?}");
        let seam = findings_of(
            "crates/ops-contracts/src/seam/port.rs",
            "use crate::wire::ids::SessionId;\nuse crate::control::health::HealthSink;\n",
        );
        assert_eq!(seam.len(), 1, "{seam:?}");
        let down = findings_of(
            "crates/ops-contracts/src/control/status.rs",
            "use crate::wire::ids::SessionId;\nuse crate::seam::port::Served;\n",
        );
        assert!(down.is_empty(), "{down:?}");
    }
}
