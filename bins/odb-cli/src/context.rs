//! What verbs share: the state directory, the session in force, sending and showing.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use ops_client::{Endpoint, RawCall, Reply, RequestIds, Token, Trust, patience, post};
use ops_contracts::wire::blob::BlobInfo;
use ops_contracts::wire::command::export::{
    CloneComponentResult, ClonePageResult, HtmlResult, PdfResult, ScreenshotResult,
};
use ops_contracts::wire::command::{CommandName, nav};
use ops_contracts::wire::frame::ClientKind;
use ops_contracts::wire::ids::{LeaseId, SessionId};
use ops_contracts::wire::routing::RequestControls;
use ops_contracts::wire::version::BINARY_VERSION;
use ops_contracts::{ErrorCode, Fault};

use crate::args::Global;
use crate::daemon::{self, Relay};
use crate::environment::Environment;
use crate::failure::{Failure, Outcome};
use crate::output::Output;
use crate::pair;
use crate::render;
use crate::request::{Request, View};
use crate::state::{self, Home, StoredSession};
use crate::written::{self, Readers};

/// The file that names the session of commands that name none.
pub(crate) const DEFAULT_SESSION_FILE: &str = "default-session";

/// What a timed wait is allowed beyond its time.
const WAIT_SLACK: Duration = Duration::from_secs(5);

/// What verbs share.
pub(crate) struct Context<'a> {
    pub(crate) global: Global,
    pub(crate) environment: &'a Environment,
    pub(crate) out: Output,
    pub(crate) home: Home,
    /// Routing controls of the flags and the environment; they bind the requests of this command alone.
    pub(crate) routing: RequestControls,
}

/// A stored session and the relay that it belongs to.
pub(crate) struct Held {
    pub(crate) name: String,
    pub(crate) session: StoredSession,
    pub(crate) relay: Relay,
}

impl Held {
    pub(crate) fn ids(&self) -> (&SessionId, &LeaseId) {
        (&self.session.session_id, &self.session.lease_id)
    }
}

impl<'a> Context<'a> {
    pub(crate) fn new(global: Global, environment: &'a Environment, out: Output) -> Outcome<Self> {
        let home = Home::locate(global.home.as_deref(), environment)?;
        let cli = routing::preflight::controls(&global.routing())?;
        let kill_switch =
            ops_contracts::control::config::env_kill_switch(environment.kill_switch.as_deref());
        Ok(Self {
            global,
            environment,
            out,
            home,
            routing: RequestControls { kill_switch, cli },
        })
    }

    /// Where a relay is, with the identity of this installation.
    pub(crate) fn endpoint(
        &self,
        url: &str,
        token: &str,
        trust: Option<Trust>,
    ) -> Outcome<Endpoint> {
        let random = (self.environment.random)();
        let nonce = random.ok_or_else(|| {
            Failure::new(ErrorCode::CliStateInvalid, "the system has no random bits")
        })?;
        Ok(Endpoint {
            url: url
                .parse()
                .map_err(|error: ops_client::InvalidEndpoint| Failure::usage(error.to_string()))?,
            trust,
            token: token
                .trim()
                .parse::<Token>()
                .map_err(|error| Failure::new(ErrorCode::CliStateInvalid, error.to_string()))?,
            pairing: pair::stored(self, url)?,
            client_id: self.home.client_id(self.environment)?,
            client_kind: ClientKind::Cli,
            client_version: BINARY_VERSION.to_owned(),
            routing: self.routing.clone(),
            request_ids: RequestIds::new(nonce),
        })
    }

    /// The session's name: flag, then `ODB_SESSION`, then `session use`, then `default`.
    pub(crate) fn session_name(&self) -> Outcome<String> {
        if let Some(name) = &self.global.session {
            return Ok(name.clone());
        }
        let name = match &self.environment.session {
            Some(name) => name.clone(),
            None => self
                .home
                .read(DEFAULT_SESSION_FILE)?
                .map_or_else(|| "default".to_owned(), |name| name.trim().to_owned()),
        };
        if state::is_session_name(&name) {
            Ok(name)
        } else {
            Err(Failure::usage(format!(
                "{name:?} is no session name: 1 to 64 characters of a-z 0-9 . _ - are expected"
            )))
        }
    }

    /// The session in force, with its relay, which must run.
    pub(crate) fn held(&self) -> Outcome<Held> {
        self.held_as(self.session_name()?)
    }

