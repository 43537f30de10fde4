//! Parameters and results of `session.*`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::common::at_most;
use super::emulation::{ColorScheme, DeviceParams, Geolocation, Permission};
use super::{InvalidField, Params, Viewport};
use crate::wire::capability::{AdapterKind, BrowserKind, Capability};
use crate::wire::clock::Timestamp;
use crate::wire::domains::{DomainRule, DomainRules, RefusedHost};
use crate::wire::ids::{ClientId, LeaseId, SessionId, TargetId};
use crate::wire::receipt::DialogInfo;
use crate::wire::words::words;

words! {
    /// A scheme whose URLs sessions may be allowed beyond http, https and about:blank. A browser's own pages (`chrome:`, `about:`) are
    /// none: they act on the browser, which other sessions share.
    UrlScheme "URL scheme" "file, data, blob" {
        File "file" "Files that the relay's user can read.";
        Data "data" "Documents within their URL.";
        Blob "blob" "Documents that a page has made.";
    }
}

mod surroundings;

pub use surroundings::{Proxy, StateToLoad};

/// Where a session's browser comes from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum SessionMode {
    /// Launched and owned by the relay.
    #[default]
    Managed,
}

impl SessionMode {
    /// The mode's name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Managed => "managed",
        }
    }
}

/// What a session shares with others.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Isolation {
    /// A context and a window of its own in a shared browser process.
    #[default]
    Context,
    /// A browser process of its own.
    Process,
}

/// What happens to a dialog that opens.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum DialogPolicy {
    /// It waits for `dialog.accept` or `dialog.dismiss`.
    #[default]
    Ask,
    /// It is accepted at once.
    Accept,
    /// It is dismissed at once.
    Dismiss,
}

/// Parameters of `session.create`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CreateParams {
    /// Where the browser comes from.
    #[serde(default)]
    pub mode: SessionMode,
    /// The browser family.
    #[serde(default)]
    pub browser: BrowserKind,
    /// The adapter that drives the browser, where more than one can; the relay's preference when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub adapter: Option<AdapterKind>,
    /// What is shared with other sessions. A profile implies `process`.
    #[serde(default)]
    pub isolation: Isolation,
    /// With a window on the display of the relay's host.
    #[serde(default)]
    pub headed: bool,
    /// Size of the viewport; 1280×720 when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub viewport: Option<Viewport>,
    /// Name of a profile that outlives the session: 1 to 64 characters of a-z 0-9 _ -.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
    /// What happens to dialogs.
    #[serde(default)]
    pub dialog_policy: DialogPolicy,
    /// URL schemes allowed beyond http, https and about:blank: `file`, `data`, `blob`, where the relay's setting `browser.allowSchemes`
    /// has them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub allow_schemes: Vec<String>,
    /// The lease's time to live in milliseconds, 1,000 to 86,400,000; 15 minutes when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lease_ttl_ms: Option<u64>,
    /// The device that its pages see, out of the table of presets; not beside `viewport`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<DeviceParams>,
    /// The locale that its pages see: a BCP 47 tag, as `de-DE`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub locale: Option<String>,
    /// The timezone that its pages see: an IANA name, as `Europe/Berlin`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timezone: Option<String>,
    /// The user agent that pages and servers see; goes before the device's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_agent: Option<String>,
    /// The colour scheme that the user prefers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub color_scheme: Option<ColorScheme>,
    /// Where the device is; pages learn it with the permission `geolocation`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub geolocation: Option<Geolocation>,
    /// What its pages are allowed without a question, of every origin.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub permissions: Vec<Permission>,
    /// What logs the user in, as `storage.state.export` gave it.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "surroundings::object"
    )]
    pub storage_state: Option<StateToLoad>,
    /// The proxy that all its traffic goes through. Sessions with different proxies share no browser.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proxy: Option<Proxy>,
    /// Takes certificates that can't be trusted, as those of test servers. Never for sites whose answers matter.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub ignore_certificate_errors: bool,
    /// Capabilities without which the session is of no use to the caller.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub require: Vec<Capability>,
    /// Hosts that the session may reach: all that are not denied when empty. Rules: `example.com` that host, `*.example.com` what
    /// is below it, `*` all, an IP address; `:PORT` narrows a rule. They hold for navigations, redirects, frames, workers,
    /// popups and WebSockets alike, within the lists of the relay's own configuration.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub allow_domains: Vec<DomainRule>,
    /// Hosts that the session may not reach, whatever `allowDomains` says.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub deny_domains: Vec<DomainRule>,
    /// What the session may use up in its life; without bounds when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub budget: Option<Budget>,
    /// Marks page text in every answer and event of the session, as `boundary` of a request does for one.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub boundary: bool,
}

