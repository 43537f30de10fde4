//! Steps of a page in one request, each with its receipt, and the snapshot that comes with them.

use std::time::Duration;

use ops_contracts::ErrorCode;
use ops_contracts::wire::command::batch::{BatchOutcome, MAX_BATCH, RunResult};
use ops_contracts::wire::command::dom::SnapshotResult;
use ops_contracts::wire::command::{CommandName, Lane, Repeat};
use ops_contracts::wire::ids::RequestId;
use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use tokio::time::Instant;

use crate::answer::Answer;
use crate::args::{params, raw};
use crate::call::Cx;
use crate::handle::Held;
use crate::link::Sending;
use crate::receipt;
use crate::repeat::Spent;
use crate::snapshot::{self, Wanted};
use crate::trouble::Trouble;

/// How long the snapshot after a failed step may take. It comes beside the error, which must not wait for a page that hangs.
const LOOK_TIMEOUT: Duration = Duration::from_secs(3);

/// A command of a list of steps, with checked parameters.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Step {
    command: &'static str,
    params: Box<RawValue>,
}

impl Step {
    /// A step, its parameters checked by the contract. Errors name `place` before the field.
    pub(crate) fn new(
        name: CommandName,
        fields: Map<String, Value>,
        place: &str,
    ) -> Result<Self, Trouble> {
        Ok(Self {
            command: name.as_str(),
            params: params(name, fields, place)?,
        })
    }

    /// The step that `do` and the other fields of an object say.
    pub(crate) fn parse(at: usize, mut fields: Map<String, Value>) -> Result<Self, Trouble> {
        let place = format!("steps[{at}]: ");
        let Some(Value::String(word)) = fields.remove("do") else {
            return Err(Trouble::usage(format!("{place}do: is required")));
        };
        Self::new(command(&word, &place)?, fields, &place)
    }
}

/// The command of a step's word: `click`, `goto`, or a dotted name.
fn command(word: &str, place: &str) -> Result<CommandName, Trouble> {
    let found = ["", "interact.", "nav."]
        .iter()
        .find_map(|group| CommandName::find(&format!("{group}{word}")));
    let waits = [CommandName::NetworkWait, CommandName::DownloadsWait];
    let fits = |name: &CommandName| {
        name.spec().lane == Lane::Page && *name != CommandName::BatchRun || waits.contains(name)
    };
    found.filter(fits).ok_or_else(|| {
        let shown: String = word.chars().take(60).collect();
        Trouble::usage(format!(
            "{place}do: {shown:?} is not a step: click, fill, type, press, select, check and other commands of the page are"
        ))
    })
}

/// Steps, with what distinguishes a repetition from a new call.
pub(crate) struct Acting {
    /// The steps.
    pub(crate) steps: Vec<Step>,
    /// The snapshot that comes with their receipts.
    pub(crate) wanted: Wanted,
    /// The client's own key.
    pub(crate) key: Option<String>,
    /// The canonical text of the call.
    pub(crate) canonical: String,
}

#[derive(Serialize)]
struct Batch<'a> {
    commands: &'a [Step],
}

impl Acting {
    /// Runs the steps and answers with their receipts and the snapshot.
    pub(crate) async fn run(self, cx: &Cx<'_>, held: &Held) -> Result<Answer, Trouble> {
        let mut commands = self.steps.clone();
        let asked = snapshot::params(held, self.wanted);
        if let Some(asked) = &asked {
            commands.push(Step::new(CommandName::DomSnapshot, asked.clone(), "")?);
        }
        if commands.len() > MAX_BATCH {
            let most = MAX_BATCH - 1;
            return Err(Trouble::usage(format!("steps: at most {most} are taken")));
        }
        let batch = raw(&Batch {
            commands: &commands,
        })?;
        let (reply, repeats, id) = self.send(cx, held, batch).await?;
        let result = reply.typed::<RunResult>()?.0;
        let done = result.results.get(..self.steps.len()).unwrap_or_default();
        let mut answer = receipts(done, repeats.map(|ago| repeated(ago, self.key.as_deref())));
        let failed = done
            .iter()
            .enumerate()
            .find_map(|(at, it)| Some((at, it.error.clone()?)));
        if let Some((at, error)) = failed {
            let trouble = Trouble::from(error);
            if at == 0 && trouble.nothing_done() {
                held.memory().repeats.did_nothing(&id);
            }
            answer = answer
                .say(format!("step {} failed, later ones were not run", at + 1))
                .fail(trouble);
            return Ok(answer.and(self.look(cx, held).await));
        }
        let last = result.results.get(self.steps.len());
        Ok(match last.zip(asked) {
            Some((last, asked)) => answer.and(shown(held, asked, last)),
            None => answer,
        })
    }

    async fn send(
        &self,
        cx: &Cx<'_>,
        held: &Held,
        params: Box<RawValue>,
    ) -> Result<(ops_client::Reply, Option<Duration>, RequestId), Trouble> {
        once(
            cx,
            held,
            CommandName::BatchRun,
            params,
            (&self.canonical, self.key.as_deref()),
        )
        .await
    }