    /// The session that is stored under a name, with its relay, which must run.
    pub(crate) fn held_as(&self, name: String) -> Outcome<Held> {
        let session = self
            .home
            .session(&name)?
            .ok_or_else(|| missing(&name, &format!("no session {name:?} is open")))?;
        let relay = daemon::running(self).map_err(|failure| ended_with_relay(&name, failure))?;
        relay.preflight(self)?;
        if session.relay_url != relay.endpoint.url.to_string() && relay.is_remote() {
            return Err(missing(
                &name,
                &format!(
                    "session {name:?} belongs to the relay at {}",
                    session.relay_url
                ),
            ));
        }
        if relay
            .instance_id
            .as_ref()
            .is_some_and(|instance| *instance != session.instance_id)
        {
            let why = format!(
                "session {name:?} ended with its relay; another one runs now. odb-cli open URL makes a new session"
            );
            return Err(missing(&name, &why));
        }
        Ok(Held {
            name,
            session,
            relay,
        })
    }

    /// Sends a command to a session and waits for its answer.
    pub(crate) async fn send(&self, held: &Held, request: &Request) -> Outcome<Reply> {
        let timeout = self.global.timeout();
        if request.command == CommandName::NavWait {
            let parsed =
                ops_contracts::wire::command::parse_json::<nav::WaitParams>(request.params.get());
            let params = parsed.map_err(|error| Failure::usage(error.to_string()))?;
            let time = params
                .time_ms
                .map(|time| Duration::from_millis(time) + WAIT_SLACK);
            let total = timeout.or(time).unwrap_or(patience::TIMEOUT_CAP);
            return Ok(patience::wait(
                &held.relay.endpoint,
                held.ids(),
                &params,
                total,
                patience::TIMEOUT_CAP,
            )
            .await?);
        }
        let boundary = self.global.boundary;
        let call = RawCall {
            session: Some(held.ids()),
            timeout,
            boundary,
            ..RawCall::new(request.command.as_str(), &request.params)
        };
        Ok(patience::call(&held.relay.endpoint, &call).await?)
    }

    /// Puts a file's bytes down for a later command of the session, which names them by the id.
    pub(crate) async fn put_blob(&self, held: &Held, bytes: Vec<u8>) -> Outcome<BlobInfo> {
        Ok(post::put_blob(&held.relay.endpoint, held.ids(), bytes).await?)
    }

    /// Shows an answer; the exit code.
    pub(crate) fn present(&self, request: &Request, reply: Reply) -> Outcome<u8> {
        let Ok(result) = reply.result() else {
            return Err(self.refused(reply));
        };
        if self.out.is_json() {
            match &request.view {
                View::Picture(Some(path)) => drop(self.save_picture(result, Some(path))?),
                View::Pdf(Some(path)) => drop(self.save_pdf(result, Some(path))?),
                View::Clone(Some(path)) => {
                    drop(self.save_clone(request.command, result, Some(path))?)
                }
                View::Html(Some(path)) => drop(self.save_html(result, Some(path))?),
                _ => {}
            }
            self.out.line(&reply.line());
        } else {
            self.show(request, result)?;
        }
        Ok(0)
    }

    /// Shows a result as text.
    pub(crate) fn show(&self, request: &Request, result: &str) -> Outcome<()> {
        let rendered = match &request.view {
            View::Plain => render::result(request.command, result),
            View::Entry => render::keep::entry(result),
            View::Pdf(path) => render::Rendered::text(self.save_pdf(result, path.as_deref())?),
            View::Clone(path) => self.save_clone(request.command, result, path.as_deref())?,
            View::Html(path) => render::Rendered::text(self.save_html(result, path.as_deref())?),
            View::Is(question) => render::answer(*question, result),
            View::Picture(path) => {
                render::Rendered::text(self.save_picture(result, path.as_deref())?)
            }
        };
        self.out.line(&rendered.text);
        for note in rendered.notes {
            self.out.note(&note);
        }
        Ok(())
    }

    /// The refusal, with what helps in this place.
    pub(crate) fn refused(&self, reply: Reply) -> Failure {
        let advice = match reply.code() {
            Some(
                ErrorCode::OpsSessionUnknown
                | ErrorCode::OpsLeaseExpired
                | ErrorCode::OpsSessionClosed,
            ) => Some(
                "the session is over: odb-cli open URL makes a new one under the same name"
                    .to_owned(),
            ),
            Some(ErrorCode::OpsDialogOpen) => {
                Some("odb-cli dialog accept [TEXT], or odb-cli dialog dismiss".to_owned())
            }
            Some(ErrorCode::OpsRefStale | ErrorCode::OpsElementNotFound) => {
                Some("odb-cli snapshot -i lists what can be acted on".to_owned())
            }
            _ => None,
        };
        Failure::Refused {
            reply: Box::new(reply),
            advice,
        }
    }

