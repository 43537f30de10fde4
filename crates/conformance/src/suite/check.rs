//! What cases assert with: each check is a `Result`, so that a failure tells its case and no case brings the others down.

use std::fmt::Debug;
use std::panic::Location;

use ops_contracts::{ErrorCode, Fault};

use super::fixture::{Failure, PATIENCE, Refused};
use crate::site::Site;

/// What a case comes to.
pub type Outcome = Result<(), Failure>;

/// Checks that two values are equal.
///
/// # Errors
/// Both values.
#[track_caller]
pub fn equal<T: PartialEq<U> + Debug, U: Debug>(found: T, expected: U) -> Outcome {
    if found == expected {
        Ok(())
    } else {
        Err(failed(format!("expected {expected:?}, found {found:?}")))
    }
}

/// Checks that something holds.
///
/// # Errors
/// What should hold.
#[track_caller]
pub fn holds(condition: bool, what: impl Into<String>) -> Outcome {
    if condition {
        Ok(())
    } else {
        Err(failed(what.into()))
    }
}

/// Checks that a text contains another.
///
/// # Errors
/// Both.
#[track_caller]
pub fn contains(text: &str, part: &str) -> Outcome {
    holds(
        text.contains(part),
        format!("expected {part:?} in:\n{text}"),
    )
}

/// Checks that a text does not contain another.
///
/// # Errors
/// Both.
#[track_caller]
pub fn lacks(text: &str, part: &str) -> Outcome {
    holds(
        !text.contains(part),
        format!("expected no {part:?} in:\n{text}"),
    )
}

/// Checks that a call was refused with a code.
///
/// # Errors
/// What came of it instead.
#[track_caller]
pub fn refused<T: Debug>(result: Result<T, Refused>, code: ErrorCode) -> Result<Fault, Failure> {
    refused_with(result, &[code])
}

/// Checks that a call was refused with one of several codes.
///
/// # Errors
/// What came of it instead.
#[track_caller]
pub fn refused_with<T: Debug>(
    result: Result<T, Refused>,
    codes: &[ErrorCode],
) -> Result<Fault, Failure> {
    let wanted: Vec<_> = codes.iter().map(|code| code.as_str()).collect();
    match result {
        Err(refused) if codes.contains(&refused.fault.code) => Ok(refused.fault),
        Err(refused) => Err(failed(format!(
            "expected {}, but {refused}",
            wanted.join(" or ")
        ))),
        Ok(result) => Err(failed(format!(
            "expected {}, found {result:?}",
            wanted.join(" or ")
        ))),
    }
}

/// Waits until the server has seen a report, then checks that it saw exactly as many as expected.
///
/// # Errors
/// The figures.
pub async fn reported(site: &Site, id: &str, times: usize) -> Outcome {
    if times > 0 && !site.wait_for_report(id, times, PATIENCE).await {
        return Err(Failure::new(format!(
            "the server saw {} reports of {id:?}, not {times}",
            site.reported(id)
        )));
    }
    equal(site.reported(id), times)
        .map_err(|failure| Failure::new(format!("reports of {id:?}: {failure}")))
}

#[track_caller]
fn failed(message: String) -> Failure {
    let at = Location::caller();
    let file = at.file().rsplit('/').next().unwrap_or_default();
    Failure::new(format!("{file}:{}: {message}", at.line()))
}