    /// The snapshot after a step failed: the batch ended before its own.
    async fn look(&self, cx: &Cx<'_>, held: &Held) -> Answer {
        let Some(asked) = snapshot::params(held, self.wanted) else {
            return Answer::default();
        };
        let Ok(params) = params(CommandName::DomSnapshot, asked.clone(), "") else {
            return Answer::default();
        };
        let sending = Sending {
            request_id: held.link.next_id(),
            ids: Some(held.ids.clone()),
            command: CommandName::DomSnapshot,
            params,
            timeout: Some(LOOK_TIMEOUT),
        };
        match cx.send(&held.link, sending).await {
            Ok(reply) => match reply.typed::<SnapshotResult>() {
                Ok((result, _)) => snapshot::answer(held, asked, &result),
                Err(_) => Answer::default(),
            },
            Err(trouble) => Answer::new(format!("no snapshot: {}", trouble.code)),
        }
    }
}

/// Runs a command under the id by which a repetition is known: the answer, how long ago it ran where it was not run now, and the id.
pub(crate) async fn once(
    cx: &Cx<'_>,
    held: &Held,
    command: CommandName,
    params: Box<RawValue>,
    (canonical, key): (&str, Option<&str>),
) -> Result<(ops_client::Reply, Option<Duration>, RequestId), Trouble> {
    debug_assert!(command.spec().repeat == Repeat::Once);
    let ticket = held
        .memory()
        .repeats
        .admit(&held.handle, canonical, key, params, Instant::now())
        .map_err(|Spent(ago)| spent(ago))?;
    let id = ticket.request_id.clone();
    let sending = Sending {
        request_id: ticket.request_id,
        ids: Some(held.ids.clone()),
        command,
        params: ticket.params,
        timeout: None,
    };
    let outcome = cx.send(&held.link, sending).await;
    cx.note(held, &outcome);
    if let Err(trouble) = &outcome
        && trouble.nothing_done()
    {
        held.memory().repeats.did_nothing(&id);
    }
    outcome.map(|reply| (reply, ticket.repeats, id))
}

/// The refusal of a key whose answer is kept no more.
fn spent(ago: Duration) -> Trouble {
    let message = format!(
        "this key was used {} s ago, and its answer is kept no more; nothing was run",
        ago.as_secs()
    );
    Trouble::new(ErrorCode::OpsRequestIdReused, message).hint(
        "Look at the page with browser_snapshot; if the call is meant, send it with a new key",
    )
}

/// What is said of an answer that was given before, under a key of the client's own or without one.
pub(crate) fn repeated(ago: Duration, key: Option<&str>) -> String {
    let ago = ago.as_secs();
    match key {
        Some(_) => format!(
            "NOT RUN AGAIN: this key came {ago} s ago, and this is its answer. A new key runs it once more"
        ),
        None => format!(
            "NOT RUN AGAIN: the same call came {ago} s ago with no other in between, and this is its answer. To run it once more, \
             look first (browser_snapshot) or give a new key"
        ),
    }
}

fn receipts(done: &[BatchOutcome], repeats: Option<String>) -> Answer {
    let mut answer = Answer::default();
    if let Some(repeats) = repeats {
        answer = answer.say(repeats);
    }
    let mut count = 0;
    for (at, outcome) in done.iter().enumerate() {
        let (Some(result), Some(command)) = (&outcome.result, CommandName::find(&outcome.command))
        else {
            continue;
        };
        count += 1;
        answer = answer.quote(format!(
            "{} {}",
            at + 1,
            receipt::line(command, result.get())
        ));
    }
    answer.say(format!("{count} of {} steps done", done.len()))
}

/// The snapshot of a batch; where there is none, why.
fn shown(held: &Held, asked: Map<String, Value>, outcome: &BatchOutcome) -> Answer {
    if let Some(error) = &outcome.error {
        return match error.code {
            ErrorCode::OpsDialogOpen => Answer::new(
                "no snapshot while a dialog waits: browser_call dialog.accept or dialog.dismiss",
            ),
            code => Answer::new(format!("no snapshot: {code}")),
        };
    }
    let result = outcome.result.as_ref();
    match result.map(|json| serde_json::from_str::<SnapshotResult>(json.get())) {
        Some(Ok(result)) => snapshot::answer(held, asked, &result),
        _ => Answer::default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(json: &str) -> Result<Step, Trouble> {
        Step::parse(2, serde_json::from_str(json).unwrap())
    }

    #[test]
    fn a_step_is_a_word_and_the_parameters_of_its_command() {
        for (json, command) in [
            (r#"{"do":"click","element":"e1"}"#, "interact.click"),
            (
                r#"{"do":"fill","element":"label=Email","value":"a"}"#,
                "interact.fill",
            ),
            (r#"{"do":"goto","url":"http://a/"}"#, "nav.goto"),
            (r#"{"do":"pointer.move","x":1,"y":2}"#, "pointer.move"),
            (r#"{"do":"downloads.wait"}"#, "downloads.wait"),
        ] {
            assert_eq!(step(json).unwrap().command, command);
        }
    }

    #[test]
    fn what_is_no_step_is_refused_with_its_place() {
        for json in [
            r#"{"element":"e1"}"#,
            r#"{"do":"jump"}"#,
            r#"{"do":"batch.run","commands":[]}"#,
            r#"{"do":"session.close"}"#,
            r#"{"do":"fill","element":"e1"}"#,
            r#"{"do":"click","element":"e1","colour":"red"}"#,
        ] {
            let trouble = step(json).unwrap_err();
            assert!(
                trouble.message.starts_with("steps[2]: "),
                "{}",
                trouble.message
            );
        }
    }
}
