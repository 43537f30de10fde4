//! What a client that behaves notices of peers that do not: the same call alone, and beside a crowd of connections that say nothing,
//! announce bodies that never come, or trickle their heads.

use std::io::Write as _;
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use ops_contracts::command::{Empty, SessionList};
use ops_contracts::version::OPS_CONTRACT_VERSION;
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

/// The row of a good client's calls.
pub(super) fn measure(bench: &Bench) -> Result<Row> {
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit }).context("the limit of descriptors can't be raised")?;
    let idle = limit.maximum.map_or(IDLE, |most| most.saturating_sub(1_024).min(IDLE));
    let (mut beside, mut alone) = (Samples::default(), Samples::default());
    for round in 0..=ROUNDS * bench.rounds {
        let mut warm = Samples::default();
        calls(bench, if round > 0 { &mut alone } else { &mut warm })?;
        let Crowd { silent, trickling } = Crowd::gather(bench, idle)?;
        let over = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| trickle(trickling, &over));
            let called = calls(bench, if round > 0 { &mut beside } else { &mut warm });
            over.store(true, Ordering::Relaxed);
            called
        })?;
        drop(silent);
        sleep(QUIET);
    }
    let name = format!("session.list beside {idle} idle and {} half-open peers", 2 * HALF_OPEN);
    Ok(Row::pair(name, Bound::Tail(2.0), (beside, alone)))
}

fn calls(bench: &Bench, samples: &mut Samples) -> Result<()> {
    for _ in 0..CALLS {
        let began = Instant::now();
        bench.ours.call::<SessionList>(None, &Empty {})?;
        samples.add(began.elapsed());
        sleep(PAUSE);
    }
    Ok(())
}

/// Connections that are held open.
struct Crowd {
    /// Those that say nothing, or nothing more.
    silent: Vec<TcpStream>,
    /// Those whose head never ends.
    trickling: Vec<TcpStream>,
}

impl Crowd {
    fn gather(bench: &Bench, idle: u64) -> Result<Self> {
        let at: SocketAddr = bench.ours.endpoint().url.authority().parse().context("the relay has an address")?;
        let token = bench.relay.token()?;
        let head = format!(
            "POST /ops HTTP/1.1\r\nhost: {at}\r\nauthorization: Bearer {token}\r\ncontent-type: application/json\r\n\
             x-ops-contract-version: {OPS_CONTRACT_VERSION}\r\nx-ops-client-id: rough\r\ncontent-length: 1000\r\n\r\n{{"
        );
        // The relay may refuse any of them, and close what it has accepted: that is what its good clients live by.
        let opened = |text: &str| -> Option<TcpStream> {
            let mut socket = TcpStream::connect(at).ok()?;
            socket.write_all(text.as_bytes()).ok()?;
            Some(socket)
        };
        let announced = (0..HALF_OPEN).filter_map(|_| opened(&head));
        let silent = (0..idle).filter_map(|_| opened("")).chain(announced).collect();
        Ok(Self { silent, trickling: (0..HALF_OPEN).filter_map(|_| opened("POST /ops HTTP/1.1\r\nhost: ")).collect() })
    }
}

fn trickle(mut sockets: Vec<TcpStream>, over: &AtomicBool) {
    while !over.load(Ordering::Relaxed) {
        sockets.retain_mut(|socket| socket.write_all(b"x").is_ok());
        sleep(TRICKLE);
    }
}
