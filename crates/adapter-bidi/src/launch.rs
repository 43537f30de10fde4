//! Starts one Firefox under supervision and waits until it listens.
//!
//! It decides no policy and speaks no protocol: what comes out is a process and the port of its debugging socket, which
//! is on loopback, chosen by the system, and takes one session.

mod arguments;
mod output;
mod profile;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

pub(crate) use arguments::SCREEN;
use ops_contracts::adapter::{AdapterError, AdapterResult};
use ops_contracts::supervise::{SuperviseSpec, Supervised, Supervisor};
use output::Output;

/// Everything that a launch needs.
pub(crate) struct Launch<'a> {
    pub(crate) executable: PathBuf,
    pub(crate) supervisor: &'a dyn Supervisor,
    pub(crate) profile: Option<&'a Path>,
    pub(crate) headed: bool,
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

/// Starts the browser. To be called inside a tokio runtime.
pub(crate) fn launch(launch: &Launch<'_>) -> AdapterResult<Launched> {
    if let Some(argument) = arguments::forbidden(launch.extra_args) {
        return Err(AdapterError::ArgumentForbidden { argument: argument.to_owned() });
    }
    let failed = |what: &str, error: &std::io::Error| AdapterError::LaunchFailed {
        reason: format!("{what}: {error}"),
        output: String::new(),
    };
    let directory = launch.supervisor.claim(launch.profile).map_err(|error| failed("its profile can't be used", &error))?;
    let places =
        profile::prepare(&directory, launch.profile.is_some()).map_err(|error| failed("its profile can't be written", &error))?;
    let spec = SuperviseSpec {
        program: launch.executable.clone(),
        args: arguments::command_line(launch.headed, &places.profile, launch.extra_args),
        environment: arguments::environment(launch.environment, &places.home, launch.headed),
        directory: directory.clone(),
    };
    let (process, stderr) = launch.supervisor.spawn(spec).map_err(|error| failed("it can't be supervised", &error))?;
    let output = Output::drain(stderr).map_err(|error| failed("its output can't be read", &error))?;
    Ok(Launched { process, directory, output })
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

    /// The error of a browser that has ended, or whose socket has.
    pub(crate) async fn explain(&self) -> AdapterError {
        const GRACE: Duration = Duration::from_millis(1500);
        let reason = match tokio::time::timeout(GRACE, self.process.ended()).await {
            Ok(how) => format!("the browser ended at once ({how})"),
            Err(_) => "the browser refused its debugging connection".to_owned(),
        };
        AdapterError::LaunchFailed { reason, output: self.output.tail() }
    }

    /// The error of a browser that does not answer.
    pub(crate) fn unanswered(&self, after: Duration) -> AdapterError {
        let reason = format!("the browser did not answer within {} ms", after.as_millis());
        AdapterError::LaunchFailed { reason, output: self.output.tail() }
    }
}
