//! `network.*` and `diagnostics.network`: the log of requests, waiting for one, and what is said about those to come.

use std::sync::Arc;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use ops_contracts::seam::adapter::{Effect, Headers, NetworkConditions, Primitive};
use ops_contracts::wire::capability::Capability;
use ops_contracts::wire::command::network::{
    Body, CredentialsParams, CredentialsResult, DEFAULT_BODY_READ, Fulfil, HeadersParams,
    HeadersResult, LogParams, LogResult, MAX_ROUTES, OfflineParams, OfflineResult, RequestEntry,
    RequestFilter, RequestMoment, RouteInfo, RouteParams, RouteResult, UnrouteParams,
    UnrouteResult, WaitParams, WaitResult,
};
use ops_contracts::{ErrorCode, Fault, Outcome};
use tokio::time::Instant;

use crate::cx::{Cx, unexpected};
use crate::pattern;
use crate::world::network::{Record, hide_body};
use crate::world::routes::{Action, Credential, Routes, Rule};

pub(crate) async fn log(cx: &Cx, params: LogParams) -> Outcome<LogResult> {
    if let Some(seq) = params.seq {
        return one(cx, &params, seq).await;
    }
    let state = cx.world.lock();
    let (records, lost) = state.network.since(params.since_seq);
    let mut entries = Vec::new();
    let mut next_seq = state.network.next_seq();
    for record in records {
        if entries.len() == params.limit as usize {
            next_seq = record.seq;
            break;
        }
        let wanted = params
            .target_id
            .as_ref()
            .is_none_or(|id| *id == record.target_id)
            && params.state.is_none_or(|wanted| wanted == record.state)
            && fits(&params.filter, record);
        if wanted {
            entries.push(told(cx, record, params.headers, params.secrets));
        }
    }
    let in_flight = state.network.in_flight();
    Ok(LogResult {
        entries,
        next_seq,
        lost,
        in_flight,
        request_body: None,
        response_body: None,
    })
}

/// An entry; one without an answer whose host the session may not reach says so. Of a frame's document the browser may tell
/// nothing more once its host is refused.
fn told(cx: &Cx, record: &Record, headers: bool, secrets: bool) -> RequestEntry {
    let mut entry = record.entry(headers, secrets);
    if entry.status.is_none() {
        entry.refused = cx.session.plan.refusal_of_url(&record.url);
    }
    entry
}

/// One entry, with its bodies where they are asked for.
async fn one(cx: &Cx, params: &LogParams, seq: u64) -> Outcome<LogResult> {
    let (record, next_seq, in_flight) = {
        let state = cx.world.lock();
        let record = state.network.get(seq).cloned();
        (record, state.network.next_seq(), state.network.in_flight())
    };
    let record = record.ok_or_else(|| {
        Fault::new(
            ErrorCode::OpsRequestUnknown,
            format!("the session's log has no request {seq}"),
        )
        .with("nextSeq", next_seq)
    })?;
    let (mut request_body, mut response_body) = (None, None);
    if params.body {
        cx.needs(Capability::NetworkBodies)?;
        request_body = record.details.body.as_ref().map(|text| {
            let text = if params.secrets {
                text.clone()
            } else {
                hide_body(text)
            };
            Body {
                bytes: text.len() as u64,
                text: Some(text),
                base64: None,
                truncated: false,
            }
        });
        // A redirect's body is never read by the browser; what has not been answered has none.
        if record.redirected_to.is_none() && record.status.is_some() {
            cx.waiting_for("the response's body");
            let primitive = Primitive::ResponseBody {
                target: record.target,
                request: record.key,
            };
            let Effect::Bytes { bytes, .. } = cx.perform(primitive).await? else {
                return Err(unexpected());
            };
            response_body = Some(body(
                bytes,
                params.max_body_bytes.unwrap_or(DEFAULT_BODY_READ),
            ));
        }
    }
    let entries = vec![told(
        cx,
        &record,
        params.headers || params.body,
        params.secrets,
    )];
    Ok(LogResult {
        entries,
        next_seq,
        lost: 0,
        in_flight,
        request_body,
        response_body,
    })
}

/// Bytes as text where they are text, cut at `most`.
fn body(bytes: Vec<u8>, most: u64) -> Body {
    let whole = bytes.len() as u64;
    let kept = usize::try_from(whole.min(most)).unwrap_or(usize::MAX);
    let (text, base64) = match String::from_utf8(bytes) {
        Ok(mut text) if !text.contains('\0') => {
            let end = (0..=kept)
                .rev()
                .find(|at| text.is_char_boundary(*at))
                .unwrap_or(0);
            text.truncate(end);
            (Some(text), None)
        }
        Ok(text) => (None, Some(BASE64_STANDARD.encode(&text.as_bytes()[..kept]))),
        Err(error) => (
            None,
            Some(BASE64_STANDARD.encode(&error.as_bytes()[..kept])),
        ),
    };
    Body {
        text,
        base64,
        bytes: whole,
        truncated: whole > most,
    }
}

