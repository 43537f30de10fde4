//! What a client that behaves notices of peers that do not: the same call alone, and while a crowd comes of connections that say nothing,
//! announce bodies that never come, or trickle their heads, and while it stays. Over a connection that is kept, and over new ones.

use std::io::Write as _;
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use ops_client::post;
use ops_contracts::wire::command::{Empty, SessionList};
use ops_contracts::wire::version::OPS_CONTRACT_VERSION;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::report::{Bound, Row};
use super::{Bench, QUIET};
use crate::samples::Samples;

/// Connections that say nothing; fewer where the system allows no more descriptors.
const IDLE: u64 = 10_000;

/// Requests whose body never comes, and as many whose head never ends.
const HALF_OPEN: usize = 200;

/// Calls of a turn, and the pause between two of them: well below the rate that the limits allow.
const CALLS: u32 = 100;
const PAUSE: Duration = Duration::from_millis(4);

const ROUNDS: u32 = 4;

/// How often each head grows by a byte.
const TRICKLE: Duration = Duration::from_millis(100);

/// How long a member of the crowd waits to be let in.
const PATIENCE: Duration = Duration::from_secs(5);

/// What a good client's calls took.
#[derive(Default)]
struct Calls {
    kept: Samples,
    new: Samples,
}

/// A row for each kind of connection.
pub(super) fn measure(bench: &Bench) -> Result<[Row; 2]> {
    let limit = getrlimit(Resource::Nofile);
    setrlimit(
        Resource::Nofile,
        Rlimit {
            current: limit.maximum,
            ..limit
        },
    )
    .context("the limit of descriptors can't be raised")?;
    let idle = limit
        .maximum
        .map_or(IDLE, |most| most.saturating_sub(1_024).min(IDLE));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let call = |calls: &mut Calls| -> Result<()> {
        let began = Instant::now();
        bench.ours.call::<SessionList>(None, &Empty {})?;
        calls.kept.add(began.elapsed());
        let began = Instant::now();
        runtime.block_on(post::call::<SessionList>(
            bench.ours.endpoint(),
            None,
            &Empty {},
            None,
        ))?;
        calls.new.add(began.elapsed());
        sleep(PAUSE);
        Ok(())
    };
    let (mut beside, mut alone) = (Calls::default(), Calls::default());
    for round in 0..=ROUNDS * bench.rounds {
        let mut warm = Calls::default();
        let counted = if round > 0 { &mut alone } else { &mut warm };
        (0..CALLS).try_for_each(|_| call(counted))?;
        let counted = if round > 0 { &mut beside } else { &mut warm };
        let crowd = Crowd::new(bench)?;
        std::thread::scope(|scope| {
            scope.spawn(|| crowd.come_and_stay(idle));
            let called = (|| {
                while !crowd.is_there.load(Ordering::Relaxed) {
                    call(counted)?;
                }
                (0..CALLS).try_for_each(|_| call(counted))
            })();
            crowd.over.store(true, Ordering::Relaxed);
            called
        })?;
        sleep(QUIET);
    }
    let row = |over: &str, beside, alone| {
        let name = format!(
            "session.list over {over}, {idle} idle and {} half-open peers",
            2 * HALF_OPEN
        );
        Row::pair(name, Bound::Tail(2.0), (beside, alone))
    };
    Ok([
        row("one connection", beside.kept, alone.kept),
        row("new connections", beside.new, alone.new),
    ])
}

/// Peers that misbehave.
struct Crowd {
    at: SocketAddr,
    /// A request that announces a body and has only its first byte.
    half: String,
    is_there: AtomicBool,
    over: AtomicBool,
}

impl Crowd {
    fn new(bench: &Bench) -> Result<Self> {
        let at: SocketAddr = bench
            .ours
            .endpoint()
            .url
            .authority()
            .parse()
            .context("the relay has an address")?;
        let token = bench.relay.token()?;
        let half = format!(
            "POST /ops HTTP/1.1\r\nhost: {at}\r\nauthorization: Bearer {token}\r\ncontent-type: application/json\r\n\
             x-ops-contract-version: {OPS_CONTRACT_VERSION}\r\nx-ops-client-id: rough\r\ncontent-length: 1000\r\n\r\n{{"
        );
        Ok(Self {
            at,
            half,
            is_there: AtomicBool::new(false),
            over: AtomicBool::new(false),
        })
    }

    /// The relay may refuse any of them, and close what it has accepted: that is what its good clients live by.
    fn opened(&self, text: &str) -> Option<TcpStream> {
        let mut socket = TcpStream::connect_timeout(&self.at, PATIENCE).ok()?;
        socket.write_all(text.as_bytes()).ok()?;
        Some(socket)
    }

    fn come_and_stay(&self, idle: u64) {
        let silent: Vec<_> = (0..idle).filter_map(|_| self.opened("")).collect();
        let announced: Vec<_> = (0..HALF_OPEN)
            .filter_map(|_| self.opened(&self.half))
            .collect();
        let mut trickling: Vec<_> = (0..HALF_OPEN)
            .filter_map(|_| self.opened("POST /ops HTTP/1.1\r\nhost: "))
            .collect();
        self.is_there.store(true, Ordering::Relaxed);
        while !self.over.load(Ordering::Relaxed) {
            trickling.retain_mut(|socket| socket.write_all(b"x").is_ok());
            sleep(TRICKLE);
        }
        drop((silent, announced));
    }
}
