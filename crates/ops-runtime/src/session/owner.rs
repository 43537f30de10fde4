//! The owner of a session: the one task that runs its page commands, one after the other, and gives it a new browser
//! when it lost one.

use std::collections::VecDeque;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures_util::FutureExt;
use ops_contracts::seam::adapter::{NetworkPolicy, Primitive};
use ops_contracts::wire::command::{Call, CommandName};
use ops_contracts::wire::frame::EventName;
use ops_contracts::wire::ids::{RequestId, SessionId};
use ops_contracts::{ErrorCode, Fault, Outcome};
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;
use tracing::Instrument;

use super::{Finished, Job, Live, Message, Session};
use crate::call::Answer;
use crate::commands;
use crate::cx::Cx;
use crate::pool::{Pool, Seat};
use crate::world::Effect;

/// How long closing a session may take before its owner stops waiting for the browser.
const CLOSE_WITHIN: Duration = Duration::from_secs(5);

/// How long a command runs before its browser is asked whether it answers at all, and again each time after that.
const LONG: Duration = Duration::from_secs(5);

/// Told the session and why it ended.
pub(crate) type Ended = Box<dyn FnOnce(&SessionId, ErrorCode) + Send>;

type Work<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// A command that has not begun.
struct Waiting {
    job: Box<Job>,
    call: Call,
}

enum Running {
    /// Nothing.
    Idle,
    /// A page command.
    Command(Box<Job>, Work<Answer>),
    /// A new browser for the session, and the command that waits for it.
    Revive(Waiting, Work<Outcome<Seat>>),
}

enum Step {
    Message(Message),
    Effect(Effect),
    Done(Answer),
    Revived(Outcome<Seat>),
    /// A command has been running for [`LONG`], or that much longer.
    Long,
    Expired,
    Orphaned,
}

/// The owner of one session.
pub(crate) struct Owner {
    session: Arc<Session>,
    pool: Arc<Pool>,
    inbox: mpsc::UnboundedReceiver<Message>,
    seat: Option<Seat>,
    queue: VecDeque<Waiting>,
    running: Running,
    /// The newest fence that the owner knows: work under an older one is refused, also when it arrives late.
    fence: u64,
    /// When the browser is asked whether it answers at all, should the command that runs still run then.
    doubts: Instant,
    /// Those who wait until the session is drained; none while it is not being drained.
    drain: Vec<oneshot::Sender<u32>>,
    /// The loss of the present browser has been told to the holder.
    loss_told: bool,
    /// Called once when the session has ended.
    ended: Ended,
}

impl Owner {
    pub(crate) fn new(
        session: Arc<Session>,
        pool: Arc<Pool>,
        inbox: mpsc::UnboundedReceiver<Message>,
        seat: Seat,
        ended: Ended,
    ) -> Self {
        Self {
            session,
            pool,
            inbox,
            seat: Some(seat),
            queue: VecDeque::new(),
            running: Running::Idle,
            fence: 0,
            doubts: Instant::now(),
            drain: Vec::new(),
            loss_told: false,
            ended,
        }
    }

    /// Runs until the session is closed or its lease has expired.
    pub(crate) async fn run(mut self) {
        loop {
            self.start_next();
            if !self.drain.is_empty() && matches!(self.running, Running::Idle) {
                let waiting = std::mem::take(&mut self.drain);
                return self
                    .close(Fault::plain(ErrorCode::OpsSessionClosed), waiting)
                    .await;
            }
            let closed = match self.step().await {
                Step::Message(message) => self.message(message),
                Step::Effect(effect) => self.effect(effect),
                Step::Done(outcome) => self.finished(outcome),
                Step::Revived(seat) => self.revived(seat),
                Step::Long => self.doubt(),
                // Use may have extended the lease since the timer was set.
                Step::Expired if !self.session.lease.lock().expired(Instant::now()) => None,
                Step::Expired => Some((Fault::plain(ErrorCode::OpsLeaseExpired), None)),
                Step::Orphaned => Some((Fault::plain(ErrorCode::OpsSessionClosed), None)),
            };
            if let Some((fault, answer)) = closed {
                return self.close(fault, answer.into_iter().collect()).await;
            }
        }
    }

