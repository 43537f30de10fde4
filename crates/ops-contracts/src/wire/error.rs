//! The registry of error codes: one table from which the enum, the HTTP status, retryability, blame and the
//! documentation are derived. Nobody branches on a message's text.
//!
//! A code is fixed for ever once released: rows are added, never renamed or removed.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The layer that raised an error. The first layer that refuses owns the code; no later layer rewrites it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ErrorSource {
    /// The command line or another client, before anything was sent.
    Cli,
    /// The relay's edge, before the runtime saw the request.
    Relay,
    /// The runtime: contract, leases, sessions, elements.
    Ops,
    /// The browser or the protocol adapter in front of it.
    Adapter,
}

impl ErrorSource {
    /// The source's name, which is also the prefix of its codes.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Cli => "cli",
            Self::Relay => "relay",
            Self::Ops => "ops",
            Self::Adapter => "adapter",
        }
    }
}

/// Whose doing an error is. Only `Adapter` counts towards the circuit breaker; `Adapter` and `Relay` count as errors in the scorecard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Blame {
    /// The request is wrong or comes from the wrong party.
    Caller,
    /// The page is not as the request expects it, or the web server is at fault.
    Page,
    /// The browser or the adapter failed.
    Adapter,
    /// The control plane itself failed.
    Relay,
    /// An operator's policy or limit refuses.
    Operator,
}

macro_rules! error_codes {
    ($($name:ident $text:literal $http:literal $retry:ident $blame:ident $meaning:literal => $remedy:literal;)+) => {
        /// A stable error code.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum ErrorCode {
            $(#[doc = $meaning] $name,)+
        }

        impl ErrorCode {
            /// Every code, in the order of the registry.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// The code's registry row.
            #[must_use]
            pub const fn row(self) -> ErrorRow {
                match self {
                    $(Self::$name => ErrorRow {
                        code: Self::$name,
                        text: $text,
                        http: $http,
                        retryable: error_codes!(@retry $retry),
                        blame: Blame::$blame,
                        meaning: $meaning,
                        remedy: $remedy,
                    },)+
                }
            }
        }

        impl FromStr for ErrorCode {
            type Err = UnknownErrorCode;
            fn from_str(text: &str) -> Result<Self, UnknownErrorCode> {
                match text {
                    $($text => Ok(Self::$name),)+
                    _ => Err(UnknownErrorCode(text.to_owned())),
                }
            }
        }
    };
    (@retry retry) => { true };
    (@retry final) => { false };
}

/// One row of the registry.
#[derive(Debug, Clone, Copy)]
pub struct ErrorRow {
    /// The code.
    pub code: ErrorCode,
    /// Its text on the wire; the prefix is its source.
    pub text: &'static str,
    /// The HTTP status of an answer that carries it.
    pub http: u16,
    /// Whether the same request may succeed later.
    pub retryable: bool,
    /// Whose doing it is.
    pub blame: Blame,
    /// What it means.
    pub meaning: &'static str,
    /// What to do next.
    pub remedy: &'static str,
}

/// A text that is no code of this contract version.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not an error code of this contract version")]
pub struct UnknownErrorCode(pub String);