/// Whether a request is one of those that are meant.
pub(crate) fn fits(filter: &RequestFilter, record: &Record) -> bool {
    filter
        .method
        .as_ref()
        .is_none_or(|method| method.eq_ignore_ascii_case(&record.method))
        && (filter.kinds.is_empty() || filter.kinds.contains(&record.kind))
        && filter.status.as_ref().is_none_or(|wanted| {
            record
                .status
                .is_some_and(|status| status_fits(wanted, status))
        })
        && filter
            .url
            .as_ref()
            .is_none_or(|url| pattern::matches(url, &record.url))
}

fn status_fits(wanted: &str, status: u16) -> bool {
    let status = status.to_string();
    if wanted[1..].eq_ignore_ascii_case("xx") {
        status.starts_with(&wanted[..1])
    } else {
        status == wanted
    }
}

pub(crate) async fn wait(cx: &Cx, params: WaitParams) -> Outcome<WaitResult> {
    cx.waiting_for("a request that fits");
    let begun = Instant::now();
    let mark = cx.mark;
    let moment = |record: &Record| match params.event {
        RequestMoment::Request => Some(record.sent_seq),
        RequestMoment::Response => record.answered_seq,
        RequestMoment::Finished => record.ended_seq,
    };
    let since = params.since_seq;
    let counts = |record: &Record| match since {
        Some(_) => moment(record).is_some(),
        None => moment(record).is_some_and(|at| at > mark),
    };
    let target = params.target_id.as_ref();
    let found = cx
        .world
        .until(|state| {
            if let Some(reason) = &state.lost {
                return Some(Err(Fault::new(
                    ErrorCode::OpsSessionLost,
                    format!("the session lost its browser: {reason}"),
                )));
            }
            let mut records = state.network.since(since.unwrap_or(0)).0;
            let fitting = |record: &&Record| {
                counts(record)
                    && target.is_none_or(|id| *id == record.target_id)
                    && fits(&params.filter, record)
            };
            records
                .find(fitting)
                .map(|record| Ok(record.entry(params.headers, false)))
        })
        .await?;
    let waited_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
    Ok(WaitResult {
        request: found,
        waited_ms,
    })
}

pub(crate) async fn route(cx: &Cx, params: RouteParams) -> Outcome<RouteResult> {
    let action = match (params.fulfil, params.abort, params.modify) {
        (Some(fulfil), ..) => answer(cx, fulfil)?,
        (_, Some(reason), _) => Action::Abort(reason),
        (_, _, Some(modify)) => Action::Modify(Box::new(modify)),
        _ => {
            return Err(Fault::new(
                ErrorCode::OpsInvalidRequest,
                "exactly one of fulfil, abort and modify",
            ));
        }
    };
    let route = {
        let mut state = cx.world.lock();
        if state.routes.rules.len() >= MAX_ROUTES {
            return Err(Fault::plain(ErrorCode::OpsRouteLimit).with("limit", MAX_ROUTES));
        }
        let route = state.routes.next();
        let info = RouteInfo {
            route,
            url: params.url,
            method: params.method.map(|method| method.to_ascii_uppercase()),
            action: action.kind(),
            hits: 0,
            times_left: params.times,
        };
        state.routes.rules.push(Rule {
            info,
            kinds: params.kinds,
            action,
        });
        route
    };
    apply(cx, |routes| {
        routes.rules.retain(|rule| rule.info.route != route)
    })
    .await?;
    Ok(RouteResult {
        route,
        routes: cx.world.lock().routes.infos(),
    })
}

fn answer(cx: &Cx, fulfil: Fulfil) -> Outcome<Action> {
    let wrong = |field: &str, why: String| {
        Fault::new(ErrorCode::OpsInvalidRequest, format!("{field}: {why}")).with("field", field)
    };
    let body = match (fulfil.body, fulfil.body_base64, fulfil.blob) {
        (Some(text), ..) => Arc::new(text.into_bytes()),
        (_, Some(text), _) => Arc::new(
            BASE64_STANDARD
                .decode(text)
                .map_err(|error| wrong("fulfil.bodyBase64", error.to_string()))?,
        ),
        (_, _, Some(blob)) => cx.session.blob(&blob)?,
        _ => Arc::default(),
    };
    let mut headers: Headers = fulfil
        .headers
        .into_iter()
        .map(|header| (header.name, header.value))
        .collect();
    let typed = headers
        .iter()
        .any(|(name, _)| name.eq_ignore_ascii_case("content-type"));
    match fulfil.content_type {
        Some(content_type) => {
            headers.retain(|(name, _)| !name.eq_ignore_ascii_case("content-type"));
            headers.push(("content-type".to_owned(), content_type));
        }
        None if !typed && !body.is_empty() => {
            headers.push(("content-type".to_owned(), guessed(&body).to_owned()))
        }
        None => {}
    }
    Ok(Action::Fulfil {
        status: fulfil.status,
        headers,
        body,
    })
}

