//! Known gaps as data: rows that say which cases an adapter does not pass, and why. A gap that has closed fails the run.

use ops_contracts::seam::adapter::BoxFuture;
use serde::Deserialize;

use super::fixture::Failure;

/// What a row expects of its cases.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Expect {
    /// They fail.
    Fail,
    /// They end with `ops_not_supported`.
    Unsupported,
    /// They are not run, since they could not tell anything.
    Skip,
}

/// One row of the file.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expectation {
    /// The cases, as a glob over their names: `*` stands for anything.
    pub case: String,
    /// The subject's adapter.
    pub adapter: String,
    /// The browser family, or `*`.
    pub browser: String,
    /// What is expected.
    pub expect: Expect,
    /// Why.
    pub reason: String,
}

impl Expectation {
    fn covers(&self, case: &str, adapter: &str, browser: &str) -> bool {
        glob(&self.case, case) && self.adapter == adapter && glob(&self.browser, browser)
    }
}

/// The rows of `expectations.json`.
///
/// # Panics
/// When the file, which is compiled in, is not of its form.
#[must_use]
pub fn expectations() -> Vec<Expectation> {
    serde_json::from_str(include_str!("../../expectations.json"))
        .expect("expectations.json is a list of rows")
}

/// The first row that covers a case.
#[must_use]
pub fn expected<'a>(
    rows: &'a [Expectation],
    case: &str,
    adapter: &str,
    browser: &str,
) -> Option<&'a Expectation> {
    rows.iter().find(|row| row.covers(case, adapter, browser))
}

/// How a case ended, measured against what was expected of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// As it should.
    Passed,
    /// Not as it should, as the row says that it does.
    ExpectedGap {
        /// The row's reason.
        reason: String,
    },
    /// Not run.
    Skipped {
        /// The row's reason.
        reason: String,
    },
    /// Not as it should.
    Failed {
        /// What was found.
        message: String,
    },
}

impl Verdict {
    /// Whether the run may pass with it.
    #[must_use]
    pub const fn is_good(&self) -> bool {
        !matches!(self, Self::Failed { .. })
    }
}

/// Runs a case, unless its row says to skip it, and judges what came of it.
pub async fn judged(
    row: Option<&Expectation>,
    case: BoxFuture<'_, Result<(), Failure>>,
) -> Verdict {
    match row {
        Some(row) if row.expect == Expect::Skip => Verdict::Skipped {
            reason: row.reason.clone(),
        },
        row => judge(row, case.await),
    }
}

fn judge(row: Option<&Expectation>, outcome: Result<(), Failure>) -> Verdict {
    let unsupported =
        |failure: &Failure| failure.code == Some(ops_contracts::ErrorCode::OpsNotSupported);
    match (row, outcome) {
        (None, Ok(())) => Verdict::Passed,
        (None, Err(failure)) => Verdict::Failed {
            message: failure.message,
        },
        (Some(row), Ok(())) => {
            let row = format!(
                r#"{{"case": "{}", "adapter": "{}", "browser": "{}"}}"#,
                row.case, row.adapter, row.browser
            );
            Verdict::Failed {
                message: format!("the case passes: delete the row {row} from expectations.json"),
            }
        }
        (Some(row), Err(failure))
            if row.expect == Expect::Unsupported && !unsupported(&failure) =>
        {
            Verdict::Failed {
                message: format!("expected to be unsupported, but: {failure}"),
            }
        }
        (Some(row), Err(_)) => Verdict::ExpectedGap {
            reason: row.reason.clone(),
        },
    }
}

fn glob(pattern: &str, text: &str) -> bool {
    let Some((head, rest)) = pattern.split_once('*') else {
        return pattern == text;
    };
    let Some(mut left) = text.strip_prefix(head) else {
        return false;
    };
    let mut parts: Vec<&str> = rest.split('*').collect();
    let tail = parts.pop().unwrap_or_default();
    for part in parts {
        let Some(found) = left.find(part) else {
            return false;
        };
        left = &left[found + part.len()..];
    }
    left.ends_with(tail)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(expect: Expect) -> Expectation {
        let text = |text: &str| text.to_owned();
        Expectation {
            case: text("click.*"),
            adapter: text("cdp"),
            browser: text("*"),
            expect,
            reason: text("because"),
        }
    }

    #[test]
    fn globs_match_as_a_person_expects() {
        for (pattern, text, expected) in [
            ("a.b", "a.b", true),
            ("a.b", "a.bc", false),
            ("a.*", "a.b", true),
            ("*", "anything", true),
            ("*.b", "a.b", true),
            ("a*c*e", "abcde", true),
            ("a*c*e", "abde", false),
            ("ab*ba", "aba", false),
        ] {
            assert_eq!(glob(pattern, text), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn a_gap_that_has_closed_fails_and_names_its_row() {
        let Verdict::Failed { message } = judge(Some(&row(Expect::Fail)), Ok(())) else {
            panic!("passed")
        };
        assert!(
            message.contains(r#"{"case": "click.*", "adapter": "cdp", "browser": "*"}"#),
            "{message}"
        );
    }

    #[test]
    fn a_gap_of_another_kind_is_no_expected_one() {
        let failed = || Err(Failure::new("x"));
        let unsupported = || {
            Err(Failure {
                message: String::new(),
                code: Some(ops_contracts::ErrorCode::OpsNotSupported),
            })
        };
        assert!(judge(Some(&row(Expect::Fail)), failed()).is_good());
        assert!(!judge(Some(&row(Expect::Unsupported)), failed()).is_good());
        assert!(judge(Some(&row(Expect::Unsupported)), unsupported()).is_good());
        assert!(!judge(None, failed()).is_good());
    }

    #[test]
    fn rows_cover_their_own_adapter_and_browser() {
        let rows = [row(Expect::Fail)];
        assert!(expected(&rows, "click.twice", "cdp", "chrome").is_some());
        assert!(expected(&rows, "click.twice", "bidi", "chrome").is_none());
        assert!(expected(&rows, "nav.goto", "cdp", "chrome").is_none());
    }

    #[test]
    fn every_row_of_the_file_covers_a_case() {
        for row in expectations() {
            let covered = super::super::cases().any(|case| glob(&row.case, case.name));
            assert!(covered && !row.reason.is_empty(), "{row:?}");
        }
    }
}
