//! Browsers for the legacy lane: a process of its own for each session, whose pipe takes and gives raw messages.
//!
//! Nothing here sees a command's result: messages pass as they are, borrowed from the buffers that they were read into. What a
//! command may do is in `methods`. Leases and limits are the relay's.

mod judge;
mod methods;
mod paths;

use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use ops_contracts::control::legacy::{
    CdpVerdict, LegacyBrowser, LegacyBrowserInfo, LegacyBrowsers, LegacyCommand, LegacyEvents,
    LegacyMessage,
};
use ops_contracts::seam::adapter::{AdapterError, AdapterResult, BoxFuture, LaunchSpec};
use ops_contracts::seam::egress::{Egress, EgressDoor, EgressTerms, EgressWitness};
use ops_contracts::seam::supervise::{Supervised, unanswered};
use ops_contracts::seam::transport::SendError;
use ops_contracts::wire::capability::{BrowserKind, Capability};
use ops_contracts::wire::domains::{DomainPolicy, DomainRefusal, DomainRules};
use ops_contracts::{ErrorCode, Fault, Outcome};
use serde::Deserialize;

use crate::adapter::{CdpAdapter, Launched};
use crate::browser::end;
use crate::transport::{Reader, Writer};
use judge::Bounds;

/// Below the profile: the session's directory.
const FILES: &str = "files";

/// How long a browser whose pipe has ended may take to end by itself.
const END_GRACE: Duration = Duration::from_secs(2);

/// In one write: what the browser is, that nothing is downloaded unless someone asks for it, and the page that clients expect.
const OPENING: &[&str] = &[
    r#"{"id":1,"method":"Browser.getVersion"}"#,
    r#"{"id":2,"method":"Browser.setDownloadBehavior","params":{"behavior":"deny"}}"#,
    r#"{"id":3,"method":"Target.createTarget","params":{"url":"about:blank"}}"#,
];

/// Starts browsers for the legacy lane with the adapter's own configuration.
pub struct LegacyLauncher {
    adapter: Arc<CdpAdapter>,
    executable: Option<PathBuf>,
    args: Vec<String>,
    policy: Arc<DomainPolicy>,
    egress: Option<Arc<dyn Egress>>,
}

impl LegacyLauncher {
    /// A launcher of browsers with this executable, or else the adapter's, and these further arguments.
    #[must_use]
    pub fn new(adapter: Arc<CdpAdapter>, executable: Option<PathBuf>, args: Vec<String>) -> Self {
        Self {
            adapter,
            executable,
            args,
            policy: Arc::default(),
            egress: None,
        }
    }

    /// The same, of browsers that reach what `rules` permit and nothing else, each through a door of its own.
    #[must_use]
    pub fn confined_to(self, rules: DomainRules, egress: Arc<dyn Egress>) -> Self {
        Self {
            policy: Arc::new(DomainPolicy::of([rules])),
            egress: Some(egress),
            ..self
        }
    }

    /// The only way out of a browser; none where it may reach everything.
    async fn door(&self) -> Outcome<Option<Arc<dyn EgressDoor>>> {
        if self.policy.is_open() {
            return Ok(None);
        }
        match &self.egress {
            Some(egress) => egress.open().await.map(Some),
            None => Err(not_confined("this relay has no way out for them")),
        }
    }

    async fn open_confined(
        &self,
        events: Arc<dyn LegacyEvents>,
    ) -> Outcome<Arc<dyn LegacyBrowser>> {
        let door = self.door().await?;
        let proxy = door
            .as_ref()
            .map(|door| format!("http://{}", door.address()));
        let started = self.start(proxy).await?;
        if let Some(door) = &door {
            let pid = started.process.pid();
            door.belongs_to(pid.ok_or_else(|| not_confined("its process is not known"))?);
            door.confine(EgressTerms {
                policy: DomainPolicy::clone(&self.policy),
                upstream: None,
                witness: Arc::new(Unheard),
            });
        }
        Ok(started.serve(events, self.policy.clone(), door))
    }

