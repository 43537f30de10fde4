//! Starts one Firefox, or one chromedriver, under supervision and waits until it listens.
//!
//! It decides no policy and speaks no protocol: what comes out is a process and the port of its debugging socket, which
//! is on loopback and chosen by the system. Firefox's takes one session.

mod arguments;
mod chromedriver;
mod output;
mod profile;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

pub(crate) use arguments::SCREEN;
pub(crate) use chromedriver::{Chrome, launch as launch_chromedriver};
use ops_contracts::seam::adapter::{AdapterError, AdapterResult};
use ops_contracts::seam::supervise::{SuperviseSpec, Supervised, Supervisor};
use output::Output;

/// Everything that a launch needs.
pub(crate) struct Launch<'a> {
    pub(crate) executable: PathBuf,
    pub(crate) supervisor: &'a dyn Supervisor,
    pub(crate) profile: Option<&'a Path>,
    pub(crate) headed: bool,
    /// Whether nothing may leave but through proxies.
    pub(crate) confined: bool,
    pub(crate) extra_args: &'a [String],
    /// The whole environment, apart from what the launch itself adds.
    pub(crate) environment: &'a [(OsString, OsString)],
}

/// A process that may not listen yet.
pub(crate) struct Launched {
    pub(crate) process: Arc<dyn Supervised>,
    /// What was claimed for it.
    pub(crate) directory: PathBuf,
    output: Output,
}

/// What stands before the port that Firefox listens on.
const READY: &str = "WebDriver BiDi listening on ws://127.0.0.1:";

/// Starts the browser. To be called inside a tokio runtime.
pub(crate) fn launch(launch: &Launch<'_>) -> AdapterResult<Launched> {
    if let Some(argument) = arguments::forbidden(launch.extra_args) {
        return Err(AdapterError::ArgumentForbidden {
            argument: argument.to_owned(),
        });
    }
    if let Some(argument) = arguments::way_out(launch.extra_args).filter(|_| launch.confined) {
        return Err(AdapterError::ArgumentForbidden {
            argument: argument.to_owned(),
        });
    }
    let directory = launch
        .supervisor
        .claim(launch.profile)
        .map_err(failed("its profile can't be used"))?;
    let places = profile::prepare(&directory, launch.profile.is_some(), launch.confined)
        .map_err(failed("its profile can't be written"))?;
    let spec = SuperviseSpec {
        program: launch.executable.clone(),
        args: arguments::command_line(launch.headed, &places.profile, launch.extra_args),
        environment: arguments::environment(launch.environment, &places.home, launch.headed),
        directory: directory.clone(),
    };
    spawn(launch.supervisor, spec, READY)
}

fn spawn(
    supervisor: &dyn Supervisor,
    spec: SuperviseSpec,
    ready: &'static str,
) -> AdapterResult<Launched> {
    let directory = spec.directory.clone();
    let (process, output) = supervisor
        .spawn(spec)
        .map_err(failed("it can't be supervised"))?;
    let output = Output::drain(output, ready).map_err(failed("its output can't be read"))?;
    Ok(Launched {
        process,
        directory,
        output,
    })
}

fn failed(what: &'static str) -> impl Fn(std::io::Error) -> AdapterError {
    move |error| AdapterError::LaunchFailed {
        reason: format!("{what}: {error}"),
        output: String::new(),
    }
}

impl Launched {
    /// Waits until the browser listens, and tells on which port.
    pub(crate) async fn port(&self, deadline: Duration) -> AdapterResult<u16> {
        match tokio::time::timeout(deadline, self.output.port()).await {
            Ok(Some(port)) => Ok(port),
            Ok(None) => Err(self.explain().await),
            Err(_) => Err(self.unanswered(deadline)),
        }
    }

    /// The error of a driver that could not start its browser.
    pub(crate) fn refused(&self, reason: String) -> AdapterError {
        AdapterError::LaunchFailed {
            reason,
            output: self.output.tail(),
        }
    }

    /// The error of a browser that has ended, or whose socket has.
    pub(crate) async fn explain(&self) -> AdapterError {
        const GRACE: Duration = Duration::from_millis(1500);
        let reason = match tokio::time::timeout(GRACE, self.process.ended()).await {
            Ok(how) => format!("the browser ended at once ({how})"),
            Err(_) => "the browser refused its debugging connection".to_owned(),
        };
        AdapterError::LaunchFailed {
            reason,
            output: self.output.tail(),
        }
    }

    /// The error of a browser that does not answer.
    pub(crate) fn unanswered(&self, after: Duration) -> AdapterError {
        let reason = format!("the browser did not answer within {} ms", after.as_millis());
        AdapterError::LaunchFailed {
            reason,
            output: self.output.tail(),
        }
    }
}