fn guessed(body: &[u8]) -> &'static str {
    match body.trim_ascii_start().first() {
        Some(b'{' | b'[') => "application/json",
        Some(b'<') => "text/html; charset=utf-8",
        _ if std::str::from_utf8(body).is_ok() => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

/// Makes what the session has said hold; takes it back where the browser can't.
async fn apply(cx: &Cx, undo: impl FnOnce(&mut Routes)) -> Outcome<()> {
    cx.waiting_for("the browser to take the rules");
    let policy = cx.world.lock().routes.policy();
    match cx.perform(Primitive::SetNetworkPolicy { policy }).await {
        Ok(_) => Ok(()),
        Err(error) => {
            undo(&mut cx.world.lock().routes);
            Err(error.into())
        }
    }
}

pub(crate) async fn unroute(cx: &Cx, params: UnrouteParams) -> Outcome<UnrouteResult> {
    let removed = {
        let mut state = cx.world.lock();
        let meant = |info: &RouteInfo| match (params.route, &params.url) {
            (Some(route), _) => info.route == route,
            (None, Some(url)) => info.url == *url,
            (None, None) => true,
        };
        let (removed, kept): (Vec<_>, Vec<_>) = std::mem::take(&mut state.routes.rules)
            .into_iter()
            .partition(|rule| meant(&rule.info));
        state.routes.rules = kept;
        removed
    };
    if removed.is_empty() && (params.route.is_some() || params.url.is_some()) {
        return Err(
            Fault::plain(ErrorCode::OpsRouteUnknown).with("routes", cx.world.lock().routes.infos())
        );
    }
    apply(cx, |_| {}).await?;
    let removed = removed.into_iter().map(|rule| rule.info).collect();
    Ok(UnrouteResult {
        removed,
        routes: cx.world.lock().routes.infos(),
    })
}

pub(crate) async fn set_headers(cx: &Cx, params: HeadersParams) -> Outcome<HeadersResult> {
    let headers: Headers = params
        .headers
        .into_iter()
        .map(|header| (header.name, header.value))
        .collect();
    let names = headers.iter().map(|(name, _)| name.clone()).collect();
    let before = std::mem::replace(&mut cx.world.lock().routes.headers, headers);
    apply(cx, |routes| routes.headers = before).await?;
    Ok(HeadersResult { names })
}

pub(crate) async fn offline(cx: &Cx, params: OfflineParams) -> Outcome<OfflineResult> {
    let slowed = params.latency_ms.is_some()
        || params.download_bytes_per_second.is_some()
        || params.upload_bytes_per_second.is_some();
    if slowed {
        cx.needs(Capability::NetworkSpeed)?;
    }
    let conditions = (params.offline || slowed).then_some(NetworkConditions {
        offline: params.offline,
        latency_ms: params.latency_ms.unwrap_or(0.0),
        download: params.download_bytes_per_second,
        upload: params.upload_bytes_per_second,
    });
    let before = std::mem::replace(&mut cx.world.lock().routes.conditions, conditions);
    apply(cx, |routes| routes.conditions = before).await?;
    Ok(OfflineResult {
        offline: params.offline,
        slowed,
    })
}

pub(crate) async fn credentials(cx: &Cx, params: CredentialsParams) -> Outcome<CredentialsResult> {
    let before = cx.world.lock().routes.credentials.clone();
    let origins = {
        let mut state = cx.world.lock();
        let held = &mut state.routes.credentials;
        let same = |credential: &Credential| {
            credential.proxy == params.proxy && credential.origin == params.origin
        };
        let everything = params.username.is_none() && params.origin.is_none() && !params.proxy;
        held.retain(|credential| !everything && !same(credential));
        if let (Some(username), Some(password)) = (params.username, params.password) {
            held.push(Credential {
                origin: params.origin,
                proxy: params.proxy,
                username: username.into_text(),
                password: password.into_text(),
            });
        }
        let name = |credential: &Credential| match (&credential.origin, credential.proxy) {
            (_, true) => "proxy".to_owned(),
            (Some(origin), _) => origin.clone(),
            (None, _) => "*".to_owned(),
        };
        held.iter().map(name).collect()
    };
    apply(cx, |routes| routes.credentials = before).await?;
    Ok(CredentialsResult { origins })
}