    async fn start(&self, proxy: Option<String>) -> AdapterResult<Started> {
        let spec = LaunchSpec {
            browser: BrowserKind::Chrome,
            executable: self.executable.clone(),
            headed: false,
            args: self.args.clone(),
            profile: None,
            confined: proxy.is_some(),
            proxy,
            proxy_bypass: Vec::new(),
        };
        let Launched {
            process,
            writer,
            mut reader,
            ..
        } = self.adapter.spawn(&spec, true)?;
        let directory = process.directory().join(FILES);
        let made = DirBuilder::new().mode(0o700).create(&directory);
        made.map_err(|error| AdapterError::lost(&format!("its directory can't be made: {error}")))?;
        let deadline = self.adapter.launch_deadline();
        let version = match tokio::time::timeout(deadline, introduce(&writer, &mut reader)).await {
            Ok(Some(version)) => version,
            Ok(None) => return Err(process.explain(unanswered(deadline)).await),
            Err(_) => return Err(process.unanswered(deadline)),
        };
        Ok(Started {
            info: info(version, &directory),
            directory,
            process,
            reader,
            writer,
        })
    }
}

/// The refusal of a browser that the relay's domain rules can't be held for, as `/ops` has it.
fn not_confined(why: &str) -> Fault {
    let message = format!(
        "domain rules are in force, and browsers of this lane can't be confined to them: {why}"
    );
    Fault::new(ErrorCode::OpsNotSupported, message).with("capability", Capability::Domains)
}

/// Nobody is told of what a door of this lane refuses: the page sees it fail.
struct Unheard;

impl EgressWitness for Unheard {
    fn refused(&self, _: &DomainRefusal) {}
}

/// A browser that has introduced itself.
struct Started {
    info: LegacyBrowserInfo,
    directory: PathBuf,
    process: Arc<dyn Supervised>,
    reader: Reader,
    writer: Arc<Writer>,
}

impl Started {
    /// Hands its messages out from now on.
    fn serve(
        self,
        events: Arc<dyn LegacyEvents>,
        policy: Arc<DomainPolicy>,
        door: Option<Arc<dyn EgressDoor>>,
    ) -> Arc<dyn LegacyBrowser> {
        let (process, writer) = (self.process.clone(), self.writer.clone());
        tokio::spawn(read_all(self.reader, process, writer, events));
        Arc::new(CdpLegacyBrowser {
            info: self.info,
            bounds: Bounds {
                directory: self.directory,
                policy,
            },
            process: self.process,
            writer: self.writer,
            _door: door,
        })
    }
}

impl LegacyBrowsers for LegacyLauncher {
    fn open(
        &self,
        events: Arc<dyn LegacyEvents>,
    ) -> BoxFuture<'_, Outcome<Arc<dyn LegacyBrowser>>> {
        Box::pin(self.open_confined(events))
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Version {
    product: String,
    protocol_version: String,
    user_agent: String,
}

fn info(version: Version, directory: &std::path::Path) -> LegacyBrowserInfo {
    let directory = directory.display().to_string();
    LegacyBrowserInfo {
        product: version.product,
        protocol_version: version.protocol_version,
        user_agent: version.user_agent,
        confined: methods::confined(&directory),
        directory,
    }
}

/// Exchanges the first messages; none where the browser ended meanwhile. Its events before that are of no interest to anyone.
async fn introduce(writer: &Writer, reader: &mut Reader) -> Option<Version> {
    #[derive(Deserialize)]
    struct Answer {
        result: Option<Version>,
    }
    for message in OPENING {
        writer.send_message(message.as_bytes()).ok()?;
    }
    let (mut version, mut answered) = (None, 0);
    while answered < OPENING.len() {
        let message = reader.next().await.ok()??;
        let Some(text) = text(&message) else { continue };
        match scan(text).answers {
            Some(1) => {
                version = serde_json::from_str::<Answer>(text)
                    .ok()
                    .and_then(|answer| answer.result);
                answered += 1;
            }
            Some(_) => answered += 1,
            None => {}
        }
    }
    version
}

fn text(message: &Bytes) -> Option<&str> {
    match std::str::from_utf8(message) {
        Ok(text) => Some(text),
        Err(error) => {
            tracing::warn!(%error, bytes = message.len(), "a message of the browser is no text");
            None
        }
    }
}

/// What a message is, from its first bytes: those of a large one are not looked at.
fn scan(text: &str) -> LegacyMessage<'_> {
    let event = LegacyMessage {
        text,
        answers: None,
        refused: false,
    };
    if text.starts_with(r#"{"method":"#) {
        return event;
    }
    if let Some(rest) = text.strip_prefix(r#"{"id":"#) {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        if let Ok(id) = rest[..digits].parse()
            && rest[digits..].starts_with(',')
        {
            return LegacyMessage {
                answers: Some(id),
                refused: rest[digits..].starts_with(r#","error":"#),
                ..event
            };
        }
    }
    scan_whole(text).unwrap_or(event)
}

/// For messages in another order than browsers write today.
fn scan_whole(text: &str) -> Option<LegacyMessage<'_>> {
    #[derive(Deserialize)]
    struct Head {
        id: Option<u64>,
        error: Option<serde::de::IgnoredAny>,
    }
    let head: Head = serde_json::from_str(text).ok()?;
    Some(LegacyMessage {
        text,
        answers: head.id,
        refused: head.error.is_some(),
    })
}