    /// Writes a picture to a file; what to say of it.
    fn save_picture(&self, result: &str, path: Option<&Path>) -> Outcome<String> {
        let picture: ScreenshotResult = parsed(result)?;
        let bytes = BASE64_STANDARD.decode(&picture.data);
        let bytes = bytes
            .map_err(|error| Failure::new(ErrorCode::CliReplyInvalid, format!("data: {error}")))?;
        let format = format!("{:?}", picture.format).to_ascii_lowercase();
        let path = path.map_or_else(|| self.new_file("screenshot", &format), Path::to_path_buf);
        written::write(&path, Readers::Mask, &bytes).map_err(|error| unwritable(&path, &error))?;
        let mut text = format!("{} ({format}, {} bytes)", path.display(), bytes.len());
        for label in &picture.annotations {
            let _ = write!(text, "\n{}", label.line);
        }
        Ok(text)
    }

    /// Writes a PDF document to a file; what to say of it.
    fn save_pdf(&self, result: &str, path: Option<&Path>) -> Outcome<String> {
        let document: PdfResult = parsed(result)?;
        let bytes = BASE64_STANDARD.decode(&document.data);
        let bytes = bytes
            .map_err(|error| Failure::new(ErrorCode::CliReplyInvalid, format!("data: {error}")))?;
        let path = path.map_or_else(|| self.new_file("page", "pdf"), Path::to_path_buf);
        written::write(&path, Readers::Mask, &bytes).map_err(|error| unwritable(&path, &error))?;
        Ok(format!("{} (pdf, {} bytes)", path.display(), bytes.len()))
    }

    /// The document itself, or what to say of the file that it was written to.
    /// Writes a clone; what is not in it is told beside.
    fn save_clone(
        &self,
        command: CommandName,
        result: &str,
        path: Option<&Path>,
    ) -> Outcome<render::Rendered> {
        let (html, told, missing) = if command == CommandName::ExportCloneComponent {
            let clone: CloneComponentResult = parsed(result)?;
            let cut = if clone.truncated { ", cut" } else { "" };
            let told = format!(
                "{} elements{cut}, {} files in it",
                clone.elements, clone.assets
            );
            let html = format!(
                "<!doctype html>\n<meta charset=\"utf-8\">\n<style>\n{}</style>\n{}",
                clone.css.replace("</", "<\\/"),
                clone.html
            );
            (html, told, clone.missing)
        } else {
            let clone: ClonePageResult = parsed(result)?;
            let told = format!(
                "{} elements, {} frames, {} files in it",
                clone.elements, clone.frames, clone.assets
            );
            (clone.html, told, clone.missing)
        };
        let path = path.map_or_else(|| self.new_file("clone", "html"), Path::to_path_buf);
        written::write(&path, Readers::Mask, &html).map_err(|error| unwritable(&path, &error))?;
        let notes = missing
            .iter()
            .map(|missing| format!("not in it: {} ({})", missing.url, missing.reason))
            .collect();
        Ok(render::Rendered {
            text: format!("{} (html, {} bytes: {told})", path.display(), html.len()),
            notes,
        })
    }

    fn save_html(&self, result: &str, path: Option<&Path>) -> Outcome<String> {
        let document: HtmlResult = parsed(result)?;
        let Some(path) = path else {
            return Ok(document.html);
        };
        written::write(path, Readers::Mask, &document.html)
            .map_err(|error| unwritable(path, &error))?;
        Ok(format!(
            "{} (html, {} bytes)",
            path.display(),
            document.bytes
        ))
    }

    /// A file name that says when, in the current directory.
    pub(crate) fn new_file(&self, kind: &str, ending: &str) -> PathBuf {
        let now = (self.environment.now)().to_string().replace(':', "-");
        PathBuf::from(format!("{kind}-{}.{ending}", now.trim_end_matches('Z')))
    }
}

/// Without its relay a session is no more: what there is to do is to open another.
fn ended_with_relay(name: &str, failure: Failure) -> Failure {
    match failure {
        Failure::Here(fault) if fault.code == ErrorCode::CliDaemonUnavailable => {
            let message = format!(
                "{}; session {name:?} ended with it, and odb-cli open URL makes a new one",
                fault.message
            );
            Fault { message, ..*fault }.into()
        }
        other => other,
    }
}

fn missing(name: &str, why: &str) -> Failure {
    Fault::new(ErrorCode::CliSessionMissing, why)
        .with("session", name)
        .into()
}

fn unwritable(path: &Path, error: &std::io::Error) -> Failure {
    Failure::new(
        ErrorCode::CliFileUnwritable,
        format!("{}: {error}", path.display()),
    )
}

/// A result of a type that is known here.
fn parsed<T: serde::de::DeserializeOwned>(result: &str) -> Outcome<T> {
    ops_contracts::wire::command::parse_json(result)
        .map_err(|error| Failure::new(ErrorCode::CliReplyInvalid, error.to_string()))
}
