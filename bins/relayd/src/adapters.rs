//! What stands behind the runtime here: the adapters. Which of them serves a browser is the runtime's to find.

use std::path::PathBuf;
use std::sync::Arc;

use adapter_bidi::BidiAdapter;
use adapter_cdp::CdpAdapter;
use ops_contracts::seam::adapter::Adapter;
use ops_contracts::seam::supervise::{Program, Supervisor};
use ops_contracts::wire::clock::Clock;
use supervisor::guard::GuardCommand;
use supervisor::{BrowserSupervisor, SupervisorConfig};

use crate::environment::Environment;
use crate::failure::Failure;
use crate::home::Home;
use crate::settings::Settings;

/// What speaks to browsers.
pub(crate) struct Adapters {
    pub(crate) cdp: Arc<CdpAdapter>,
    bidi: Arc<BidiAdapter>,
    /// What starts their browsers.
    pub(crate) supervisor: Arc<BrowserSupervisor>,
}

impl Adapters {
    pub(crate) fn new(
        settings: &Settings,
        environment: Environment,
        home: &Home,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, Failure> {
        let program = environment
            .executable
            .ok_or_else(|| Failure::start("this program's own file can't be found"))?;
        let config = SupervisorConfig {
            chromedriver: settings.chromedriver.clone(),
            sandbox: settings.sandbox,
            ..SupervisorConfig::new(
                GuardCommand::new(program),
                home.profiles(),
                environment.variables.into_iter(),
                clock,
            )
        };
        let supervisor = Arc::new(BrowserSupervisor::new(config));
        Ok(Self {
            cdp: Arc::new(CdpAdapter::new(supervisor.clone())),
            bidi: Arc::new(BidiAdapter::new(supervisor.clone())),
            supervisor,
        })
    }

    /// The adapters, the preferred one of a browser first.
    pub(crate) fn ranked(self) -> Vec<Arc<dyn Adapter>> {
        vec![self.cdp, self.bidi]
    }

    /// The browsers that sessions will get, or why there is none.
    pub(crate) fn browsers(&self, settings: &Settings) -> [(&'static str, String); 3] {
        let shown = |named: &Option<PathBuf>, program| match named {
            Some(path) => path.display().to_string(),
            None => self.supervisor.locate(program).map_or_else(
                |missing| missing.to_string(),
                |path| path.display().to_string(),
            ),
        };
        [
            ("chrome", shown(&settings.browser, Program::Chrome)),
            (
                "chromedriver",
                shown(&settings.chromedriver, Program::Chromedriver),
            ),
            ("firefox", shown(&settings.firefox, Program::Firefox)),
        ]
    }
}
