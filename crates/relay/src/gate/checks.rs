//! The checks behind the gates' table.

use ops_contracts::wire::blob::MAX_BLOB_BYTES;
use ops_contracts::wire::frame::ClientKind;
use ops_contracts::wire::http::header;
use ops_contracts::{ErrorCode, Fault, Outcome};

use super::{Endpoint, Facts, Field, Policy};
use crate::dashboard;

/// A DNS name that a page rebinds to loopback arrives under its own name: only names that are ours pass.
pub(super) fn host(facts: &Facts<'_>, policy: &Policy) -> Outcome<()> {
    if facts.host == Field::Absent && facts.authority.is_none() {
        return Err(Fault::new(
            ErrorCode::RelayHostDenied,
            "the Host header is missing",
        ));
    }
    let named = match facts.host {
        Field::One(host) => Some(host),
        Field::Absent => None,
        Field::Invalid => {
            return Err(Fault::new(
                ErrorCode::RelayHostDenied,
                "there is more than one Host header, or it is no text",
            ));
        }
    };
    match named
        .into_iter()
        .chain(facts.authority)
        .find(|host| !policy.hosts.contains(&host.to_ascii_lowercase()))
    {
        Some(foreign) => {
            let shown = shown(foreign);
            Err(Fault::new(
                ErrorCode::RelayHostDenied,
                format!("this relay does not answer for the host {shown:?}"),
            )
            .with("host", shown))
        }
        None => Ok(()),
    }
}

/// Browsers name the origin of a page's request, and programs have none: no page passes, whatever it claims.
pub(super) fn origin(facts: &Facts<'_>, policy: &Policy) -> Outcome<()> {
    if let Endpoint::Dashboard(_) = facts.endpoint {
        return own_origin(facts, policy);
    }
    match facts.origin {
        Field::Absent if !facts.fetch_metadata => Ok(()),
        Field::Absent => Err(denied(
            "a browser sent the request: it has Sec-Fetch-Site and no Origin",
        )),
        Field::Invalid => Err(denied(
            "there is more than one Origin header, or it is no text",
        )),
        Field::One("null") => {
            Err(denied("the origin null is never admitted").with("origin", "null"))
        }
        Field::One(origin) => match origin.strip_prefix("chrome-extension://") {
            Some(id) if policy.extensions.iter().any(|allowed| allowed == id) => Ok(()),
            Some(id) => {
                let id = shown(id);
                Err(
                    denied(format!("the extension {id:?} is not in the allow list"))
                        .with("extensionId", id),
                )
            }
            None => {
                let origin = shown(origin);
                Err(denied(format!(
                    "the web origin {origin:?} is not admitted: programs send no Origin"
                ))
                .with("origin", origin))
            }
        },
    }
}

/// The dashboard is for pages of this relay, and for nothing else.
fn own_origin(facts: &Facts<'_>, policy: &Policy) -> Outcome<()> {
    if !facts.fetch_own {
        return Err(denied("another site's page sent the request"));
    }
    let own = |origin: &str| {
        let host = origin
            .strip_prefix(policy.scheme)
            .and_then(|rest| rest.strip_prefix("://"))
            .map(str::to_ascii_lowercase);
        host.is_some_and(|host| policy.hosts.contains(&host))
    };
    match facts.origin {
        Field::Absent if facts.changes => {
            Err(denied("a change needs the Origin of this relay's own page"))
        }
        Field::Absent => Ok(()),
        Field::One(origin) if own(origin) => Ok(()),
        Field::One(origin) => Err(denied(
            "the dashboard is opened by this relay's own pages alone",
        )
        .with("origin", shown(origin))),
        Field::Invalid => Err(denied(
            "there is more than one Origin header, or it is no text",
        )),
    }
}

fn denied(message: impl Into<String>) -> Fault {
    Fault::new(ErrorCode::RelayOriginDenied, message)
}

pub(super) fn auth(facts: &Facts<'_>, policy: &Policy) -> Outcome<()> {
    if facts.endpoint.is_open() {
        return Ok(());
    }
    if let Endpoint::Dashboard(_) = facts.endpoint {
        return dashboard::admits(&policy.logins, facts.login.0, facts.login.1);
    }
    match facts.token {
        Field::Absent => Err(Fault::plain(ErrorCode::RelayAuthRequired)),
        Field::One(token) if policy.token.matches(token.as_bytes()) => Ok(()),
        Field::One(_) | Field::Invalid => Err(Fault::plain(ErrorCode::RelayAuthInvalid)),
    }
}

/// Where clients must pair, the relay token alone opens nothing but `/pair`; where they need not, no pairing token is looked at.
pub(super) fn pairing(facts: &Facts<'_>, policy: &Policy) -> Outcome<()> {
    // A login to the dashboard stands for the paired client that got its code.
    if !policy.pairing.required
        || matches!(
            facts.endpoint,
            Endpoint::Healthz | Endpoint::Pair | Endpoint::Dashboard(_)
        )
    {
        return Ok(());
    }
    match facts.pairing {
        Field::Absent => Err(Fault::plain(ErrorCode::RelayPairingRequired)),
        Field::One(token) if policy.pairing.store.find(token.as_bytes()).is_some() => Ok(()),
        Field::One(_) | Field::Invalid => Err(Fault::plain(ErrorCode::RelayPairingInvalid)),
    }
}

