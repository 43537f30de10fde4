//! From the words of the command line to an exit code.

use std::ffi::{OsStr, OsString};

use client_core::{Failure, Outcome};
use ops_contracts::ErrorCode;
use routing::preflight::RoutingFlags;

use crate::args::{self, Cli, NoVerb};
use crate::context::Context;
use crate::environment::Environment;
use crate::output::{Format, Output};
use crate::verb::Task;

/// Runs a command line; the exit code.
pub(crate) fn run(words: impl IntoIterator<Item = OsString>, environment: &Environment) -> u8 {
    let words: Vec<OsString> = words.into_iter().collect();
    let (out, outcome) = match args::parse(words.iter().cloned()) {
        Ok(cli) => {
            let out = Output::new(
                cli.global.output,
                cli.global.quiet,
                !cli.global.no_color && !environment.no_color,
            );
            (out, dispatch(cli, environment, out))
        }
        Err(NoVerb::Shown(text)) => {
            Output::new(Format::Text, false, false).line(text.trim_end());
            return 0;
        }
        Err(NoVerb::Wrong(failure)) => (
            Output::new(wanted_format(&words), false, !environment.no_color),
            Err(failure),
        ),
    };
    outcome.unwrap_or_else(|failure| {
        out.failure(&failure, &environment.correlation);
        exit_code(&failure)
    })
}

/// 1 usage, 10 no daemon, 2 everything else.
pub(crate) fn exit_code(failure: &Failure) -> u8 {
    match failure {
        Failure::Here(fault) => match fault.code {
            ErrorCode::CliUsageInvalid
            | ErrorCode::CliFlagUnsupported
            | ErrorCode::CliRolloutAllowlistInvalid => 1,
            ErrorCode::CliDaemonUnavailable => 10,
            _ => 2,
        },
        Failure::Refused { .. } | Failure::Foreign(_) => 2,
    }
}

/// The format that a command line asks for which can't be parsed as a whole.
fn wanted_format(words: &[OsString]) -> Format {
    let is = |word: &OsStr, form: &str| {
        ["--output=", "-o=", "-o"]
            .iter()
            .any(|flag| word == OsStr::new(&format!("{flag}{form}")))
    };
    let pairs = words
        .windows(2)
        .filter(|pair| pair[0] == "--output" || pair[0] == "-o")
        .map(|pair| pair[1].as_os_str());
    let json =
        pairs.clone().any(|value| value == "json") || words.iter().any(|word| is(word, "json"));
    let ndjson =
        pairs.clone().any(|value| value == "ndjson") || words.iter().any(|word| is(word, "ndjson"));
    if json || ndjson {
        Format::Json
    } else {
        Format::Text
    }
}

fn dispatch(cli: Cli, environment: &Environment, out: Output) -> Outcome<u8> {
    let Cli { global, mut verb } = cli;
    if global.routing() != RoutingFlags::default() && !verb.verb.takes_routing() {
        return Err(Failure::usage(
            "routing flags have no meaning for this verb",
        ));
    }
    if global.tab.is_some() && verb.row.scope.refuses_tab() {
        return Err(Failure::usage("--tab has no meaning for this verb"));
    }
    verb.verb.read_stdin()?;
    let task = verb.task(global.tab.as_ref());
    if let Ok(Task::Print(print)) = task {
        return print(out);
    }
    // A home that can't be used is reported before a verb that can't be understood.
    let context = Context::new(global, environment, out)?;
    let task = task?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let runtime = runtime.map_err(|error| {
        Failure::new(
            ErrorCode::CliStateInvalid,
            format!("no event loop: {error}"),
        )
    })?;
    let code = runtime.block_on(async {
        match task {
            Task::Command(command) => context.run(&command).await,
            Task::Program(run) => run(&context).await,
            Task::Print(print) => print(out),
        }
    });
    // A read of stdin that blocks a thread does not hold the process up.
    runtime.shutdown_background();
    code
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exit_codes_are_one_for_usage_ten_without_daemon_and_two_otherwise() {
        for (code, exit) in [
            (ErrorCode::CliUsageInvalid, 1),
            (ErrorCode::CliFlagUnsupported, 1),
            (ErrorCode::CliDaemonUnavailable, 10),
            (ErrorCode::CliSessionMissing, 2),
        ] {
            assert_eq!(exit_code(&Failure::new(code, "x")), exit, "{code}");
        }
    }
}
