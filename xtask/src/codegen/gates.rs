//! `docs/gates.md`: the table of thresholds, and what surrounds it.

use std::fmt::Write as _;

use ops_contracts::control::cycle::{
    CheckName, GateName, RETENTION_CYCLES, RETENTION_DAYS, THRESHOLDS, Threshold, Whose,
};

use super::cell;

/// The page.
pub(super) fn page() -> String {
    let mut gates = String::new();
    for gate in GateName::ALL {
        let _ = writeln!(
            gates,
            "| `{gate}` | `{}` | {} |",
            gate.file(),
            meaning(*gate)
        );
    }
    let rows: String = THRESHOLDS.iter().map(row).collect();
    let checks = CheckName::ALL.iter().map(|name| format!("`{name}`"));
    let checks = checks.collect::<Vec<_>>().join(", ");
    include_str!("gates.md")
        .replace("{gates}", gates.trim_end())
        .replace("{thresholds}", rows.trim_end())
        .replace("{checks}", &checks)
        .replace("{days}", &RETENTION_DAYS.to_string())
        .replace("{cycles}", &RETENTION_CYCLES.to_string())
}

const fn meaning(gate: GateName) -> &'static str {
    match gate {
        GateName::Ci => "every check and every test passes",
        GateName::Soak => "hours of mixed work leave nothing behind and fail nowhere",
        GateName::FaultInjection => "every fault that is put in comes out as its code",
        GateName::Scorecard => "what was served keeps the thresholds of its phase",
    }
}

fn row(row: &Threshold) -> String {
    let whose = match row.whose {
        Whose::Plan => "plan",
        Whose::Ours => "ours",
    };
    let absent = if row.may_be_absent {
        ", where it was measured"
    } else {
        ""
    };
    format!(
        "| `{}` | `{}` | {}{absent} | {whose} | {} |\n",
        row.gate,
        row.figure,
        row.bound,
        cell(row.remedy)
    )
}