/// What a session may use up. A command beyond it is `ops_budget_exhausted`; `session.*` and `dialog.*` are always free.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Budget {
    /// Commands, those of batches one by one; at least 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_commands: Option<u64>,
    /// Pages at a time, the first one included; at least 1. A popup beyond it is closed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_targets: Option<u32>,
    /// Bytes of results, as JSON; at least 1. The result that passes the limit is still given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_result_bytes: Option<u64>,
    /// Milliseconds since the session was made, however it is renewed; at least 1,000.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_duration_ms: Option<u64>,
}

impl Budget {
    fn validate(&self) -> Result<(), InvalidField> {
        let least = |field: &str, value: Option<u64>, least: u64| match value {
            Some(value) if value < least => Err(InvalidField::new(
                format!("budget.{field}"),
                format!("at least {least}"),
            )),
            _ => Ok(()),
        };
        least("maxCommands", self.max_commands, 1)?;
        least("maxTargets", self.max_targets.map(u64::from), 1)?;
        least("maxResultBytes", self.max_result_bytes, 1)?;
        least("maxDurationMs", self.max_duration_ms, 1_000)
    }
}

/// A session's budget and its use; each part where it is bounded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct BudgetStatus {
    /// Commands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commands: Option<BudgetUse>,
    /// Pages that are open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub targets: Option<BudgetUse>,
    /// Bytes of results.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result_bytes: Option<BudgetUse>,
    /// Milliseconds since the session was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration_ms: Option<BudgetUse>,
}

/// One bound and how much of it is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BudgetUse {
    /// The bound.
    pub limit: u64,
    /// What is used of it.
    pub used: u64,
}

impl CreateParams {
    /// The session's own rules about hosts.
    #[must_use]
    pub fn domains(&self) -> DomainRules {
        DomainRules {
            allow: self.allow_domains.clone(),
            deny: self.deny_domains.clone(),
        }
    }
}

impl Params for CreateParams {
    fn validate(&self) -> Result<(), InvalidField> {
        if let Some(viewport) = &self.viewport {
            viewport.validate("viewport")?;
        }
        self.validate_surroundings()?;
        if let Some(ttl) = self.lease_ttl_ms {
            if ttl < 1_000 {
                return Err(InvalidField::new("leaseTtlMs", "at least 1000"));
            }
            at_most("leaseTtlMs", ttl, 86_400_000)?;
        }
        let named = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || c == '-';
        if self
            .profile
            .as_ref()
            .is_some_and(|p| p.is_empty() || p.len() > 64 || !p.chars().all(named))
        {
            return Err(InvalidField::new(
                "profile",
                "1 to 64 characters of a-z 0-9 _ -",
            ));
        }
        self.budget.as_ref().map_or(Ok(()), Budget::validate)?;
        self.domains().validate("allowDomains", "denyDomains")?;
        // A browser's own pages act on the whole browser, which other sessions share: nobody can allow them.
        let unknown = |scheme: &String| scheme.parse::<UrlScheme>().is_err();
        match self.allow_schemes.iter().position(unknown) {
            Some(at) => Err(InvalidField::new(
                format!("allowSchemes[{at}]"),
                format!("one of {}", UrlScheme::EXPECTED),
            )),
            None => Ok(()),
        }
    }
}

/// The browser that a session runs in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct BrowserIdentity {
    /// The family.
    pub kind: BrowserKind,
    /// Product name.
    pub product: String,
    /// Product version.
    pub version: String,
}

/// Result of `session.create`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CreateResult {
    /// The session.
    pub session_id: SessionId,
    /// The capability to act on it. Keep it secret.
    pub lease_id: LeaseId,
    /// When the lease ends unless it is used or renewed.
    pub lease_expires_at: Timestamp,
    /// The browser.
    pub browser: BrowserIdentity,
    /// The first page.
    pub target_id: TargetId,
    /// Size of its viewport.
    pub viewport: Viewport,
    /// What the session can do.
    pub capabilities: Vec<Capability>,
}

