//! The supervisor that programs compose with adapters: from a request and the configuration to a process and the way to it.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ops_contracts::seam::adapter::AdapterResult;
use ops_contracts::seam::supervise::{Program, Start, Started, Supervisor};
use ops_contracts::wire::clock::Clock;

use crate::browsers::{chromedriver, chromium, firefox};
use crate::directory::{self, Claimed};
use crate::environment::{self, Variables};
use crate::guard::{self, GuardCommand, SweepReport};
use crate::locate::{self, Named};
use crate::process::{self, Plan};

/// Whether Chrome and Chromium run with their sandbox. Firefox always does.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Sandbox {
    /// On, but off with a warning for root, for whom Chromium refuses to start with it.
    #[default]
    Auto,
    /// On; where it cannot be set up, the launch fails.
    On,
    /// Off.
    Off,
}

impl Sandbox {
    /// Whether browsers of the calling user are sandboxed under this policy.
    #[must_use]
    pub fn is_on(self) -> bool {
        match self {
            Self::On => true,
            Self::Off => false,
            Self::Auto => !rustix::process::geteuid().is_root(),
        }
    }
}

/// Everything that the supervisor gets from the program that uses it.
#[derive(Clone)]
pub struct SupervisorConfig {
    /// How to start a guard: a program whose `main` calls [`guard::dispatch`] first.
    pub guard: GuardCommand,
    /// The directory below which fresh directories of browsers are made.
    pub directories: PathBuf,
    /// The value of `PATH`, to find browsers on.
    pub path: Option<OsString>,
    /// The value of `ODB_BROWSER`: the Chromium of launches that name none.
    pub chrome: Option<OsString>,
    /// Chromedriver's executable, or `chromedriver` for the first of the well-known names and places. None is started when absent:
    /// its port takes every local process.
    pub chromedriver: Option<PathBuf>,
    /// The browsers' whole environment, apart from what each launch adds; without secrets.
    pub environment: Vec<(OsString, OsString)>,
    /// Whether Chrome and Chromium are sandboxed.
    pub sandbox: Sandbox,
    /// Whether Chrome and Chromium use the GPU.
    pub gpu: bool,
    /// The time of day, for the directories' markers.
    pub clock: Arc<dyn Clock>,
}

impl SupervisorConfig {
    /// A configuration with the process' own `environment` filtered for browsers, `ODB_BROWSER` and `PATH` taken from
    /// it, the sandbox on `auto`, no chromedriver and no GPU.
    pub fn new(
        guard: GuardCommand,
        directories: PathBuf,
        environment: impl Iterator<Item = (OsString, OsString)>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let environment: Variables = environment.collect();
        let value = |name: &str| {
            let found = environment.iter().find(|(given, _)| given == name);
            found.map(|(_, value)| value.clone())
        };
        Self {
            guard,
            directories,
            path: value("PATH"),
            chrome: value("ODB_BROWSER").filter(|path| !path.is_empty()),
            chromedriver: None,
            environment: environment::for_browsers(environment.into_iter()),
            sandbox: Sandbox::Auto,
            gpu: false,
            clock,
        }
    }
}

/// Browsers under a guard, which is the program itself.
pub struct BrowserSupervisor {
    config: SupervisorConfig,
}

impl BrowserSupervisor {
    /// A supervisor; nothing is started yet.
    #[must_use]
    pub fn new(config: SupervisorConfig) -> Self {
        Self { config }
    }

    /// Ends what dead owners left behind below the directories' root. To be called once, before the first start.
    ///
    /// # Errors
    /// When the root cannot be listed.
    pub fn sweep(&self) -> io::Result<SweepReport> {
        guard::sweep(&self.config.directories)
    }

    /// The executable of a program; `explicit` is what a session names.
    fn find(&self, program: Program, explicit: Option<&Path>) -> AdapterResult<PathBuf> {
        let config = &self.config;
        let path = config.path.as_deref();
        match program {
            Program::Chrome => {
                let variable = config.chrome.as_deref().map(Path::new);
                let named = explicit
                    .map(Named::Session)
                    .or(variable.map(|path| Named::Variable("ODB_BROWSER", path)));
                locate::locate(&locate::CHROME, named, path)
            }
            Program::Firefox => {
                locate::locate(&locate::FIREFOX, explicit.map(Named::Session), path)
            }
            Program::Chromedriver => {
                let name = config
                    .chromedriver
                    .as_deref()
                    .ok_or_else(locate::chromedriver_not_named)?;
                let named = Some(name).filter(|name| *name != Path::new("chromedriver"));
                locate::locate(&locate::CHROMEDRIVER, named.map(Named::Operator), path)
            }
        }
    }

    fn sandboxed(&self) -> bool {
        let on = self.config.sandbox.is_on();
        if !on && self.config.sandbox == Sandbox::Auto {
            tracing::warn!("the browser runs without its sandbox, because this user is root");
        }
        on
    }

    /// Claims a directory and runs what `plan` makes of it.
    fn run<T>(
        &self,
        start: &Start<'_>,
        plan: impl FnOnce(&Claimed) -> AdapterResult<(Plan, T)>,
    ) -> AdapterResult<(Arc<process::Guarded>, T)> {
        let now_ms = self.config.clock.now().unix_millis();
        let profile = start.spec.profile.as_deref();
        let claimed = directory::claim(profile, &self.config.directories, now_ms)?;
        let started = plan(&claimed)
            .and_then(|(plan, endpoint)| Ok((process::start(&self.config.guard, plan)?, endpoint)));
        if started.is_err() {
            claimed.abandon();
        }
        started
    }
}

impl Supervisor for BrowserSupervisor {
    fn locate(&self, program: Program) -> AdapterResult<PathBuf> {
        self.find(program, None)
    }

    fn start(&self, start: &Start<'_>) -> AdapterResult<Started> {
        let explicit = start.spec.executable.as_deref();
        let environment = &self.config.environment;
        let (gpu, program) = (self.config.gpu, start.program);
        let (process, endpoint, sandboxed) = match program {
            Program::Chrome => {
                let executable = self.find(program, explicit)?;
                chromium::permitted(start.spec)?;
                let sandboxed = self.sandboxed();
                let (process, endpoint) = self.run(start, |claimed| {
                    chromium::plan(start, executable, sandboxed, gpu, environment, claimed)
                })?;
                (process, endpoint, sandboxed)
            }
            Program::Firefox => {
                let executable = self.find(program, explicit)?;
                firefox::permitted(start.spec)?;
                let (process, endpoint) = self.run(start, |claimed| {
                    firefox::plan(start, executable, environment, claimed)
                })?;
                (process, endpoint, true)
            }
            Program::Chromedriver => {
                let driver = self.find(program, None)?;
                let executable = self.find(Program::Chrome, explicit)?;
                chromium::permitted(start.spec)?;
                let sandboxed = self.config.sandbox.is_on();
                let (process, endpoint) = self.run(start, |claimed| {
                    chromedriver::plan(start, driver, &executable, sandboxed, environment, claimed)
                })?;
                (process, endpoint, sandboxed)
            }
        };
        Ok(Started {
            process,
            endpoint,
            sandboxed,
        })
    }
}
