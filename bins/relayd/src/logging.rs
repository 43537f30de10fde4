//! Log lines on standard error. A thread of its own writes them: a reader that stalls costs lines, never a request.

use std::io::{self, Write};
use std::sync::mpsc::{Receiver, SendError, SyncSender, TrySendError, sync_channel};
use std::time::Duration;

use ops_contracts::control::config::{LogFormat, LogLevel};
use tracing::level_filters::LevelFilter;
use tracing_subscriber::fmt;

/// Lines that may wait for the reader.
const WAITING: usize = 4096;

/// How long the last lines may take to be written.
const FLUSH: Duration = Duration::from_secs(1);

/// How long lines are gathered behind those that were written.
const GATHERED: Duration = Duration::from_millis(10);

enum Item {
    Line(Vec<u8>),
    Flush(SyncSender<()>),
}

/// The way in for lines.
#[derive(Clone)]
struct Lines(SyncSender<Item>);

impl Write for Lines {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        match self.0.try_send(Item::Line(line.to_vec())) {
            // A lost line is better than a request that waits for whoever reads the log.
            Ok(()) | Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => Ok(line.len()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The log; dropping it writes what waits.
pub(crate) struct Log(SyncSender<Item>);

impl Drop for Log {
    fn drop(&mut self) {
        let (done, written) = sync_channel(1);
        if self.0.try_send(Item::Flush(done)).is_ok() {
            let _ = written.recv_timeout(FLUSH);
        }
    }
}

/// Starts logging for the whole process.
pub(crate) fn start(format: LogFormat, level: LogLevel) -> io::Result<Log> {
    let (lines, waiting) = sync_channel(WAITING);
    std::thread::Builder::new()
        .name("log".to_owned())
        .stack_size(128 * 1024)
        .spawn(move || write_all(&waiting))?;
    let log = Log(lines.clone());
    let lines = Lines(lines);
    let builder = fmt()
        .with_max_level(filter(level))
        .with_writer(move || lines.clone())
        .log_internal_errors(false)
        .with_ansi(io::IsTerminal::is_terminal(&io::stderr()));
    match format {
        LogFormat::Text => tracing::subscriber::set_global_default(builder.finish()),
        LogFormat::Json => {
            tracing::subscriber::set_global_default(builder.json().flatten_event(true).finish())
        }
    }
    .map_err(io::Error::other)?;
    Ok(log)
}

/// Writes what is there, and looks again after a while: a thread that waits for each line has to be woken for each, at the cost of
/// the request that the line is about.
fn write_all(waiting: &Receiver<Item>) {
    let mut stderr = io::stderr();
    let (mut lines, mut flushed) = (Vec::new(), Vec::new());
    while let Ok(first) = waiting.recv() {
        for item in std::iter::once(first).chain(waiting.try_iter()) {
            match item {
                Item::Line(line) => lines.extend_from_slice(&line),
                Item::Flush(done) => flushed.push(done),
            }
        }
        // Nobody may be reading any more; the relay serves on.
        drop(stderr.write_all(&lines));
        lines.clear();
        for done in flushed.drain(..) {
            let _: Result<(), SendError<()>> = done.send(());
        }
        std::thread::sleep(GATHERED);
    }
}

const fn filter(level: LogLevel) -> LevelFilter {
    match level {
        LogLevel::Off => LevelFilter::OFF,
        LogLevel::Error => LevelFilter::ERROR,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Debug => LevelFilter::DEBUG,
        LogLevel::Trace => LevelFilter::TRACE,
    }
}
