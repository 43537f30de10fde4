//! What each program needs to start: its flags, its environment, its profile, and what nobody may add to them.

pub(crate) mod chromedriver;
pub(crate) mod chromium;
pub(crate) mod firefox;

use ops_contracts::seam::adapter::{AdapterError, AdapterResult, LaunchSpec};

/// Refuses a launch with arguments that nobody may add, and a confined one with ways out as well.
fn permit(
    spec: &LaunchSpec,
    forbidden: fn(&[String]) -> Option<&str>,
    ways_out: &[&str],
) -> AdapterResult<()> {
    refuse(forbidden(&spec.args))?;
    refuse(listed(&spec.args, ways_out).filter(|_| spec.confined))
}

/// Refuses a launch because of an argument, where there is one.
fn refuse(argument: Option<&str>) -> AdapterResult<()> {
    match argument {
        Some(argument) => Err(AdapterError::ArgumentForbidden {
            argument: argument.to_owned(),
        }),
        None => Ok(()),
    }
}

/// Whether the name of a flag is on a list, where a trailing `-` matches all that begin so.
fn is_listed(list: &[&str], name: &str) -> bool {
    list.iter().any(|banned| {
        if banned.ends_with('-') {
            name.starts_with(banned)
        } else {
            name == *banned
        }
    })
}

/// The name of an argument's flag, in lower case. Browsers take one or two dashes, and spaces around a flag are of no help to it.
fn flag(argument: &str) -> String {
    let flag = argument.trim().trim_start_matches('-').to_ascii_lowercase();
    flag.split('=').next().unwrap_or_default().to_owned()
}

/// The first of `arguments` whose flag is on a list.
fn listed<'a>(arguments: &'a [String], list: &[&str]) -> Option<&'a str> {
    arguments
        .iter()
        .map(String::as_str)
        .find(|argument| is_listed(list, &flag(argument)))
}