// Columns: variant, text, HTTP status, retry, blame, meaning => what to do next.
error_codes! {
    CliUsageInvalid "cli_usage_invalid" 400 final Caller "The command line is not understood" => "Run the command with --help";
    CliFlagUnsupported "cli_flag_unsupported" 400 final Caller "A flag is not supported by this version" => "Remove the flag or upgrade";
    CliDaemonUnavailable "cli_daemon_unavailable" 503 retry Relay "No relay answers" => "Start one with odb-cli serve, or let odb-cli start it";
    CliRelayUntrusted "cli_relay_untrusted" 502 final Caller "The relay's certificate is not one that this client trusts, or there is no TLS" => "Check the address; --ca-file names the authority of a certificate of your own";
    CliSessionMissing "cli_session_missing" 400 final Caller "No session is stored under this name" => "Open one with odb-cli open URL";
    CliStateInvalid "cli_state_invalid" 400 final Caller "A file of the state directory is damaged, foreign or has a wrong mode" => "Look at the named file, or remove it";
    CliFileUnreadable "cli_file_unreadable" 400 final Caller "An input file can't be read" => "Check the path and its permissions";
    CliFileUnwritable "cli_file_unwritable" 400 final Caller "An output file can't be written" => "Check the path and its permissions";
    CliReplyInvalid "cli_reply_invalid" 502 final Relay "The relay's answer is not of this contract" => "Upgrade the older side";
    CliReplyLost "cli_reply_lost" 502 final Relay "The connection ended before the answer came; the command may have run" => "Ask again with the same request id: a result is kept for five minutes";
    CliConfigInvalid "cli_config_invalid" 400 final Caller "The configuration document can't be used" => "Correct the keys that details names; odb-cli config validate checks the document";
    CliJournalDamaged "cli_journal_damaged" 500 final Caller "The health journal has lines that can't be read" => "See details for the segments; a relay passes over them, and what is whole is used";
    CliJournalNewer "cli_journal_newer" 409 final Caller "The health journal is of a newer format" => "Use the newer version: this one reads it and changes nothing";
    CliStopFailed "cli_stop_failed" 500 retry Relay "The relay could not be stopped" => "See relayd.log, or end the process that the message names";
    CliVersionInvalid "cli_version_invalid" 400 final Caller "A version is not SemVer" => "Give major.minor.patch";
    CliVersionUnsupported "cli_version_unsupported" 426 final Caller "This client is too old or too new for the relay" => "Bring both into the compatibility window";
    CliRolloutAllowlistInvalid "cli_rollout_allowlist_invalid" 400 final Caller "An allow list entry is not namespace:value" => "Correct the entry";
    CliVerbUnavailableOnLegacy "cli_verb_unavailable_on_legacy" 409 final Caller "The session is a legacy /cdp session, which knows cdp send, proxy and close alone" => "Use odb-cli cdp, or open an /ops session";

    RelayHostDenied "relay_host_denied" 403 final Caller "The Host header names no address that this relay answers for" => "Use the relay's own address, or add the name to the allowed hosts";
    RelayOriginDenied "relay_origin_denied" 403 final Caller "The request comes from a web page" => "Call from a program, not from a page; extensions go into the allow list";
    RelayAuthRequired "relay_auth_required" 401 final Caller "No relay token was presented" => "Send Authorization: Bearer with the token of the relay's token file";
    RelayAuthInvalid "relay_auth_invalid" 401 final Caller "The relay token is wrong" => "Read the token file again: it changes with the relay's home";
    RelayTlsRequired "relay_tls_required" 400 final Caller "The relay speaks TLS, and the request came without it" => "Call https:// or wss:// instead";
    RelayPairingRequired "relay_pairing_required" 401 final Caller "Pairing is on and no pairing token was presented" => "Pair with odb-cli pair and send x-odb-pairing-token";
    RelayPairingInvalid "relay_pairing_invalid" 401 final Caller "The pairing token is wrong" => "Pair again";
    RelayRawCdpDisabled "relay_raw_cdp_disabled" 403 final Operator "The /cdp lane is closed by configuration" => "Set allowRawCDP in the relay's config";
    RelayNonlocalCdpDisabled "relay_nonlocal_cdp_disabled" 403 final Operator "The /cdp lane is closed to peers beyond loopback" => "Set allowNonLocalCdp in the relay's config";
    RelayPayloadTooLarge "relay_payload_too_large" 413 final Caller "A message is larger than the limits profile allows" => "Send less; details name the limit and the profile";
    RelayRateLimited "relay_rate_limited" 429 retry Operator "Too many requests" => "Wait retryAfterMs";
    RelayBatchTooLarge "relay_batch_too_large" 413 final Caller "A batch has more commands than the limits profile ever lets through at once" => "Send it in parts of at most the named limit";
    RelayTimeoutCapExceeded "relay_timeout_cap_exceeded" 400 final Caller "timeoutMs is above the cap of the limits profile" => "Ask for at most the named cap and repeat the wait";
    RelayOpsRouteDisabled "relay_ops_route_disabled" 409 final Operator "Routing sends new sessions to the legacy lane" => "See details for the decision and its reason";
    RelayOpsDraining "relay_ops_draining" 503 retry Operator "The relay takes no new commands: active sessions are being drained" => "Wait until the drain has ended";
    RelayOpsTerminated "relay_ops_terminated" 503 final Operator "The session was terminated by the operator or by the relay's end" => "Create a new session when the relay serves again";
    RelayLegacyRouteUnavailable "relay_legacy_route_unavailable" 503 final Operator "The legacy lane was selected and can't be used" => "Open its gates, or route to /ops";
    RelayLegacyCdpOptInRequired "relay_legacy_cdp_opt_in_required" 409 final Operator "Only /cdp could serve this, and nobody opted in" => "Opt in to legacy routing explicitly";
    RelayLegacyWindowExceeded "relay_legacy_window_exceeded" 426 final Caller "A component is outside N and N-1" => "Upgrade or downgrade the component";
    RelayOpsVersionInvalid "relay_ops_version_invalid" 400 final Caller "The contract version is missing or not SemVer" => "Send contractVersion, or the x-ops-contract-version header";
    RelayOpsVersionUnsupported "relay_ops_version_unsupported" 426 final Caller "The contract version is not supported" => "Bring both sides into the supported range";
    RelayVersionInvalid "relay_version_invalid" 400 final Caller "A component's version is missing or not SemVer" => "Send major.minor.patch";
    RelayPrereleaseUnsupported "relay_prerelease_unsupported" 426 final Caller "A component is a prerelease" => "Use stable versions, or opt in to prerelease interoperability";
    RelayCapabilityMismatch "relay_capability_mismatch" 409 final Caller "A required capability is not offered" => "Ask for fewer capabilities or another browser";
    RelayRolloutIdentityMissing "relay_rollout_identity_missing" 400 final Caller "Routing is auto and the caller has no identity" => "Send a clientId";
    RelayCdpNotOwner "relay_cdp_not_owner" 403 final Caller "The legacy lease is missing or someone else's" => "Open a legacy session of your own";
    RelayCdpLeaseExpired "relay_cdp_lease_expired" 403 final Caller "The legacy lease has expired" => "Make a new legacy handshake";
    RelayCdpMethodDenied "relay_cdp_method_denied" 403 final Operator "The protocol method reaches outside the session" => "Use the /ops command for it";
    RelayCdpCommandTimeout "relay_cdp_command_timeout" 504 retry Page "The browser did not answer a protocol command within the lane's time" => "Send shorter commands; details name the time and the limits profile";
    RelayFrameInvalid "relay_frame_invalid" 400 final Caller "A frame or body is not the JSON that the contract describes" => "Correct the field that the message names";
    RelayFrameTypeUnknown "relay_frame_type_unknown" 400 final Caller "A frame's type is unknown" => "Use a type of this contract version";
    RelayHelloRequired "relay_hello_required" 400 final Caller "The first frame of a connection must be ops_hello" => "Send ops_hello first";
    RelayContentTypeUnsupported "relay_content_type_unsupported" 415 final Caller "The body is not application/json" => "Send Content-Type: application/json";
    RelayNotFound "relay_not_found" 404 final Caller "No such endpoint" => "Use /ops, /status, /metrics or /healthz";
    RelayMethodNotAllowed "relay_method_not_allowed" 405 final Caller "The endpoint does not know this method" => "Use the method that the Allow header names";
    RelayResponseTooLarge "relay_response_too_large" 413 final Caller "The response is above the total cap" => "Ask for less: a smaller page, clip or budget";
    RelayConnectionLimit "relay_connection_limit" 503 retry Operator "Too many connections" => "Close idle connections and try again";
    RelayConnectTimeout "relay_connect_timeout" 408 final Caller "The peer was too slow to send its request" => "Send the whole request at once";
    RelayAdminDisabled "relay_admin_disabled" 403 final Operator "No admin token is configured, so admin calls are closed" => "Start the relay with DASHBOARD_ADMIN_TOKEN";
    RelayAdminInvalid "relay_admin_invalid" 401 final Caller "The admin token is missing or wrong" => "Send the admin token";
    RelayHomeBusy "relay_home_busy" 409 final Operator "Another relay serves this home" => "Use that relay, or end it with odb-cli stop";
    RelayStartFailed "relay_start_failed" 500 final Operator "The relay can't start" => "The message says what failed";
    RelayConfigInvalid "relay_config_invalid" 400 final Operator "The relay's configuration document can't be used" => "Correct the keys that details names; odb-cli config validate checks the document";
    RelayHealthInvalid "relay_health_invalid" 400 final Caller "A health envelope is not of its form, or claims what its emitter may not" => "Correct the field that details names";
    RelayEventClosed "relay_event_closed" 403 final Operator "This relay takes no events from outside" => "Set OPENCODE_EVENT_SIGNING_KEY where the relay starts, and sign with it";
    RelayEventUnsigned "relay_event_unsigned" 401 final Caller "The event has no provenance, and the signing mode asks for one" => "Sign the event, and send its provenance beside it";
    RelayEventSignatureInvalid "relay_event_signature_invalid" 401 final Caller "The event's signature is wrong" => "Sign the canonical JSON of event and provenance with the relay's key; the message says what is wrong";
    RelayEventReplayed "relay_event_replayed" 409 final Caller "The event was sent before, or was signed at another time" => "Use a new nonce and the time of now for each event";
    RelayIncidentUnknown "relay_incident_unknown" 404 final Caller "No such incident" => "See odb-cli incident list";
    RelayStoreFailed "relay_store_failed" 507 retry Operator "The relay can't write to its artifacts" => "Make room on the disk, or mend the directory that the message names";
    RelayHealthLimit "relay_health_limit" 429 retry Operator "Too many sessions outside the relay report their health" => "Wait retryAfterMs: silent sessions are forgotten";
    RelayPolicyDenied "relay_policy_denied" 403 final Operator "A rule of the relay's policy refuses the command" => "See details for the rule; ask the operator";
    RelayPolicyUnreadable "relay_policy_unreadable" 503 final Operator "The relay's command policy can't be read, so nothing is allowed" => "Mend the file that --policy names, then odb-cli config reload";
    RelayConfirmationDenied "relay_confirmation_denied" 403 final Operator "The command had to be confirmed, and was not approved" => "Ask who denied it";
    RelayConfirmationTimeout "relay_confirmation_timeout" 504 retry Operator "The command has to be confirmed, and nobody has decided yet" => "Send the same command again: it goes on waiting for the same decision";
    RelayConfirmationForbidden "relay_confirmation_forbidden" 403 final Caller "Another credential than the requester's has to decide" => "Decide with the admin token, or from another pairing";
    RelayConfirmationUnknown "relay_confirmation_unknown" 404 final Caller "No such confirmation is open" => "See odb-cli confirm list";
    RelayConfirmationLimit "relay_confirmation_limit" 429 retry Operator "As many commands wait for a confirmation as may" => "Wait until some are decided";
    RelayInternal "relay_internal" 500 final Relay "The relay failed" => "See the relay's log under this request id";

    OpsCommandUnknown "ops_command_unknown" 404 final Caller "No such command" => "See the list of commands";
    OpsInvalidRequest "ops_invalid_request" 400 final Caller "The parameters are not what the command takes" => "Correct the field that the message names";
    OpsSessionRequired "ops_session_required" 400 final Caller "The command needs sessionId and leaseId" => "Create a session and send both";
    OpsSessionUnknown "ops_session_unknown" 404 final Caller "No such session" => "Create a session";
    OpsSessionClosed "ops_session_closed" 409 final Caller "The session is closed" => "Create a session";
    OpsSessionLost "ops_session_lost" 503 retry Adapter "The session lost its browser; its pages and refs are gone" => "Send the next command: it starts a new browser";
    OpsSessionLimit "ops_session_limit" 429 retry Operator "Too many sessions" => "Close sessions that are not needed";
    OpsProfileInUse "ops_profile_in_use" 409 retry Caller "Another session uses the profile" => "Close that session, or use another profile";
    OpsNotOwner "ops_not_owner" 403 final Caller "The lease is not the session's current one" => "Use the lease that create or reclaim returned";
    OpsLeaseExpired "ops_lease_expired" 403 final Caller "The lease has expired and what the session owned is closed" => "Create a session";
    OpsRequestIdReused "ops_request_id_reused" 409 final Caller "The request id was used for another command" => "Use a new request id";
    OpsCancelled "ops_cancelled" 499 final Caller "The request was cancelled" => "Nothing: this is what was asked for";
    OpsTimeout "ops_timeout" 504 retry Page "The deadline passed" => "See details for what was waited for";
    OpsBackpressure "ops_backpressure" 429 retry Caller "The session's queue is full" => "Wait for answers, then send more";
    OpsCircuitOpen "ops_circuit_open" 503 retry Adapter "The session's circuit is open after repeated adapter faults" => "Wait retryAfterMs";
    OpsDialogOpen "ops_dialog_open" 409 retry Page "A dialog blocks the page" => "Answer it with dialog.accept or dialog.dismiss";
    OpsDialogMissing "ops_dialog_missing" 409 final Caller "No dialog is open" => "Nothing to answer";
    OpsNotSupported "ops_not_supported" 501 final Caller "The session's browser can't do this" => "See the capability matrix";
    OpsNewLegacySessionRequired "ops_new_legacy_session_required" 409 final Caller "Only a new /cdp session could serve this" => "Open a legacy session";
    OpsTargetUnknown "ops_target_unknown" 404 final Caller "The session has no such target" => "See targets.list";
    OpsTargetClosed "ops_target_closed" 410 final Page "The target closed while the command ran" => "See targets.list";
    OpsFrameUnknown "ops_frame_unknown" 404 final Caller "The target has no such frame" => "Take a new snapshot";
    OpsUrlInvalid "ops_url_invalid" 400 final Caller "The URL is no absolute URL" => "Give scheme, host and path";
    OpsUrlForbidden "ops_url_forbidden" 403 final Operator "The URL's scheme or host is not allowed" => "Use http or https; other schemes are allowed by the relay's setting browser.allowSchemes and by allowSchemes of the session";
    OpsNavDnsFailed "ops_nav_dns_failed" 502 retry Page "The host name can't be resolved" => "Check the host name";
    OpsNavConnectionFailed "ops_nav_connection_failed" 502 retry Page "The server can't be reached or broke the connection off" => "Check that the server runs and listens there";
    OpsNavCertificateInvalid "ops_nav_certificate_invalid" 502 final Page "The server's certificate is not valid" => "Mend the certificate";
    OpsNavAborted "ops_nav_aborted" 409 final Page "The navigation ended without a document: a download, a 204, or another navigation" => "See details";
    OpsNavFailed "ops_nav_failed" 502 retry Page "The navigation failed" => "See details for the browser's reason";
    OpsNavInterrupted "ops_nav_interrupted" 409 retry Page "The document went away while the command ran" => "Take a new snapshot and try again";
    OpsHistoryEdge "ops_history_edge" 409 final Page "There is no further entry in the history" => "Navigate with nav.goto";
    OpsSelectorInvalid "ops_selector_invalid" 400 final Caller "The selector can't be parsed" => "Correct the selector";
    OpsRefStale "ops_ref_stale" 410 final Page "The ref's element or document is gone" => "Take a new snapshot and use its refs";
    OpsElementNotFound "ops_element_not_found" 404 retry Page "No element matches" => "Take a snapshot to see what is there";
    OpsElementAmbiguous "ops_element_ambiguous" 409 final Caller "More than one element matches" => "Use a ref of the candidates, a narrower locator, or nth";
    OpsElementNotVisible "ops_element_not_visible" 409 retry Page "The element is not visible" => "Make it visible first";
    OpsElementDisabled "ops_element_disabled" 409 retry Page "The element is disabled" => "Do what enables it first";
    OpsElementNotEditable "ops_element_not_editable" 409 retry Page "The element can't be edited" => "Choose an editable element";
    OpsElementCovered "ops_element_covered" 409 retry Page "Another element would receive the event" => "Deal with the element that details names";
    OpsInputMisdirected "ops_input_misdirected" 409 final Page "The input was sent, and did not arrive in the element's document: another frame may have taken it" => "Look at the page before acting again: the action may have happened elsewhere";
    OpsFocusMoved "ops_focus_moved" 409 final Page "The page moved the focus: what was to be entered did not arrive whole in the element, and nothing of it elsewhere" => "See details for what arrived; read the element before entering anything again. Without an element, keys follow the focus";
    OpsElementUnstable "ops_element_unstable" 409 retry Page "The element does not stop moving" => "Wait until the animation ends";
    OpsElementOutside "ops_element_outside" 409 retry Page "The element can't be brought into the viewport" => "Scroll, or enlarge the viewport";
    OpsElementWrongType "ops_element_wrong_type" 409 final Caller "The element is of another kind than the command needs" => "Choose another element or command";
    OpsOptionNotFound "ops_option_not_found" 404 final Caller "The select has no such option" => "See details for its options";
    OpsValueRejected "ops_value_rejected" 409 final Page "The element did not take the value" => "See details for what it holds now";
    OpsKeyUnknown "ops_key_unknown" 400 final Caller "No such key" => "Use a key name of UI Events, such as Enter or Control+a";
    OpsBodyUnavailable "ops_body_unavailable" 410 final Page "The browser does not have the bytes any more" => "Read bodies and files before the page navigates or the session ends";
    OpsRequestUnknown "ops_request_unknown" 404 final Caller "The session's log has no such request" => "See diagnostics.network";
    OpsDownloadUnknown "ops_download_unknown" 404 final Caller "The session has no such download" => "See downloads.list";
    OpsDownloadRunning "ops_download_running" 409 retry Page "The download is not complete" => "Wait for it with downloads.wait";
    OpsDownloadFailed "ops_download_failed" 409 final Page "The download failed or was cancelled" => "See details for the reason; begin it again";
    OpsChooserMissing "ops_chooser_missing" 409 final Page "No file chooser is open" => "Click what opens it, or name the input";
    OpsRouteUnknown "ops_route_unknown" 404 final Caller "The session has no such rule" => "See details for the rules that are in force";
    OpsRouteLimit "ops_route_limit" 409 final Caller "The session has as many rules as it may" => "Remove rules with network.unroute";
    OpsDropRefused "ops_drop_refused" 409 final Page "The page did not take what was dropped" => "Drop it on an element that takes it; details name what was under the pointer";
    OpsScriptFailed "ops_script_failed" 422 final Caller "The script threw or can't be parsed" => "See details for the exception";
    OpsTraceRunning "ops_trace_running" 409 final Caller "The session records a trace already" => "Stop it first";
    OpsTraceMissing "ops_trace_missing" 409 final Caller "The session has no trace" => "Start one; a browser that is lost takes its trace along";
    OpsResultTooLarge "ops_result_too_large" 413 final Caller "The result is above its cap" => "Ask for less";
    OpsSnapshotTooLarge "ops_snapshot_too_large" 413 final Page "The page has more nodes than a snapshot takes" => "Use outline mode or a region";
    OpsStorageUnavailable "ops_storage_unavailable" 409 final Page "The document has no web storage: its origin is opaque, or the browser blocks it" => "Navigate to a page of the site first";
    OpsCookieRejected "ops_cookie_rejected" 409 final Caller "The browser did not take a cookie" => "See details for which one and why";
    OpsEmulationRefused "ops_emulation_refused" 409 final Page "The page does not see what was emulated" => "See details for what it sees; navigate again if the page was loaded before";
    OpsBlobUnknown "ops_blob_unknown" 404 final Caller "The session holds no blob under this id" => "Put it again: blobs are kept for ten minutes";
    OpsBlobLimit "ops_blob_limit" 413 final Caller "The session holds as many blobs as it may" => "Use those that are there, or wait until they expire";
    OpsObserverReadOnly "ops_observer_read_only" 403 final Caller "The lease is an observer's: it may read the session and not act on it" => "Use the lease of the session's holder";
    OpsBudgetExhausted "ops_budget_exhausted" 403 final Caller "The session has used up a budget that it was made with" => "See details for which; create a session for further work";
    OpsDomainDenied "ops_domain_denied" 403 final Operator "A rule of the session or of the relay refuses the host" => "See details for host and rule; a new session can have other lists, within those of the relay";
    OpsInternal "ops_internal" 500 final Relay "The runtime failed" => "See the relay's log under this request id";

    AdapterBrowserMissing "adapter_browser_missing" 503 final Operator "No browser was found" => "Install Chromium or name an executable; the message says how";
    AdapterLaunchFailed "adapter_launch_failed" 503 retry Adapter "The browser did not start" => "See details for its last words";
    AdapterArgumentForbidden "adapter_argument_forbidden" 400 final Operator "A browser argument would open a debugging port or undo a safeguard" => "Remove the argument";
    AdapterSandboxUnavailable "adapter_sandbox_unavailable" 503 final Operator "The browser can't set up its sandbox" => "Run as a normal user, or set browser.sandbox to off";
    AdapterBrowserLost "adapter_browser_lost" 503 retry Adapter "The browser ended" => "Send the next command: it starts a new browser";
    AdapterTargetCrashed "adapter_target_crashed" 503 retry Page "The page's renderer crashed" => "Reload the page or navigate";
    AdapterAttachFailed "adapter_attach_failed" 503 retry Adapter "A target can't be attached" => "Try again";
    AdapterProtocolError "adapter_protocol_error" 502 final Adapter "The browser refused a protocol call" => "See details; this is a fault of ours or of the browser";
    AdapterTimeout "adapter_timeout" 504 retry Adapter "The browser does not answer" => "Try again, or make a new session: it gets another browser when this one stays silent";
}

