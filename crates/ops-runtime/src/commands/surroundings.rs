//! The options of `session.create` about what pages see: applied to the session before anybody has it, by the commands that
//! do the same later, so that each is checked on the page itself.

use ops_contracts::seam::adapter::Emulation;
use ops_contracts::wire::capability::CapabilitySet;
use ops_contracts::wire::command::emulation::{
    GeolocationParams, LocaleParams, MediaParams, TimezoneParams, UserAgentParams,
};
use ops_contracts::wire::command::network::CredentialsParams;
use ops_contracts::wire::command::session::{CreateParams, Proxy};
use ops_contracts::wire::command::storage::{StateImportParams, StorageState};
use ops_contracts::wire::ids::BlobId;
use ops_contracts::{ErrorCode, Fault, Outcome};

use super::{emulation, network, storage};
use crate::blobs::Bytes;
use crate::cx::Cx;

/// Refuses an option that the adapter can't serve, before anything is started.
///
/// # Errors
/// `ops_not_supported`, naming the field and the capability.
pub(crate) fn offered(params: &CreateParams, capabilities: &CapabilitySet) -> Outcome<()> {
    match params
        .needs()
        .into_iter()
        .find(|(_, need)| !capabilities.has(*need))
    {
        Some((field, need)) => {
            let browser = params.browser;
            let message = format!(
                "session.create: {field} needs {}, which {} does not offer here",
                need.as_str(),
                browser.as_str()
            );
            let fault = Fault::new(ErrorCode::OpsNotSupported, message);
            Err(fault
                .with("field", field)
                .with("capability", need)
                .with("browser", browser))
        }
        None => Ok(()),
    }
}

/// The proxy that a session confined to domains reaches what it may reach by.
///
/// # Errors
/// `ops_invalid_request` for a proxy that confinement can't ask.
pub(crate) fn upstream(proxy: &Proxy) -> Outcome<String> {
    let refused = |field: &str, expected: &str| {
        let fault = Fault::new(
            ErrorCode::OpsInvalidRequest,
            format!("session.create: {field}: {expected}"),
        );
        Err(fault
            .with("command", "session.create")
            .with("field", field)
            .with("expected", expected))
    };
    let Some(address) = proxy.server.strip_prefix("http://") else {
        return refused(
            "proxy.server",
            "the scheme http where domain rules are in force",
        );
    };
    if !proxy.bypass.is_empty() {
        return refused(
            "proxy.bypass",
            "nothing where domain rules are in force: no host gets past them",
        );
    }
    if proxy.username.is_some() {
        return refused("proxy.username", "nothing where domain rules are in force");
    }
    Ok(format!("http://{address}"))
}

/// What a new session is to be like, with what it refers to.
pub(crate) struct Wanted {
    params: CreateParams,
    state: Option<StorageState>,
}

impl Wanted {
    /// What is wanted; `None` where nothing is.
    ///
    /// # Errors
    /// `ops_blob_unknown`, or `ops_invalid_request` where the blob holds no state.
    pub(crate) fn new(
        params: &CreateParams,
        blob: impl Fn(&BlobId) -> Outcome<Bytes>,
    ) -> Outcome<Option<Self>> {
        if params.needs().is_empty() {
            return Ok(None);
        }
        let state = match params
            .storage_state
            .as_ref()
            .map(|to_load| (&to_load.state, &to_load.blob_id))
        {
            Some((Some(state), _)) => Some(state.clone()),
            Some((None, Some(id))) => Some(storage::state::parsed(&blob(id)?).map_err(of_create)?),
            _ => None,
        };
        Ok(Some(Self {
            params: params.clone(),
            state,
        }))
    }

    /// Makes the session so.
    ///
    /// # Errors
    /// What the command for the option is refused with, about `session.create`.
    pub(crate) async fn apply(self, cx: &Cx) -> Outcome<()> {
        self.emulate(cx).await.map_err(of_create)?;
        if let Some(proxy) = self.params.proxy.filter(|proxy| proxy.username.is_some()) {
            let (username, password) = (proxy.username, proxy.password);
            let credentials = CredentialsParams {
                username,
                password,
                origin: None,
                proxy: true,
            };
            network::credentials(cx, credentials)
                .await
                .map_err(of_create)?;
        }
        if let Some(state) = self.state {
            let import = StateImportParams {
                state: Some(state),
                blob_id: None,
                replace: false,
            };
            storage::state::import(cx, import)
                .await
                .map_err(of_create)?;
        }
        Ok(())
    }

    async fn emulate(&self, cx: &Cx) -> Outcome<()> {
        let params = &self.params;
        if params.ignore_certificate_errors {
            emulation::set(cx, Emulation::CertificateErrors(true)).await?;
        }
        if let Some(device) = &params.device {
            emulation::device(cx, device.clone()).await?;
        }
        if params.user_agent.is_some() {
            let agent = UserAgentParams {
                user_agent: params.user_agent.clone(),
                ..UserAgentParams::default()
            };
            emulation::user_agent(cx, agent).await?;
        }
        if params.locale.is_some() {
            emulation::locale(
                cx,
                LocaleParams {
                    locale: params.locale.clone(),
                    reset: false,
                },
            )
            .await?;
        }
        if params.timezone.is_some() {
            emulation::timezone(
                cx,
                TimezoneParams {
                    timezone: params.timezone.clone(),
                    reset: false,
                },
            )
            .await?;
        }
        if params.color_scheme.is_some() {
            emulation::media(
                cx,
                MediaParams {
                    color_scheme: params.color_scheme,
                    ..MediaParams::default()
                },
            )
            .await?;
        }
        if params.geolocation.is_some() {
            emulation::geolocation(
                cx,
                GeolocationParams {
                    position: params.geolocation,
                    reset: false,
                },
            )
            .await?;
        }
        if let Some(granted) = params.granted() {
            emulation::permissions(cx, granted).await?;
        }
        Ok(())
    }
}

/// The same fault, told as one of `session.create`.
fn of_create(mut fault: Fault) -> Fault {
    let told = |name: &str| {
        fault
            .details
            .get(name)
            .and_then(|value| value.as_str())
            .map(str::to_owned)
    };
    if fault.code == ErrorCode::OpsInvalidRequest
        && let (Some(field), Some(expected)) = (told("field"), told("expected"))
    {
        fault.message = format!("session.create: {field}: {expected}");
    }
    fault.with("command", "session.create")
}
