//! The checks behind the gates' table; those of the legacy lane alone are next door.

use std::sync::atomic::Ordering;

use ops_contracts::control::telemetry::RouteLabel;
use ops_contracts::wire::blob::MAX_BLOB_BYTES;
use ops_contracts::wire::frame::ClientKind;
use ops_contracts::wire::http::header;
use ops_contracts::{ErrorCode, Fault, Outcome};

use super::{Admission, Facts, Field, Findings, Opening, View};
use crate::dashboard;
use crate::endpoint::{Class, Kind};
use crate::rate::{Bucket, Charge, Payer};

/// A DNS name that a page rebinds to loopback arrives under its own name: only names that are ours pass.
pub(super) fn host(view: &View<'_>, _: &mut Findings) -> Outcome<()> {
    let facts = view.facts;
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
        .find(|host| !view.admission.hosts.contains(&host.to_ascii_lowercase()))
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
pub(super) fn origin(view: &View<'_>, _: &mut Findings) -> Outcome<()> {
    let (facts, admission) = (view.facts, view.admission);
    if facts.target.class.is_dashboard() {
        return own_origin(facts, admission);
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
            Some(id) if admission.extensions.iter().any(|allowed| allowed == id) => Ok(()),
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
fn own_origin(facts: &Facts<'_>, admission: &Admission) -> Outcome<()> {
    if !facts.fetch_own {
        return Err(denied("another site's page sent the request"));
    }
    let own = |origin: &str| {
        let host = origin
            .strip_prefix(admission.scheme)
            .and_then(|rest| rest.strip_prefix("://"))
            .map(str::to_ascii_lowercase);
        host.is_some_and(|host| admission.hosts.contains(&host))
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

pub(super) fn auth(view: &View<'_>, _: &mut Findings) -> Outcome<()> {
    let (facts, admission) = (view.facts, view.admission);
    match facts.target.class {
        Class::Open | Class::Page => return Ok(()),
        Class::Login | Class::AdminLogin => {
            return dashboard::admits(&admission.logins, facts.login.0, facts.login.1);
        }
        Class::Token | Class::Client | Class::Admin => {}
    }
    match facts.token {
        Field::Absent => Err(Fault::plain(ErrorCode::RelayAuthRequired)),
        Field::One(token) if admission.token.matches(token.as_bytes()) => Ok(()),
        Field::One(_) | Field::Invalid => Err(Fault::plain(ErrorCode::RelayAuthInvalid)),
    }
}

/// Where clients must pair, the relay token alone opens nothing but `/pair`; where they need not, no pairing token is looked at.
/// A login to the dashboard stands for the paired client that got its code.
pub(super) fn pairing(view: &View<'_>, _: &mut Findings) -> Outcome<()> {
    let pairing = &view.admission.pairing;
    if !pairing.required || !matches!(view.facts.target.class, Class::Client | Class::Admin) {
        return Ok(());
    }
    match view.facts.pairing {
        Field::Absent => Err(Fault::plain(ErrorCode::RelayPairingRequired)),
        Field::One(token) if pairing.store.find(token.as_bytes()).is_some() => Ok(()),
        Field::One(_) | Field::Invalid => Err(Fault::plain(ErrorCode::RelayPairingInvalid)),
    }
}

/// On admin endpoints nothing but the admin token opens; elsewhere a wrong one is refused as well, for who presents one counts on it.
pub(super) fn admin(view: &View<'_>, _: &mut Findings) -> Outcome<()> {
    let (presented, class) = (view.facts.admin_token, view.facts.target.class);
    if class.is_open() || (presented == Field::Absent && !class.is_admin()) {
        return Ok(());
    }
    let token = view.admission.admin_token.as_ref();
    let token = token.ok_or_else(|| Fault::plain(ErrorCode::RelayAdminDisabled))?;
    match presented {
        Field::One(presented) if token.matches(presented.as_bytes()) => Ok(()),
        _ => Err(Fault::plain(ErrorCode::RelayAdminInvalid)),
    }
}

pub(super) fn version(view: &View<'_>, _: &mut Findings) -> Outcome<()> {
    let Some(versions) = view.facts.versions else {
        return Ok(());
    };
    let missing = |message: &str| Err(Fault::new(ErrorCode::RelayOpsVersionInvalid, message));
    match versions.contract {
        Field::One(_) => {}
        Field::Absent => {
            return missing("the contract version is missing: send x-ops-contract-version");
        }
        Field::Invalid => {
            return missing(
                "there is more than one x-ops-contract-version header, or it is no text",
            );
        }
    }
    versions.kind.ok_or_else(unknown_kind)?;
    versions
        .peer()
        .map_or(Ok(()), |peer| view.admission.routing.admit_version(peer))
}

/// Routing binds the making of sessions; those that are there go on.
pub(super) fn route(view: &View<'_>, _: &mut Findings) -> Outcome<()> {
    match view.facts.opening {
        Some(Opening::Ops(asker)) => view.admission.routing.admit_session(asker),
        _ => Ok(()),
    }
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

/// The size, as the head announces it or as it is.
pub(super) fn payload(view: &View<'_>, _: &mut Findings) -> Outcome<()> {
    let target = view.facts.target;
    let Some(bytes) = view.facts.payload else {
        return Ok(());
    };
    if target.kind == Kind::Blob {
        return if bytes > MAX_BLOB_BYTES {
            Err(blob_too_large(Some(bytes)))
        } else {
            Ok(())
        };
    }
    if bytes > view.admission.limits_of(target.lane).max_payload_bytes {
        return Err(too_large(Some(bytes), target.lane, view.admission));
    }
    Ok(())
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

/// The refusal of a message above the cap of its lane; `bytes` where its size is known.
pub(crate) fn too_large(bytes: Option<u64>, lane: RouteLabel, admission: &Admission) -> Fault {
    let cap = admission.limits_of(lane).max_payload_bytes;
    let profile = &admission.limits.name;
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

/// Takes the charge from its payer's bucket. A command on a session of `/cdp` is paid by the session, once its lease is proven.
pub(super) fn rate(view: &View<'_>, findings: &mut Findings) -> Outcome<()> {
    let Some(charge) = view.facts.charge else {
        return Ok(());
    };
    let proven = findings.session.as_ref();
    let payer = match proven {
        Some(session) if charge.bucket == Bucket::Commands => Payer::Session(session.id()),
        _ => charge.payer,
    };
    pay(view, &Charge { payer, ..charge })
}

/// Takes a charge as it is.
pub(super) fn pay(view: &View<'_>, charge: &Charge<'_>) -> Outcome<()> {
    let lane = view.facts.target.lane;
    let paid = view.admission.rates_of(lane).charge(charge);
    paid.map_err(|fault| fault.with("profile", &view.admission.limits.name))
}

/// Nothing new is begun while the relay ends.
pub(super) fn draining(view: &View<'_>, _: &mut Findings) -> Outcome<()> {
    // Set before running commands are waited for: whoever sees it unset is waited for.
    if view.admission.draining.load(Ordering::Acquire) {
        return Err(ErrorCode::RelayOpsDraining.into());
    }
    Ok(())
}

pub(super) fn policy(view: &View<'_>, findings: &mut Findings) -> Outcome<()> {
    if let Some(request) = view.facts.request {
        findings.confirm = view.admission.access.judge(view.permit()?, request)?;
    }
    Ok(())
}

/// Settles how long a command may take.
pub(super) fn deadline(view: &View<'_>, findings: &mut Findings) -> Outcome<()> {
    let Some(time) = view.facts.time else {
        return Ok(());
    };
    let cap = view
        .admission
        .limits_of(view.facts.target.lane)
        .max_timeout_ms;
    if let Some(asked) = time.asked.filter(|asked| *asked > cap) {
        let profile = &view.admission.limits.name;
        let message = format!(
            "timeoutMs is {asked} and may be at most {cap} in the limits profile {profile}"
        );
        return Err(Fault::new(ErrorCode::RelayTimeoutCapExceeded, message)
            .with("timeoutMs", asked)
            .with("capMs", cap)
            .with("profile", profile));
    }
    findings.timeout_ms = time.asked.or(time.default).unwrap_or(cap).min(cap);
    Ok(())
}

/// As much of a peer's text as an error repeats.
fn shown(text: &str) -> String {
    text.chars().take(128).collect()
}