    async fn step(&mut self) -> Step {
        let expires = self.session.lease.lock().expires();
        let (busy, commanded) = (
            !matches!(self.running, Running::Idle),
            matches!(self.running, Running::Command(..)),
        );
        let doubts = self.doubts;
        let running = async {
            match &mut self.running {
                Running::Idle => std::future::pending().await,
                Running::Command(_, work) => Step::Done(work.await),
                Running::Revive(_, work) => Step::Revived(work.await),
            }
        };
        let effects = async {
            match &mut self.seat {
                Some(seat) => match seat.place.effects.recv().await {
                    Some(effect) => effect,
                    None => std::future::pending().await,
                },
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            message = self.inbox.recv() => message.map_or(Step::Orphaned, Step::Message),
            effect = effects => Step::Effect(effect),
            step = running => step,
            () = tokio::time::sleep_until(expires), if !busy => Step::Expired,
            () = tokio::time::sleep_until(doubts), if commanded => Step::Long,
        }
    }

    fn message(&mut self, message: Message) -> Option<(Fault, Option<oneshot::Sender<u32>>)> {
        match message {
            Message::Run(job, call) => self.enqueue(Waiting { job, call }),
            Message::Drain(answer) => self.drain(answer),
            Message::Cancel(request, answer) => {
                let _ = answer.send(self.cancel(&request));
            }
            Message::Fence(fence, answer) => {
                let _ = answer.send(self.fence(fence));
            }
            Message::Close(fault, answer) => return Some((fault, Some(answer))),
        }
        None
    }

    fn enqueue(&mut self, waiting: Waiting) {
        let refusal = if waiting.job.fence < self.fence {
            // Admitted before the session was reclaimed, and here after it.
            reclaimed_while_waiting()
        } else if !self.drain.is_empty() {
            Fault::plain(ErrorCode::RelayOpsDraining)
        } else {
            return self.queue.push_back(waiting);
        };
        self.answer(waiting.job, Err(refusal), false);
    }

    /// Refuses what waits; the loop closes the session when what runs has ended, which its deadline bounds.
    fn drain(&mut self, answer: oneshot::Sender<u32>) {
        self.drain.push(answer);
        for Waiting { job, .. } in std::mem::take(&mut self.queue) {
            self.answer(job, Err(Fault::plain(ErrorCode::RelayOpsDraining)), false);
        }
    }

    fn effect(&mut self, effect: Effect) -> Option<(Fault, Option<oneshot::Sender<u32>>)> {
        match effect {
            Effect::Tell(name, data) => {
                if name == EventName::TargetCrashed {
                    self.session.crashed.store(true, Ordering::Relaxed);
                }
                self.session.tell(name, &data);
            }
            Effect::Lost => {
                self.session.crashed.store(true, Ordering::Relaxed);
                self.session.health.lost(self.running_request());
                tracing::warn!(sessionId = %self.session.id, "the session lost its browser");
            }
            Effect::Decide { paused, decision } => {
                self.beside(Primitive::Decide { paused, decision })
            }
            Effect::CloseTarget(target) => self.beside(Primitive::CloseTarget { target }),
            Effect::CancelDownload(download) => self.beside(Primitive::CancelDownload { download }),
            Effect::AnswerDialog { target, accept } => self.beside(Primitive::AnswerDialog {
                target,
                accept,
                text: None,
            }),
        }
        None
    }

    /// The request that runs, if one does.
    fn running_request(&self) -> Option<&RequestId> {
        match &self.running {
            Running::Idle => None,
            Running::Command(job, _) | Running::Revive(Waiting { job, .. }, _) => {
                Some(&job.context.request)
            }
        }
    }

    /// Performs what no command waits for. A failure means that what it was about is gone, which its own events tell.
    fn beside(&self, primitive: Primitive) {
        let context = self.session.live().context;
        tokio::spawn(async move {
            let name = primitive.name();
            if let Err(error) = context.perform(primitive).await {
                tracing::debug!(%error, primitive = name, "nothing came of it");
            }
        });
    }

    /// Starts the next command of the queue when nothing runs.
    fn start_next(&mut self) {
        while matches!(self.running, Running::Idle) {
            let Some(Waiting { mut job, call }) = self.queue.pop_front() else {
                return;
            };
            if job.context.deadline <= Instant::now() {
                self.answer(
                    job,
                    Err(
                        Fault::new(ErrorCode::OpsTimeout, "the deadline passed in the queue")
                            .with("waitingFor", "the queue"),
                    ),
                    false,
                );
                continue;
            }
            if let Err(fault) = self
                .session
                .health
                .begin(&job.context.request, &mut job.ticket)
            {
                self.answer(job, Err(fault), false);
                continue;
            }
            if self.session.live().world.lock().lost.is_none() {
                self.start(job, call);
            } else if self.loss_told {
                self.revive(Waiting { job, call });
            } else {
                self.loss_told = true;
                self.answer(
                    job,
                    Err(Fault::plain(ErrorCode::OpsSessionLost).retry_after(0)),
                    false,
                );
            }
        }
    }

    fn start(&mut self, job: Box<Job>, call: Call) {
        job.context.meter.start();
        *self.session.running.lock() = Some(job.command.as_str());
        let cx = Arc::new(Cx::new(self.session.clone(), job.context.clone()));
        let deadline = job.context.deadline;
        let work = async move {
            let run = AssertUnwindSafe(commands::run(&cx, call)).catch_unwind();
            match tokio::time::timeout_at(deadline, run).await {
                Ok(Ok(outcome)) => outcome,
                Ok(Err(_)) => {
                    tracing::error!("a command panicked");
                    Err(Fault::plain(ErrorCode::OpsInternal))
                }
                Err(_) => Err(cx.timed_out()),
            }
        };
        let work = Box::pin(work.instrument(job.span.clone()));
        self.running = Running::Command(job, work);
        self.doubts = Instant::now() + LONG;
    }

    /// A command may be long because the page is, or because nobody answers any more: its deadline may be minutes away.
    fn doubt(&mut self) -> Option<(Fault, Option<oneshot::Sender<u32>>)> {
        if let Some(seat) = &self.seat {
            seat.doubt();
        }
        self.doubts = Instant::now() + LONG;
        None
    }

    fn revive(&mut self, waiting: Waiting) {
        let (pool, session) = (self.pool.clone(), self.session.clone());
        let deadline = waiting.job.context.deadline;
        let work = async move {
            let policy = session.live().world.lock().routes.policy();
            let seat = async {
                let seat = pool.seat(&session.plan.slot, session.plan.viewport).await?;
                if let Some(confinement) = &session.plan.confinement {
                    seat.place.confine(confinement.terms());
                }
                for setting in session.emulated().settings() {
                    seat.place
                        .context
                        .perform(Primitive::Emulate { setting })
                        .await?;
                }
                if policy != NetworkPolicy::default() {
                    // What was said about requests holds in the new browser as well, before anything is asked of it.
                    seat.place
                        .context
                        .perform(Primitive::SetNetworkPolicy { policy })
                        .await?;
                }
                Ok(seat)
            };
            match tokio::time::timeout_at(deadline, seat).await {
                Ok(seat) => seat,
                Err(_) => Err(Fault::new(
                    ErrorCode::AdapterTimeout,
                    "no new browser was ready in time",
                )),
            }
        };
        let work = Box::pin(work.instrument(waiting.job.span.clone()));
        self.running = Running::Revive(waiting, work);
    }

    fn revived(&mut self, seat: Outcome<Seat>) -> Option<(Fault, Option<oneshot::Sender<u32>>)> {
        let Running::Revive(waiting, _) = std::mem::replace(&mut self.running, Running::Idle)
        else {
            return None;
        };
        let Waiting { job, call } = waiting;
        match seat {
            Err(fault) => {
                self.session
                    .health
                    .not_revived(&fault, &job.context.request);
                self.answer(job, Err(fault), false);
            }
            Ok(seat) => {
                let old = self.session.live();
                let (numbers, policy, routes) = {
                    let state = old.world.lock();
                    (
                        state.numbers.clone(),
                        state.dialog_policy,
                        state.routes.clone(),
                    )
                };
                let place = &seat.place;
                place
                    .world
                    .begin(numbers, policy, place.target, place.frame);
                {
                    let mut state = place.world.lock();
                    state.routes = routes;
                    state.max_targets = self.session.means.max_targets();
                }
                self.session.set_live(Live {
                    context: place.context.clone(),
                    world: place.world.clone(),
                    epoch: old.epoch + 1,
                    version: place.browser.version.as_str().into(),
                    fallbacks: place.fallbacks.clone(),
                    neighbours: seat.neighbours(),
                });
                self.session.health.rebound(old.epoch + 1);
                if let Some(lost) = self.seat.replace(seat) {
                    let pool = self.pool.clone();
                    tokio::spawn(async move { pool.release(lost).await });
                }
                self.loss_told = false;
                self.start(job, call);
            }
        }
        None
    }

    fn finished(&mut self, outcome: Answer) -> Option<(Fault, Option<oneshot::Sender<u32>>)> {
        let Running::Command(job, _) = std::mem::replace(&mut self.running, Running::Idle) else {
            return None;
        };
        if outcome.as_ref().is_err_and(|fault| {
            matches!(
                fault.code,
                ErrorCode::AdapterBrowserLost | ErrorCode::OpsSessionLost
            )
        }) {
            self.loss_told = true;
        }
        let outcome = outcome.map_err(|fault| self.timed_out(fault));
        // The parts of a batch have been noted one by one.
        if outcome.is_err() || job.command != CommandName::BatchRun {
            self.session.note(&outcome, &job.context.request);
        }
        self.session.lease.lock().touch(Instant::now());
        self.answer(job, outcome, true);
        None
    }

    /// Where a time is over, the browser is asked whether it answers at all; where it is known not to, the fault is the browser's.
    fn timed_out(&self, mut fault: Fault) -> Fault {
        if let (ErrorCode::OpsTimeout | ErrorCode::AdapterTimeout, Some(seat)) =
            (fault.code, &self.seat)
        {
            seat.doubt();
            if fault.code == ErrorCode::OpsTimeout && seat.is_silent() {
                fault.code = ErrorCode::AdapterTimeout;
                fault.message.push_str(", and the browser does not answer");
            }
        }
        fault
    }

    #[expect(
        clippy::boxed_local,
        reason = "jobs are boxed for the queue, and end here"
    )]
    fn answer(&self, job: Box<Job>, outcome: Answer, began: bool) {
        *self.session.running.lock() = None;
        self.session.queued.fetch_sub(1, Ordering::Relaxed);
        // Nobody may be waiting any more; the reply is kept under its request id all the same.
        // The breaker's leave is given back first: who has the answer may send the next command at once.
        let Job { ticket, done, .. } = *job;
        drop(ticket);
        drop(done.send(Finished { outcome, began }));
    }

    fn cancel(&mut self, request: &RequestId) -> bool {
        if let Some(at) = self
            .queue
            .iter()
            .position(|waiting| waiting.job.context.request == *request)
            && let Some(Waiting { job, .. }) = self.queue.remove(at)
        {
            self.answer(job, Err(Fault::plain(ErrorCode::OpsCancelled)), false);
            return true;
        }
        if self.running_request() == Some(request) {
            self.stop_running(&Fault::plain(ErrorCode::OpsCancelled));
            return true;
        }
        false
    }

    /// Abandons what runs, if anything does.
    fn stop_running(&mut self, fault: &Fault) {
        match std::mem::replace(&mut self.running, Running::Idle) {
            Running::Idle => {}
            Running::Command(job, work) => {
                drop(work);
                self.answer(job, Err(fault.clone()), true);
            }
            Running::Revive(Waiting { job, .. }, work) => {
                drop(work);
                self.answer(job, Err(fault.clone()), false);
            }
        }
    }

    fn fence(&mut self, fence: u64) -> u32 {
        self.fence = self.fence.max(fence);
        let (kept, dropped): (VecDeque<_>, VecDeque<_>) = self
            .queue
            .drain(..)
            .partition(|waiting| waiting.job.fence >= fence);
        self.queue = kept;
        let mut count = 0;
        for Waiting { job, .. } in dropped {
            count += 1;
            self.answer(job, Err(reclaimed_while_waiting()), false);
        }
        if matches!(&self.running, Running::Command(job, _) | Running::Revive(Waiting { job, .. }, _) if job.fence < fence)
        {
            count += 1;
            self.stop_running(&Fault::new(
                ErrorCode::OpsNotOwner,
                "the session was reclaimed while the command ran",
            ));
        }
        count
    }

    async fn close(mut self, fault: Fault, waiting: Vec<oneshot::Sender<u32>>) {
        self.session.closing.store(true, Ordering::Relaxed);
        self.inbox.close();
        self.stop_running(&fault);
        while let Ok(message) = self.inbox.try_recv() {
            if let Message::Run(job, call) = message {
                self.queue.push_back(Waiting { job, call });
            }
        }
        for Waiting { job, .. } in std::mem::take(&mut self.queue) {
            self.answer(job, Err(fault.clone()), false);
        }
        let targets = self.session.live().world.lock().tabs.len();
        if let Some(seat) = self.seat.take() {
            // Closing goes on behind a hung browser; the session itself is over either way.
            let release = {
                let pool = self.pool.clone();
                tokio::spawn(async move { pool.release(seat).await })
            };
            drop(tokio::time::timeout(CLOSE_WITHIN, release).await);
        }
        if let Ok(data) =
            serde_json::value::to_raw_value(&serde_json::json!({ "reason": fault.code.as_str() }))
        {
            self.session.tell(EventName::SessionClosed, &data.into());
        }
        (self.ended)(&self.session.id, fault.code);
        for answer in waiting {
            // Whoever asked may have stopped waiting.
            let _ = answer.send(u32::try_from(targets).unwrap_or(u32::MAX));
        }
    }
}

fn reclaimed_while_waiting() -> Fault {
    Fault::new(
        ErrorCode::OpsNotOwner,
        "the session was reclaimed while the command waited",
    )
}
