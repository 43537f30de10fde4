//! What verbs share: the client of this home, the session in force, and how answers are shown.

use std::path::PathBuf;

use client_core::home::Places;
use client_core::render::{self, Rendered};
use client_core::session::Sending;
use client_core::{Client, Failure, Home, OpenSession, Outcome, Relay, RemoteRelay, Surroundings};
use ops_client::Reply;
use ops_contracts::control::config;
use ops_contracts::wire::command::CommandName;
use ops_contracts::wire::frame::ClientKind;
use ops_contracts::wire::http::RelayFile;
use ops_contracts::wire::ids::ClientId;
use ops_contracts::wire::routing::{
    Identities, IdentityNamespace, RequestControls, RolloutIdentity,
};
use ops_contracts::wire::version::{BINARY_VERSION, OPS_CONTRACT_VERSION, OPS_MIN_COMPAT_VERSION};
use routing::preflight::{self, RelayVersions};

use crate::args::Global;
use crate::environment::Environment;
use crate::output::Output;
use crate::request::Command;

/// What verbs share.
pub(crate) struct Context<'a> {
    pub(crate) global: Global,
    pub(crate) environment: &'a Environment,
    pub(crate) out: Output,
    /// The client of this home. The routing controls of flags and environment bind the requests of this command alone.
    pub(crate) client: Client,
}

impl<'a> Context<'a> {
    pub(crate) fn new(global: Global, environment: &'a Environment, out: Output) -> Outcome<Self> {
        let home = Home::locate(&Places {
            flag: global.home.as_deref(),
            odb_home: environment.odb_home.as_deref(),
            xdg_state_home: environment.xdg_state_home.as_deref(),
            user: environment.home.as_deref(),
        })?;
        let cli = preflight::controls(&global.routing())?;
        let kill_switch = config::env_kill_switch(environment.kill_switch.as_deref());
        let client = Client {
            home,
            remote: remote(&global, environment),
            kind: ClientKind::Cli,
            routing: RequestControls { kill_switch, cli },
            surroundings: Surroundings {
                path: environment.path.clone(),
                executable: environment.executable.clone(),
                now: environment.now,
                random: environment.random,
                check_versions,
            },
            correlation: environment.correlation.clone(),
        };
        Ok(Self {
            global,
            environment,
            out,
            client,
        })
    }

    /// How the commands of this command line are sent.
    pub(crate) fn sending(&self) -> Sending {
        Sending {
            timeout: self.global.timeout(),
            boundary: self.global.boundary,
        }
    }

    /// The session's name: flag, then `ODB_SESSION`, then `session use`, then `default`.
    pub(crate) fn session_name(&self) -> Outcome<String> {
        let (flag, variable) = (&self.global.session, &self.environment.session);
        self.client
            .session_name(flag.as_deref(), variable.as_deref())
    }

    /// The session in force, with its relay, which must run.
    pub(crate) fn session(&self) -> Outcome<OpenSession> {
        self.client.session(self.session_name()?, self.sending())
    }

    /// The relay, started if need be; a start is told on stderr.
    pub(crate) async fn ensure_relay(&self) -> Outcome<Relay> {
        let relay = self.client.ensure().await?;
        if relay.started {
            let pid = relay.pid.map_or(0, |pid| pid.as_raw_pid());
            self.out.note(&format!("started relayd (pid {pid})"));
        }
        Ok(relay)
    }

    /// Sends a verb's command to the session in force and shows its answer; the exit code.
    pub(crate) async fn run(&self, command: &Command) -> Outcome<u8> {
        let reply = self.session()?.send(&command.request).await?;
        self.present(command, reply)
    }

    /// Shows an answer; the exit code.
    pub(crate) fn present(&self, command: &Command, reply: Reply) -> Outcome<u8> {
        let Ok(result) = reply.result() else {
            return Err(Failure::refused(reply));
        };
        if self.out.is_json() {
            command.save(self, result)?;
            self.out.line(&reply.line());
        } else {
            self.show(command, result)?;
        }
        Ok(0)
    }

    /// Shows an answer as its command's results are; the exit code.
    pub(crate) fn answer(&self, command: CommandName, reply: Reply) -> Outcome<u8> {
        let Ok(result) = reply.result() else {
            return Err(Failure::refused(reply));
        };
        if self.out.is_json() {
            self.out.line(&reply.line());
        } else {
            self.print(render::result(command, result));
        }
        Ok(0)
    }

    /// Shows a result as text.
    pub(crate) fn show(&self, command: &Command, result: &str) -> Outcome<()> {
        self.print(command.render(self, result)?);
        Ok(())
    }

    fn print(&self, rendered: Rendered) {
        self.out.line(&rendered.text);
        for note in rendered.notes {
            self.out.note(&note);
        }
    }

    /// A file name that says when, in the current directory.
    pub(crate) fn new_file(&self, kind: &str, ending: &str) -> PathBuf {
        let now = (self.environment.now)().to_string().replace(':', "-");
        PathBuf::from(format!("{kind}-{}.{ending}", now.trim_end_matches('Z')))
    }
}

fn remote(global: &Global, environment: &Environment) -> Option<RemoteRelay> {
    let (url, token_file) = (global.relay.clone()?, global.token_file.clone()?);
    let ca_file = global.ca_file.clone();
    Some(RemoteRelay {
        url,
        token_file,
        ca_file: ca_file.or_else(|| environment.ca_file.clone()),
    })
}

/// The rules of versions, for the relay of a file. One that does not report its version checks them itself, and so does every
/// relay whose own controls decide the route.
fn check_versions(
    asked: &RequestControls,
    client: &ClientId,
    file: &RelayFile,
) -> ops_contracts::Outcome<()> {
    let Some(relay) = file.relay_version.as_deref() else {
        return Ok(());
    };
    let own = RolloutIdentity::new(IdentityNamespace::Cli, client.as_str());
    let identities = own
        .into_iter()
        .fold(Identities::default(), Identities::with);
    let Some(route) = preflight::route(asked, &identities) else {
        return Ok(());
    };
    let contract = file.ops_contract_version.as_deref();
    let min_contract = file.ops_min_contract_version.as_deref();
    let versions = RelayVersions {
        relay,
        contract: contract.unwrap_or(OPS_CONTRACT_VERSION),
        min_contract: min_contract.unwrap_or(OPS_MIN_COMPAT_VERSION),
    };
    preflight::versions(route, BINARY_VERSION, OPS_CONTRACT_VERSION, &versions)
}