/// Hands out what the browser sends until its pipe ends, and then makes sure that it has ended as well.
async fn read_all(
    mut reader: Reader,
    process: Arc<dyn Supervised>,
    writer: Arc<Writer>,
    events: Arc<dyn LegacyEvents>,
) {
    let reading = async {
        loop {
            match reader.next().await {
                Ok(Some(message)) => {
                    if let Some(text) = text(&message) {
                        events.message(scan(text));
                    }
                }
                Ok(None) => return,
                Err(error) => return tracing::warn!(%error, "the browser's pipe failed"),
            }
        }
    };
    tokio::select! {
        () = reading => (),
        // The guard ends last: what it has left behind is not the browser that anyone asked for.
        _ = process.ended() => (),
    }
    writer.close();
    events.ended();
    if tokio::time::timeout(END_GRACE, process.ended())
        .await
        .is_err()
    {
        tracing::warn!("the browser goes on without its debugging pipe: it is killed");
        process.kill();
    }
}

struct CdpLegacyBrowser {
    info: LegacyBrowserInfo,
    bounds: Bounds,
    process: Arc<dyn Supervised>,
    writer: Arc<Writer>,
    /// Held as long as the browser: with it go the connections through it.
    _door: Option<Arc<dyn EgressDoor>>,
}

impl Drop for CdpLegacyBrowser {
    fn drop(&mut self) {
        // Who reads from it has a handle too.
        self.process.kill();
    }
}

impl LegacyBrowser for CdpLegacyBrowser {
    fn info(&self) -> &LegacyBrowserInfo {
        &self.info
    }

    fn pid(&self) -> Option<u32> {
        self.process.pid()
    }

    fn judge(&self, command: &LegacyCommand<'_>) -> CdpVerdict {
        judge::judge(command, &self.bounds)
    }

    fn send(&self, message: &str) -> Outcome<()> {
        self.writer
            .send_message(message.as_bytes())
            .map_err(|error| {
                Fault::from(match error {
                    SendError::Closed => AdapterError::lost("its debugging pipe ended"),
                    SendError::Backlog => AdapterError::Unresponsive,
                })
            })
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            self.writer.close();
            end(&*self.process).await;
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, answers: Option<u64>, refused: bool) {
        let message = scan(text);
        assert_eq!(
            (message.answers, message.refused, message.text),
            (answers, refused, text)
        );
    }

    #[test]
    fn messages_are_told_apart_by_their_first_bytes() {
        check(r#"{"id":7,"result":{"id":8,"error":1}}"#, Some(7), false);
        check(r#"{"id":7,"error":{"code":-32000}}"#, Some(7), true);
        check(
            r#"{"method":"Page.loadEventFired","params":{"id":3}}"#,
            None,
            false,
        );
        check(r#"{"sessionId":"A","id":9,"result":{}}"#, Some(9), false);
        check(r#"{ "error": {}, "id": 2 }"#, Some(2), true);
        check("no message at all", None, false);
        check(r#"{"id":99999999999999999999,"result":{}}"#, None, false);
    }
}
