//! What was measured beside what is allowed: a table for people and a file for programs.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::samples::Samples;

/// What is allowed.
#[derive(Debug, Clone, Copy)]
pub(super) enum Bound {
    /// At most this many milliseconds more than the reference, at p50.
    Adds(f64),
    /// At most this many times the reference, at p50.
    Times(f64),
    /// At most this many times the reference, at p95.
    Tail(f64),
    /// At most this much.
    Most(f64, &'static str),
    /// Anything: shown for those who want to know.
    None,
}

/// One line.
#[derive(Debug)]
pub(super) struct Row {
    name: String,
    bound: Bound,
    figures: Figures,
}

#[derive(Debug)]
enum Figures {
    Pair { ours: Samples, raw: Samples },
    Value(f64),
}

impl Row {
    /// Two things measured in turn: ours and the reference.
    pub(super) fn pair(
        name: impl Into<String>,
        bound: Bound,
        (ours, raw): (Samples, Samples),
    ) -> Self {
        Self {
            name: name.into(),
            bound,
            figures: Figures::Pair { ours, raw },
        }
    }

    /// A size.
    pub(super) fn value(
        name: impl Into<String>,
        value: f64,
        most: f64,
        unit: &'static str,
    ) -> Self {
        Self {
            name: name.into(),
            bound: Bound::Most(most, unit),
            figures: Figures::Value(value),
        }
    }

    /// Whether the bound is kept; none where there is no bound.
    pub(super) fn is_ok(&self) -> Option<bool> {
        match (&self.figures, self.bound) {
            (Figures::Pair { ours, raw }, Bound::Adds(most)) => {
                Some(ours.p50() - raw.p50() <= most)
            }
            (Figures::Pair { ours, raw }, Bound::Times(most)) => {
                Some(ours.p50() <= most * raw.p50())
            }
            (Figures::Pair { ours, raw }, Bound::Tail(most)) => {
                Some(ours.p95() <= most * raw.p95())
            }
            (Figures::Value(value), Bound::Most(most, _)) => Some(*value <= most),
            _ => None,
        }
    }

    fn cells(&self) -> [String; 8] {
        let ms = |value: f64| format!("{value:.2}");
        let none = String::new;
        let (ours, raw, ratio) = match &self.figures {
            Figures::Pair { ours, raw } => {
                let ratio = if raw.p50() > 0.0 {
                    format!("{:.2}", ours.p50() / raw.p50())
                } else {
                    none()
                };
                (
                    [ms(ours.p50()), ms(ours.p95())],
                    [ms(raw.p50()), ms(raw.p95())],
                    ratio,
                )
            }
            Figures::Value(value) => ([format!("{value:.1}"), none()], [none(), none()], none()),
        };
        let bound = match self.bound {
            Bound::Adds(most) => format!("+{most} ms"),
            Bound::Times(most) => format!("{most}x"),
            Bound::Tail(most) => format!("p95 {most}x"),
            Bound::Most(most, unit) => format!("{most} {unit}"),
            Bound::None => none(),
        };
        let verdict = self.is_ok().map_or(none(), |ok| {
            if ok {
                "ok".to_owned()
            } else {
                "over".to_owned()
            }
        });
        let [ours50, ours95] = ours;
        let [raw50, raw95] = raw;
        [
            self.name.clone(),
            ours50,
            ours95,
            raw50,
            raw95,
            ratio,
            bound,
            verdict,
        ]
    }

    fn json(&self) -> Value {
        let of = |samples: &Samples| json!({ "p50": samples.p50(), "p95": samples.p95(), "count": samples.len() });
        let figures = match &self.figures {
            Figures::Pair { ours, raw } => {
                json!({ "ours": of(ours), "raw": of(raw), "ratio": ours.p50() / raw.p50() })
            }
            Figures::Value(value) => json!({ "value": value }),
        };
        json!({ "name": self.name, "bound": self.cells()[6], "ok": self.is_ok(), "figures": figures })
    }
}

/// The table for people, times in milliseconds.
pub(super) fn table(rows: &[Row]) -> String {
    let mut text = String::new();
    let head = [
        "milliseconds",
        "p50",
        "p95",
        "raw p50",
        "raw p95",
        "ratio",
        "bound",
        "",
    ]
    .map(str::to_owned);
    let line = |text: &mut String, cells: &[String; 8]| {
        let [name, figures @ ..] = cells;
        let _ = write!(text, "{name:<44}");
        for figure in figures {
            let _ = write!(text, " {figure:>9}");
        }
        let kept = text.trim_end().len();
        text.truncate(kept);
        text.push('\n');
    };
    line(&mut text, &head);
    for row in rows {
        line(&mut text, &row.cells());
    }
    text
}

/// The file for programs.
pub(super) fn document(rows: &[Row], facts: Value) -> Value {
    json!({ "facts": facts, "rows": rows.iter().map(Row::json).collect::<Vec<_>>() })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn of(ms: u64) -> Samples {
        let mut samples = Samples::default();
        samples.add(Duration::from_millis(ms));
        samples
    }

    #[test]
    fn a_bound_is_kept_or_not() {
        let ok = |bound, ours, raw| Row::pair("x", bound, (of(ours), of(raw))).is_ok();
        assert_eq!(ok(Bound::Times(1.5), 15, 10), Some(true));
        assert_eq!(ok(Bound::Times(1.5), 16, 10), Some(false));
        assert_eq!(ok(Bound::Adds(1.0), 11, 10), Some(true));
        assert_eq!(ok(Bound::Adds(1.0), 12, 10), Some(false));
        assert_eq!(ok(Bound::Tail(2.0), 20, 10), Some(true));
        assert_eq!(ok(Bound::Tail(2.0), 21, 10), Some(false));
        assert_eq!(ok(Bound::None, 12, 1), None);
        assert_eq!(Row::value("x", 16.0, 15.0, "MiB").is_ok(), Some(false));
    }
}