/// Routing binds the making of sessions; those that are there go on.
pub(super) fn route(facts: &Facts<'_>, policy: &Policy) -> Outcome<()> {
    facts
        .opening
        .map_or(Ok(()), |asker| policy.routing.admit_session(asker))
}

/// Whether the admin token was presented. On admin endpoints nothing else opens; elsewhere a wrong one is refused as well,
/// for who presents one counts on it.
pub(super) fn admin(facts: &Facts<'_>, policy: &Policy) -> Outcome<bool> {
    if facts.endpoint.is_open()
        || (facts.admin_token == Field::Absent && !facts.endpoint.is_admin())
    {
        return Ok(false);
    }
    let token = policy
        .admin_token
        .as_ref()
        .ok_or_else(|| Fault::plain(ErrorCode::RelayAdminDisabled))?;
    match facts.admin_token {
        Field::One(presented) if token.matches(presented.as_bytes()) => Ok(true),
        _ => Err(Fault::plain(ErrorCode::RelayAdminInvalid)),
    }
}

pub(super) fn version(facts: &Facts<'_>, policy: &Policy) -> Outcome<()> {
    let Some(versions) = facts.versions else {
        return Ok(());
    };
    let missing = |message: &str| Fault::new(ErrorCode::RelayOpsVersionInvalid, message);
    match versions.contract {
        Field::One(_) => {}
        Field::Absent => {
            return Err(missing(
                "the contract version is missing: send x-ops-contract-version",
            ));
        }
        Field::Invalid => {
            return Err(missing(
                "there is more than one x-ops-contract-version header, or it is no text",
            ));
        }
    }
    versions.kind.ok_or_else(unknown_kind)?;
    versions
        .peer()
        .map_or(Ok(()), |peer| policy.routing.admit_version(peer))
}

pub(super) fn unknown_kind() -> Fault {
    let kinds = [ClientKind::Cli, ClientKind::Extension, ClientKind::Other];
    Fault::new(
        ErrorCode::RelayFrameInvalid,
        "x-ops-client-kind is not cli, extension or other",
    )
    .with("field", header::CLIENT_KIND)
    .with("expected", kinds)
}

pub(super) fn payload(facts: &Facts<'_>, policy: &Policy) -> Outcome<()> {
    let legacy = facts.endpoint.is_legacy();
    let cap = if legacy {
        policy.limits.cdp
    } else {
        policy.limits.ops
    }
    .max_payload_bytes;
    match (facts.payload, facts.endpoint) {
        (Some(bytes), Endpoint::Blobs) if bytes > MAX_BLOB_BYTES => {
            Err(blob_too_large(Some(bytes)))
        }
        (_, Endpoint::Blobs) => Ok(()),
        (Some(bytes), _) if bytes > cap && legacy => Err(too_large_for_legacy(Some(bytes), policy)),
        (Some(bytes), _) if bytes > cap => Err(too_large(Some(bytes), policy)),
        _ => Ok(()),
    }
}

/// The refusal of a blob above the cap; `bytes` where its size is known.
pub(crate) fn blob_too_large(bytes: Option<u64>) -> Fault {
    let message = format!("a blob may have at most {MAX_BLOB_BYTES} bytes");
    let fault = Fault::new(ErrorCode::RelayPayloadTooLarge, message)
        .with("limitBytes", MAX_BLOB_BYTES)
        .with("gate", "payload");
    match bytes {
        Some(bytes) => fault.with("bytes", bytes),
        None => fault,
    }
}

/// The refusal of a message above the cap of `/ops`; `bytes` where its size is known.
pub(crate) fn too_large(bytes: Option<u64>, policy: &Policy) -> Fault {
    above_cap(bytes, policy.limits.ops.max_payload_bytes, policy)
}

/// The refusal of a message above the cap of `/cdp`.
pub(crate) fn too_large_for_legacy(bytes: Option<u64>, policy: &Policy) -> Fault {
    above_cap(bytes, policy.limits.cdp.max_payload_bytes, policy)
}

fn above_cap(bytes: Option<u64>, cap: u64, policy: &Policy) -> Fault {
    let profile = &policy.limits.name;
    let fault = Fault::new(
        ErrorCode::RelayPayloadTooLarge,
        format!("a message may have at most {cap} bytes in the limits profile {profile}"),
    )
    .with("limitBytes", cap)
    .with("profile", profile)
    .with("gate", "payload");
    match bytes {
        Some(bytes) => fault.with("bytes", bytes),
        None => fault,
    }
}

pub(super) fn rate(facts: &Facts<'_>, policy: &Policy) -> Outcome<()> {
    match &facts.charge {
        Some(charge) => policy
            .rates
            .charge(charge)
            .map_err(|fault| fault.with("profile", &policy.limits.name)),
        None => Ok(()),
    }
}

/// As much of a peer's text as an error repeats.
fn shown(text: &str) -> String {
    text.chars().take(128).collect()
}
