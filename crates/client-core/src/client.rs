//! A client of one home: where its relay is, and who calls it.

use std::ffi::OsString;
use std::path::PathBuf;

use ops_client::{Endpoint, Token, Trust};
use ops_contracts::ErrorCode;
use ops_contracts::wire::clock::Timestamp;
use ops_contracts::wire::frame::ClientKind;
use ops_contracts::wire::http::RelayFile;
use ops_contracts::wire::ids::ClientId;
use ops_contracts::wire::routing::RequestControls;
use ops_contracts::wire::version::BINARY_VERSION;

use crate::correlation::Correlation;
use crate::failure::{Failure, Outcome};
use crate::home::Home;
use crate::pairing;

/// What a front end takes from its process and hands in.
#[derive(Debug, Clone)]
pub struct Surroundings {
    /// `PATH`, where `relayd` is looked for.
    pub path: Option<OsString>,
    /// The program's own file: `relayd` is looked for beside it first.
    pub executable: Option<PathBuf>,
    /// Reads the wall clock.
    pub now: fn() -> Timestamp,
    /// Random bits from the operating system; `None` where it has none to give.
    pub random: fn() -> Option<u128>,
    /// Whether a client with these controls and this id may speak to the relay of that file, before anything is sent: the front
    /// end composes this crate with the rules of routing and versions.
    pub check_versions: fn(&RequestControls, &ClientId, &RelayFile) -> ops_contracts::Outcome<()>,
}

impl Surroundings {
    /// Random bits, or the error that says that there are none.
    ///
    /// # Errors
    /// `cli_state_invalid` where the system has no randomness.
    pub fn random_bits(&self) -> Outcome<u128> {
        (self.random)().ok_or_else(|| {
            Failure::new(ErrorCode::CliStateInvalid, "the system has no random bits")
        })
    }
}

/// A relay that runs elsewhere, as its user names it.
#[derive(Debug, Clone)]
pub struct RemoteRelay {
    /// Its base URL.
    pub url: String,
    /// The file with its token.
    pub token_file: PathBuf,
    /// The certificate authorities, in PEM form, that it is checked against, instead of the system's.
    pub ca_file: Option<PathBuf>,
}

/// A client of one home.
#[derive(Debug, Clone)]
pub struct Client {
    /// The state directory.
    pub home: Home,
    /// The relay to call instead of the home's own; none is started then.
    pub remote: Option<RemoteRelay>,
    /// What kind of client this is.
    pub kind: ClientKind,
    /// Routing controls that travel with every request.
    pub routing: RequestControls,
    /// What the process was given.
    pub surroundings: Surroundings,
    /// What its requests are found by.
    pub correlation: Correlation,
}

impl Client {
    /// Where a relay is, with the identity of this installation.
    ///
    /// # Errors
    /// `cli_usage_invalid` for a malformed URL, `cli_state_invalid` for a token or a file of the home that can't be used.
    pub(crate) fn endpoint(
        &self,
        url: &str,
        token: &str,
        trust: Option<Trust>,
    ) -> Outcome<Endpoint> {
        // The ids of the run were drawn without a way to fail. Where the system has no randomness they are predictable, and two runs
        // would get each other's results: no relay may be called then.
        self.surroundings.random_bits()?;
        Ok(Endpoint {
            url: url
                .parse()
                .map_err(|error: ops_client::InvalidEndpoint| Failure::usage(error.to_string()))?,
            trust,
            token: token
                .trim()
                .parse::<Token>()
                .map_err(|error| Failure::new(ErrorCode::CliStateInvalid, error.to_string()))?,
            pairing: pairing::stored(self, url)?,
            client_id: self.home.client_id(&self.surroundings)?,
            client_kind: self.kind,
            client_version: BINARY_VERSION.to_owned(),
            routing: self.routing.clone(),
            request_ids: self.correlation.request_ids().clone(),
        })
    }
}