impl ErrorCode {
    /// The code's text on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        self.row().text
    }

    /// The layer that owns the code, which is its prefix.
    #[must_use]
    pub fn source(self) -> ErrorSource {
        match self.as_str().split('_').next() {
            Some("cli") => ErrorSource::Cli,
            Some("relay") => ErrorSource::Relay,
            Some("adapter") => ErrorSource::Adapter,
            _ => ErrorSource::Ops,
        }
    }

    /// Whether the same request may succeed later.
    #[must_use]
    pub const fn retryable(self) -> bool {
        self.row().retryable
    }

    /// The HTTP status of an answer that carries the code.
    #[must_use]
    pub const fn http(self) -> u16 {
        self.row().http
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for ErrorCode {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for ErrorCode {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for ErrorCode {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "ErrorCode".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let codes: Vec<&str> = Self::ALL.iter().map(|code| code.as_str()).collect();
        schemars::json_schema!({ "type": "string", "enum": codes, "description": "A stable error code; its prefix is its source." })
    }
}

/// The thirteen codes of the predecessor and what stands for each here.
pub const PREDECESSOR_CODES: &[(&str, ErrorCode)] = &[
    ("ops_unavailable", ErrorCode::CliDaemonUnavailable),
    ("invalid_request", ErrorCode::OpsInvalidRequest),
    ("invalid_session", ErrorCode::OpsSessionUnknown),
    ("not_owner", ErrorCode::OpsNotOwner),
    ("restricted_url", ErrorCode::OpsUrlForbidden),
    ("timeout", ErrorCode::OpsTimeout),
    ("not_supported", ErrorCode::OpsNotSupported),
    ("snapshot_too_large", ErrorCode::OpsSnapshotTooLarge),
    ("execution_failed", ErrorCode::OpsScriptFailed),
    ("parallelism_backpressure", ErrorCode::OpsBackpressure),
    ("cdp_attach_failed", ErrorCode::AdapterAttachFailed),
    ("cdp_session_lost", ErrorCode::OpsSessionLost),
    ("cdp_attach_blocked", ErrorCode::AdapterAttachFailed),
];

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_code_round_trips_and_has_its_sources_prefix() {
        let mut seen = HashSet::new();
        for &code in ErrorCode::ALL {
            let row = code.row();
            assert_eq!(row.text.parse(), Ok(code));
            assert!(
                row.text
                    .starts_with(&format!("{}_", code.source().as_str())),
                "{code}"
            );
            assert!(seen.insert(row.text), "{code} twice");
            assert!((400..=599).contains(&row.http), "{code}");
            assert!(!row.meaning.is_empty() && !row.remedy.is_empty(), "{code}");
        }
        assert_eq!(PREDECESSOR_CODES.len(), 13);
    }
}