impl CreateResult {
    /// What its caller may act on from now on.
    #[must_use]
    pub fn grant(&self) -> Grant {
        Grant {
            session_id: self.session_id.clone(),
            lease_id: self.lease_id.clone(),
        }
    }
}

/// A session and the lease to act on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// The session.
    pub session_id: SessionId,
    /// Its lease. Keep it secret.
    pub lease_id: LeaseId,
}

/// A session's state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum SessionState {
    /// It serves.
    Active,
    /// Its browser is gone; the next command starts a new one.
    Lost,
    /// It is being closed.
    Closing,
}

/// A session as others may see it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SessionInfo {
    /// The session.
    pub session_id: SessionId,
    /// Its state.
    pub state: SessionState,
    /// Its browser family.
    pub browser: BrowserKind,
    /// The client that made it.
    pub client_id: ClientId,
    /// When it was made.
    pub created_at: Timestamp,
    /// When its lease ends unless it is used or renewed.
    pub lease_expires_at: Timestamp,
    /// Number of its pages.
    pub targets: u32,
}

/// Result of `session.list`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ListResult {
    /// The sessions, oldest first.
    pub sessions: Vec<SessionInfo>,
}

/// Result of `session.status`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct StatusResult {
    /// What others may see as well.
    pub session: SessionInfo,
    /// Grows by one with every browser that the session had to be given anew.
    pub session_epoch: u64,
    /// The page that commands without `targetId` act on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub current_target: Option<TargetId>,
    /// Commands that wait in the page queue.
    pub queued: u32,
    /// Name of the page command that runs now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub running: Option<String>,
    /// The open dialog.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dialog: Option<DialogInfo>,
    /// What the session is confined to, where it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub domains: Option<DomainsStatus>,
    /// What the session may use up and has used, where it is bounded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub budget: Option<BudgetStatus>,
    /// Observers whose leases are valid.
    #[serde(default)]
    pub observers: u32,
    /// What the session's adapter lacks and another one did in its stead, on the same pages.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fallbacks: Vec<FallbackUse>,
}

/// An operation that was done by another adapter than the session's own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct FallbackUse {
    /// The operation.
    pub operation: String,
    /// How often, in the present browser.
    pub times: u64,
}

/// What a session is confined to, and what that has refused.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DomainsStatus {
    /// The lists in force, the relay's own first; a host must pass each of them.
    pub rules: Vec<DomainRules>,
    /// What was refused, the latest first; at most 256 hosts.
    pub refused: Vec<RefusedHost>,
}

/// Parameters of `session.observe`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ObserveParams {
    /// How long the observer may read, in milliseconds, 1,000 to 86,400,000; 15 minutes when absent. Reading does not extend it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ttl_ms: Option<u64>,
}

impl Params for ObserveParams {
    fn validate(&self) -> Result<(), InvalidField> {
        match self.ttl_ms {
            Some(ttl) if ttl < 1_000 => Err(InvalidField::new("ttlMs", "at least 1000")),
            Some(ttl) => at_most("ttlMs", ttl, 86_400_000),
            None => Ok(()),
        }
    }
}

/// Result of `session.observe`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ObserveResult {
    /// The session.
    pub session_id: SessionId,
    /// A lease that may read the session and not act on it; sent as `leaseId`. It ends with the session, with `session.reclaim`, and
    /// at its time.
    pub observer_lease_id: LeaseId,
    /// When it ends.
    pub expires_at: Timestamp,
    /// Observers whose leases are valid, this one included.
    pub observers: u32,
}

/// Result of `session.renew`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RenewResult {
    /// When the lease ends now.
    pub lease_expires_at: Timestamp,
}

/// Result of `session.reclaim`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReclaimResult {
    /// The session.
    pub session_id: SessionId,
    /// The new lease; the old one is refused from now on.
    pub lease_id: LeaseId,
    /// When it ends unless it is used or renewed.
    pub lease_expires_at: Timestamp,
    /// Commands of the old holder that were dropped from the queue.
    pub dropped: u32,
}

impl ReclaimResult {
    /// What its caller may act on from now on.
    #[must_use]
    pub fn grant(&self) -> Grant {
        Grant {
            session_id: self.session_id.clone(),
            lease_id: self.lease_id.clone(),
        }
    }
}

/// Result of `session.close`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CloseResult {
    /// Pages that were closed with it.
    pub targets_closed: u32,
}
