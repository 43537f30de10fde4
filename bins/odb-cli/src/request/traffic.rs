//! The verbs `network` and `downloads` as commands of the contract. What reads or writes files is `files`'.

use client_core::{Failure, Outcome};
use ops_contracts::wire::command::network::{self, Fulfil, Modify, RequestFilter};
use ops_contracts::wire::command::{CommandName, Empty, downloads};
use ops_contracts::wire::ids::TargetId;

use super::{Command, of};
use crate::args::verb::{Downloads, Matching, Network, Route};
use crate::verb::{Task, Verb};
use crate::{files, stdin};

impl Verb for Downloads {
    fn task<'a>(&'a self, _: Option<&TargetId>) -> Outcome<Task<'a>> {
        match self {
            Self::List => of(CommandName::DownloadsList, &Empty {}).map(Task::Command),
            Self::Wait { number } => {
                let params = downloads::WaitParams {
                    download: *number,
                    after: None,
                };
                of(CommandName::DownloadsWait, &params).map(Task::Command)
            }
            Self::Save {
                number,
                path,
                force,
            } => Ok(Task::program(move |context| {
                files::save(context, *number, path.as_deref(), *force)
            })),
        }
    }
}

impl Verb for Network {
    fn read_stdin(&mut self) -> Outcome<()> {
        // A password on the command line would stand in the process list.
        if let Self::Credentials {
            username: Some(_),
            password,
            ..
        } = self
        {
            let text = stdin::read()?;
            *password = Some(text.trim_end_matches(['\r', '\n']).to_owned());
        }
        Ok(())
    }

    fn task<'a>(&'a self, tab: Option<&TargetId>) -> Outcome<Task<'a>> {
        if let Self::Route(route) = self
            && let Some(file) = &route.file
        {
            return Ok(Task::program(move |context| {
                files::route(context, route, file)
            }));
        }
        network(self, tab.cloned()).map(Task::Command)
    }
}

fn network(verb: &Network, target_id: Option<TargetId>) -> Outcome<Command> {
    match verb {
        Network::Requests {
            which,
            seq,
            headers,
            secrets,
            max_body,
            state,
            since,
            limit,
        } => of(
            CommandName::DiagnosticsNetwork,
            &network::LogParams {
                since_seq: *since,
                limit: *limit,
                seq: *seq,
                filter: filter(which),
                state: *state,
                headers: *headers || seq.is_some(),
                secrets: *secrets,
                body: seq.is_some(),
                max_body_bytes: *max_body,
                target_id,
            },
        ),
        Network::Wait {
            which,
            event,
            since,
            headers,
        } => of(
            CommandName::NetworkWait,
            &network::WaitParams {
                event: *event,
                filter: filter(which),
                since_seq: *since,
                headers: *headers,
                target_id,
            },
        ),
        Network::Route(route) => self::route(route, route.body.is_some(), None),
        Network::Unroute { rule } => {
            let number = rule.as_ref().and_then(|rule| rule.parse().ok());
            let url = rule.clone().filter(|_| number.is_none());
            of(
                CommandName::NetworkUnroute,
                &network::UnrouteParams { route: number, url },
            )
        }
        Network::Headers { header } => of(
            CommandName::NetworkSetHeaders,
            &network::HeadersParams {
                headers: header.clone(),
            },
        ),
        Network::Offline {
            state,
            latency,
            down,
            up,
        } => {
            let slow = latency.is_some() || down.is_some() || up.is_some();
            if state.is_none() && !slow {
                return Err(Failure::usage(
                    "offline takes on, off, or how slow the network is to be",
                ));
            }
            let params = network::OfflineParams {
                offline: state.as_deref() == Some("on"),
                latency_ms: *latency,
                download_bytes_per_second: down.map(|rate| rate * 1_000.0),
                upload_bytes_per_second: up.map(|rate| rate * 1_000.0),
            };
            of(CommandName::NetworkOffline, &params)
        }
        Network::Credentials {
            username,
            origin,
            proxy,
            password,
        } => {
            let params = network::CredentialsParams {
                username: username.clone().map(Into::into),
                password: password.clone().map(Into::into),
                origin: origin.clone(),
                proxy: *proxy,
            };
            of(CommandName::NetworkCredentials, &params)
        }
    }
}

fn filter(which: &Matching) -> RequestFilter {
    RequestFilter {
        url: which.url.clone(),
        method: which.method.clone(),
        kinds: which.kind.clone(),
        status: which.status.clone(),
    }
}

/// A rule; with a body it answers, be it of the command line or a blob.
pub(crate) fn route(
    route: &Route,
    has_body: bool,
    blob: Option<ops_contracts::wire::ids::BlobId>,
) -> Outcome<Command> {
    let answers =
        has_body || blob.is_some() || route.status.is_some() || route.content_type.is_some();
    let changes = route.to.is_some()
        || route.set_method.is_some()
        || route.set_body.is_some()
        || !route.remove_header.is_empty();
    let changes = changes || (!answers && route.abort.is_none() && !route.header.is_empty());
    let given = [answers, route.abort.is_some(), changes];
    if given.iter().filter(|given| **given).count() != 1 {
        return Err(Failure::usage(
            "route takes one of: an answer (--body, --file, --status), --abort, or changes (--to, --set-method, --set-body, --header, --remove-header)",
        ));
    }
    let fulfil = answers.then(|| Fulfil {
        status: route.status.unwrap_or(200),
        headers: route.header.clone(),
        content_type: route.content_type.clone(),
        body: route.body.clone(),
        body_base64: None,
        blob,
    });
    let modify = changes.then(|| Modify {
        url: route.to.clone(),
        method: route.set_method.clone(),
        set_headers: route.header.clone(),
        remove_headers: route.remove_header.clone(),
        body: route.set_body.clone(),
    });
    let params = network::RouteParams {
        url: route.url.clone(),
        method: route.method.clone(),
        kinds: route.kind.clone(),
        times: route.times,
        fulfil,
        abort: route.abort,
        modify,
    };
    of(CommandName::NetworkRoute, &params)
}
