//! The signals: of those that end the program the first one lets it end in order, the second one ends it at once; a hangup
//! has the configuration read anew.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};

/// The signal on which the configuration is read anew.
pub(crate) struct Hangups(Signal);

impl Hangups {
    /// Takes the signal over from the system's default. To be called inside a tokio runtime.
    pub(crate) fn listen() -> io::Result<Self> {
        signal(SignalKind::hangup()).map(Self)
    }

    /// Waits for one.
    pub(crate) async fn next(&mut self) {
        self.0.recv().await;
    }
}

/// Both signals that end the program.
pub(crate) struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    /// Takes the signals over from the system's defaults. To be called inside a tokio runtime.
    pub(crate) fn listen() -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    /// Waits for one; its name.
    pub(crate) async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
        }
    }
}
