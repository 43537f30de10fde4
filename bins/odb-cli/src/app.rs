//! From the words of the command line to an exit code.

use std::ffi::{OsStr, OsString};
use std::io::Read;

use ops_contracts::ErrorCode;
use routing::preflight::RoutingFlags;

use crate::args::emulate::Emulate;
use crate::args::keep::{Cookies, Entries, Storage};
use crate::args::verb::{Cdp, Config, Downloads, Network, Session, Trace};
use crate::args::{self, Cli, NoVerb, Verb};
use crate::context::Context;
use crate::environment::Environment;
use crate::output::{Format, Output};
use crate::{
    batch, cdp, commands, config, doctor, files, journal, keep, lifecycle, open, operate, pair,
    request, sessions,
};
use client_core::{Failure, Outcome};

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
        out.failure(&failure);
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

fn dispatch(mut cli: Cli, environment: &Environment, out: Output) -> Outcome<u8> {
    if cli.global.routing() != RoutingFlags::default() && !takes_routing(&cli.verb) {
        return Err(Failure::usage(
            "routing flags have no meaning for this verb",
        ));
    }
    match &cli.verb {
        Verb::Completions { shell } => return Ok(commands::completions(*shell)),
        Verb::Commands { name } => return commands::list(name.as_deref(), out),
        _ => {}
    }
    if cli.global.tab.is_some() && !takes_tab(&cli.verb) {
        return Err(Failure::usage("--tab has no meaning for this verb"));
    }
    fill_in_stdin(&mut cli.verb)?;
    let context = Context::new(cli.global, environment, out)?;
    if let Verb::Serve { flags } = &cli.verb {
        return lifecycle::serve(&context, flags);
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let runtime = runtime.map_err(|error| {
        Failure::new(
            ErrorCode::CliStateInvalid,
            format!("no event loop: {error}"),
        )
    })?;
    runtime.block_on(perform(&cli.verb, &context))
}

async fn perform(verb: &Verb, context: &Context<'_>) -> Outcome<u8> {
    match verb {
        Verb::Open(open) => open::run(context, open).await,
        Verb::Batch(batch) => batch::run(context, batch, &read_stdin()?).await,
        Verb::Call(call) => commands::call(context, call).await,
        Verb::Session { verb } => sessions::run(context, verb).await,
        Verb::State { verb } => keep::run(context, verb).await,
        Verb::Emulate {
            what: Emulate::Device { name: None, .. },
        } => {
            context.out.line(&client_core::render::keep::devices());
            Ok(0)
        }
        Verb::Close => sessions::close(context, None).await,
        Verb::Cdp { verb } => cdp::run(context, verb).await,
        Verb::Status => lifecycle::status(context).await,
        Verb::Dashboard => lifecycle::dashboard(context).await,
        Verb::Config { verb } => config::run(context, verb).await,
        Verb::Pair(pair) => pair::run(context, pair).await,
        Verb::Journal { verb } => journal::run(context, verb),
        Verb::Stop => lifecycle::stop(context).await,
        Verb::Scorecard(args) => operate::scorecard(context, args).await,
        Verb::Confirm { verb } => crate::confirm::run(context, verb).await,
        Verb::Incident { verb } => operate::incident(context, verb).await,
        Verb::Trace {
            verb: Trace::Stop { path },
        } => files::trace(context, path.as_deref()).await,
        Verb::Har(har) => files::har(context, har).await,
        Verb::Upload(upload) => files::upload(context, upload).await,
        Verb::Downloads {
            verb:
                Some(Downloads::Save {
                    number,
                    path,
                    force,
                }),
        } => files::save(context, *number, path.as_deref(), *force).await,
        Verb::Network {
            verb: Network::Route(route),
        } if route.file.is_some() => {
            files::route(
                context,
                route,
                route.file.as_deref().unwrap_or(std::path::Path::new("")),
            )
            .await
        }
        Verb::Doctor => doctor::run(context).await,
        other => {
            let command = request::of_verb(other, context.global.tab.as_ref())?;
            let command =
                command.ok_or_else(|| Failure::usage("this verb stands for no command"))?;
            context.run(&command).await
        }
    }
}

/// Whether a verb makes a session, or tells where one would go.
fn takes_routing(verb: &Verb) -> bool {
    match verb {
        Verb::Open(_) | Verb::Call(_) | Verb::Status => true,
        Verb::Session { verb } => matches!(verb, Session::Create { .. }),
        Verb::Cdp { verb } => matches!(verb, Cdp::Open | Cdp::Proxy(_)),
        Verb::Config { verb } => matches!(verb, Config::Explain),
        _ => false,
    }
}

/// Whether a verb is about a page, or says itself why it isn't. A flag is never passed over in silence.
fn takes_tab(verb: &Verb) -> bool {
    !matches!(
        verb,
        Verb::State { .. }
            | Verb::Scorecard(_)
            | Verb::Confirm { .. }
            | Verb::Incident { .. }
            | Verb::Close
            | Verb::Cdp { .. }
            | Verb::Status
            | Verb::Dashboard
            | Verb::Config { .. }
            | Verb::Journal { .. }
            | Verb::Pair(_)
            | Verb::Stop
            | Verb::Doctor
            | Verb::Serve { .. }
    )
}

/// Puts what stands on stdin where a verb asks for it.
fn fill_in_stdin(verb: &mut Verb) -> Outcome<()> {
    match verb {
        Verb::Eval(eval) if eval.expression == "-" => eval.expression = read_stdin()?,
        // A password on the command line would stand in the process list.
        Verb::Network {
            verb:
                Network::Credentials {
                    username: Some(_),
                    password,
                    ..
                },
        } => {
            let text = read_stdin()?;
            *password = Some(text.trim_end_matches(['\r', '\n']).to_owned());
        }
        Verb::Call(call) if call.params == "-" => call.params = read_stdin()?,
        Verb::Fill(fill) if fill.stdin => fill.value = Some(read_line()?),
        Verb::Cookies {
            verb: Some(Cookies::Set(cookie)),
        } if cookie.stdin => cookie.value = Some(read_line()?),
        Verb::Storage {
            area: Storage::Local { verb } | Storage::Session { verb },
        } => {
            if let Some(Entries::Set {
                value, stdin: true, ..
            }) = verb
            {
                *value = Some(read_line()?);
            }
        }
        _ => {}
    }
    Ok(())
}

/// What stands on stdin, as a value: the line's end is the shell's, not the value's.
fn read_line() -> Outcome<String> {
    let text = read_stdin()?;
    let line = text
        .strip_suffix('\n')
        .map(|text| text.strip_suffix('\r').unwrap_or(text));
    Ok(line.unwrap_or(&text).to_owned())
}

/// The most that is read from stdin: no relay takes a larger message.
const MAX_STDIN: u64 = 64 << 20;

fn read_stdin() -> Outcome<String> {
    let mut text = String::new();
    let read = std::io::stdin()
        .lock()
        .take(MAX_STDIN + 1)
        .read_to_string(&mut text);
    read.map_err(|error| Failure::new(ErrorCode::CliFileUnreadable, format!("stdin: {error}")))?;
    if text.len() as u64 > MAX_STDIN {
        return Err(Failure::new(
            ErrorCode::CliFileUnreadable,
            format!("stdin holds more than {MAX_STDIN} bytes"),
        ));
    }
    Ok(text)
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
