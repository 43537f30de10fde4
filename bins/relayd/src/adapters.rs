//! What stands behind the runtime here: the adapters. Which of them serves a browser is the runtime's to find.

use std::path::PathBuf;
use std::sync::Arc;

use adapter_bidi::{BidiAdapter, BidiConfig};
use adapter_cdp::guard::GuardCommand;
use adapter_cdp::launch::{GuardSupervisor, browser_environment};
use adapter_cdp::{CdpAdapter, CdpConfig};
use ops_contracts::control::config;
use ops_contracts::seam::adapter::{Adapter, AdapterError};
use ops_contracts::wire::clock::Clock;

use crate::environment::Environment;
use crate::failure::Failure;
use crate::home::Home;
use crate::settings::Settings;

/// What speaks to browsers.
pub(crate) struct Adapters {
    pub(crate) cdp: Arc<CdpAdapter>,
    bidi: Arc<BidiAdapter>,
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
        let guard = GuardCommand::new(program);
        let supervisor = Arc::new(GuardSupervisor::new(
            guard.clone(),
            home.profiles(),
            clock.clone(),
        ));
        let chrome = environment
            .variables
            .iter()
            .find(|(name, value)| name == config::BROWSER && !value.is_empty());
        let bidi = BidiConfig {
            chromedriver: settings.chromedriver.clone(),
            chrome: chrome.map(|(_, path)| path.into()),
            sandbox: settings.sandbox.is_on(),
            ..BidiConfig::new(
                supervisor,
                browser_environment(environment.variables.iter().cloned()),
            )
        };
        let cdp = CdpConfig::new(
            guard,
            home.profiles(),
            environment.variables.into_iter(),
            clock,
        );
        let cdp = CdpConfig {
            sandbox: settings.sandbox,
            ..cdp
        };
        Ok(Self {
            cdp: Arc::new(CdpAdapter::new(cdp)),
            bidi: Arc::new(BidiAdapter::new(bidi)),
        })
    }

    /// The adapters, the preferred one of a browser first.
    pub(crate) fn ranked(self) -> Vec<Arc<dyn Adapter>> {
        vec![self.cdp, self.bidi]
    }

    /// The browsers that sessions will get, or why there is none.
    pub(crate) fn browsers(&self, settings: &Settings) -> [(&'static str, String); 3] {
        let shown = |named: &Option<PathBuf>, found: Result<PathBuf, AdapterError>| match named {
            Some(path) => path.display().to_string(),
            None => found.map_or_else(
                |missing| missing.to_string(),
                |path| path.display().to_string(),
            ),
        };
        [
            ("chrome", shown(&settings.browser, self.cdp.executable())),
            (
                "chromedriver",
                shown(&settings.chromedriver, self.bidi.chromedriver()),
            ),
            ("firefox", shown(&settings.firefox, self.bidi.executable())),
        ]
    }
}
