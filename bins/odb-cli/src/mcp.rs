//! `mcp`: the server for agents, and how their programs start it.

use std::path::Path;

use client_core::{Failure, Outcome};
use mcp::Settings;
use ops_contracts::ErrorCode;
use tokio::signal::unix::{SignalKind, signal};

use crate::args::verb::Mcp;
use crate::context::Context;

/// The directory of the home that the server saves files in.
const SAVED: &str = "saved";

/// Runs the verb; the exit code.
pub(crate) async fn run(context: &Context<'_>, verb: &Mcp) -> Outcome<u8> {
    match verb {
        Mcp::Serve => serve(context).await,
        Mcp::Config { client } => {
            let program = context.environment.executable.as_ref();
            let program = program.map_or("odb-cli".into(), |path| path.to_string_lossy());
            context
                .out
                .line(&client.snippet(&program, &arguments(context)?));
            context
                .out
                .note(&format!("it belongs into {}", client.file()));
            Ok(0)
        }
    }
}

async fn serve(context: &Context<'_>) -> Outcome<u8> {
    let settings = Settings {
        client: context.client.clone(),
        saved: context.client.home.path(SAVED),
    };
    let failed = |error: std::io::Error| {
        Failure::new(ErrorCode::CliStateInvalid, format!("no signals: {error}"))
    };
    let mut terminate = signal(SignalKind::terminate()).map_err(failed)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(failed)?;
    let end = async {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    };
    mcp::serve_stdio(settings, end).await?;
    Ok(0)
}

/// The arguments by which the same relay is found, from whatever directory a client starts the server in.
fn arguments(context: &Context<'_>) -> Outcome<Vec<String>> {
    let global = &context.global;
    let absolute = |path: &Path| {
        std::path::absolute(path)
            .map(|path| path.to_string_lossy().into_owned())
            .map_err(|error| Failure::unreadable(path, error))
    };
    let mut arguments = vec!["mcp".to_owned()];
    if let Some(url) = &global.relay {
        arguments.extend(["--relay".to_owned(), url.clone()]);
    }
    let files = [
        ("--home", &global.home),
        ("--token-file", &global.token_file),
        ("--ca-file", &global.ca_file),
    ];
    for (flag, path) in files {
        if let Some(path) = path {
            arguments.extend([flag.to_owned(), absolute(path)?]);
        }
    }
    Ok(arguments)
}
