//! `export.har`: the log of requests as an HTTP archive. Bodies are asked of the browser one by one, within caps.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use ops_contracts::Outcome;
use ops_contracts::seam::adapter::{Effect, Headers, Primitive};
use ops_contracts::wire::capability::Capability;
use ops_contracts::wire::command::har::{
    Har, HarCache, HarContent, HarEntry, HarLog, HarPage, HarPageTimings, HarPair, HarParams,
    HarPostData, HarProgram, HarRequest, HarResponse, HarResult, HarTimings,
};
use ops_contracts::wire::command::network::RequestState;
use ops_contracts::wire::version::BINARY_VERSION;

use crate::cx::Cx;
use crate::world::network::{Record, hide_body, round, shown};

/// The most bytes of one body, and of all together.
const BODY: usize = 64 << 10;
const BODIES: usize = 4 << 20;

pub(crate) async fn run(cx: &Cx, params: HarParams) -> Outcome<HarResult> {
    if params.bodies {
        cx.needs(Capability::NetworkBodies)?;
    }
    let (records, pages, left_out) = {
        let state = cx.world.lock();
        let (records, lost) = state.network.since(params.since_seq);
        let wanted = |record: &&Record| {
            params
                .target_id
                .as_ref()
                .is_none_or(|id| *id == record.target_id)
        };
        let mut records: Vec<Record> = records
            .filter(wanted)
            .filter(|record| is_http(&record.url))
            .cloned()
            .collect();
        let surplus = records.len().saturating_sub(params.max_entries as usize);
        records.drain(..surplus);
        let titles: Vec<_> = state
            .tabs
            .iter()
            .map(|tab| (tab.id.clone(), tab.title.clone(), tab.nav.url.clone()))
            .collect();
        let pages = pages(&records, &titles);
        (records, pages, lost + surplus as u64)
    };
    let mut har = HarLog {
        version: "1.2".to_owned(),
        creator: HarProgram {
            name: "opendevbrowser".to_owned(),
            version: BINARY_VERSION.to_owned(),
        },
        browser: HarProgram {
            name: cx.session.plan.params.browser.as_str().to_owned(),
            version: String::new(),
        },
        pages,
        entries: records
            .iter()
            .map(|record| entry(record, params.secrets))
            .collect(),
    };
    let mut bodies_left_out = 0;
    if params.bodies {
        let mut room = BODIES;
        for (record, entry) in records.iter().zip(&mut har.entries) {
            bodies_left_out +=
                u64::from(!fill_in(cx, record, &mut entry.response.content, &mut room).await);
        }
    }
    Ok(HarResult {
        har: Har { log: har },
        left_out,
        bodies_left_out,
    })
}

fn is_http(url: &str) -> bool {
    url.starts_with("http://") || url.starts_with("https://")
}

fn pages(
    records: &[Record],
    titles: &[(ops_contracts::wire::ids::TargetId, String, String)],
) -> Vec<HarPage> {
    let mut pages: Vec<HarPage> = Vec::new();
    for record in records {
        let id = record.target_id.to_string();
        if pages.iter().all(|page| page.id != id) {
            let known = titles
                .iter()
                .find(|(target, ..)| *target == record.target_id);
            let title = known.map(|(_, title, url)| {
                if title.is_empty() {
                    url.clone()
                } else {
                    title.clone()
                }
            });
            let title = title.unwrap_or_else(|| record.url.clone());
            pages.push(HarPage {
                started_date_time: record.at(),
                id,
                title,
                page_timings: HarPageTimings::default(),
            });
        }
    }
    pages
}

/// Reads the body of a response; whether it is in, or there is none.
async fn fill_in(cx: &Cx, record: &Record, content: &mut HarContent, room: &mut usize) -> bool {
    let has_none = record.state != RequestState::Finished
        || record.redirected_to.is_some()
        || matches!(record.status, None | Some(204 | 304));
    if has_none {
        return true;
    }
    cx.waiting_for("the bodies of responses");
    let read = cx
        .perform(Primitive::ResponseBody {
            target: record.target,
            request: record.key,
        })
        .await;
    let Ok(Effect::Bytes { bytes, .. }) = read else {
        return false;
    };
    content.size = bytes.len() as u64;
    if bytes.len() > BODY.min(*room) {
        return false;
    }
    *room -= bytes.len();
    match String::from_utf8(bytes) {
        Ok(text) => content.text = Some(text),
        Err(error) => {
            content.text = Some(BASE64_STANDARD.encode(error.as_bytes()));
            content.encoding = Some("base64".to_owned());
        }
    }
    true
}

fn entry(record: &Record, secrets: bool) -> HarEntry {
    let protocol = record
        .response
        .as_ref()
        .map(|response| response.protocol.clone())
        .unwrap_or_default();
    let timings = timings(record);
    let parts = [
        timings.blocked,
        timings.dns,
        timings.connect,
        timings.send,
        timings.wait,
        timings.receive,
    ];
    HarEntry {
        pageref: record.target_id.to_string(),
        started_date_time: record.at(),
        // The format wants the sum of the parts that there are; TLS is a part of connecting.
        time: round(parts.into_iter().filter(|part| *part > 0.0).sum()),
        request: request(record, &protocol, secrets),
        response: response(record, &protocol, secrets),
        cache: HarCache::default(),
        timings,
        server_ip_address: record
            .response
            .as_ref()
            .and_then(|response| response.remote_address.as_ref())
            .map(|address| host(address)),
        comment: record.failure.clone(),
    }
}

/// The address without its port.
fn host(address: &str) -> String {
    address
        .rsplit_once(':')
        .map_or(address, |(host, _)| host)
        .trim_matches(['[', ']'])
        .to_owned()
}

fn pairs(headers: &Headers, secrets: bool) -> Vec<HarPair> {
    let pair = |header| {
        let header = shown(header, secrets);
        HarPair {
            name: header.name,
            value: header.value,
        }
    };
    headers.iter().map(pair).collect()
}

fn header<'a>(headers: &'a Headers, name: &str) -> Option<&'a str> {
    headers
        .iter()
        .find(|(known, _)| known.eq_ignore_ascii_case(name))
        .map(|(_, value)| value.as_str())
}

fn request(record: &Record, protocol: &str, secrets: bool) -> HarRequest {
    let headers = record.request_headers();
    let url = record.url.split('#').next().unwrap_or_default().to_owned();
    let cookies = pairs(headers, secrets)
        .into_iter()
        .filter(|header| header.name.eq_ignore_ascii_case("cookie"));
    let cookies = cookies
        .flat_map(|header| header.value.split("; ").map(pair).collect::<Vec<_>>())
        .collect();
    let query_string = url
        .split_once('?')
        .map(|(_, query)| query.split('&').map(pair).collect())
        .unwrap_or_default();
    let text = record.details.body.as_ref().map(|text| {
        if secrets {
            text.clone()
        } else {
            hide_body(text)
        }
    });
    let body_size = match (&record.details.body, record.details.has_body) {
        (Some(body), _) => i64::try_from(body.len()).unwrap_or(-1),
        (None, true) => -1,
        (None, false) => 0,
    };
    let mime_type = header(headers, "content-type")
        .unwrap_or_default()
        .to_owned();
    HarRequest {
        method: record.method.clone(),
        http_version: protocol.to_owned(),
        cookies,
        headers: pairs(headers, secrets),
        query_string,
        post_data: text.map(|text| HarPostData { mime_type, text }),
        headers_size: -1,
        body_size,
        url,
    }
}

fn pair(text: &str) -> HarPair {
    let (name, value) = text.split_once('=').unwrap_or((text, ""));
    HarPair {
        name: name.to_owned(),
        value: value.to_owned(),
    }
}

fn response(record: &Record, protocol: &str, secrets: bool) -> HarResponse {
    let headers = record.response_headers().cloned().unwrap_or_default();
    let set = headers
        .iter()
        .filter(|(name, _)| secrets && name.eq_ignore_ascii_case("set-cookie"));
    let cookies = set
        .map(|(_, value)| pair(value.split(';').next().unwrap_or_default()))
        .collect();
    let transferred = record
        .transferred
        .and_then(|bytes| i64::try_from(bytes).ok());
    let length = header(&headers, "content-length").and_then(|length| length.parse().ok());
    HarResponse {
        status: record.status.unwrap_or(0),
        status_text: record
            .response
            .as_ref()
            .map(|response| response.status_text.clone())
            .unwrap_or_default(),
        http_version: protocol.to_owned(),
        cookies,
        headers: pairs(&headers, secrets),
        content: HarContent {
            size: length.unwrap_or(0),
            mime_type: record
                .mime_type
                .clone()
                .unwrap_or_else(|| "x-unknown".to_owned()),
            text: None,
            encoding: None,
        },
        redirect_url: record.redirected_to.clone().unwrap_or_default(),
        headers_size: -1,
        body_size: transferred.unwrap_or(-1),
    }
}

fn timings(record: &Record) -> HarTimings {
    let whole = record.duration_ms().unwrap_or(0.0);
    let Some(parts) = record.timing() else {
        // Nothing is known of the parts: all of it is waiting.
        return HarTimings {
            blocked: -1.0,
            dns: -1.0,
            connect: -1.0,
            ssl: -1.0,
            send: 0.0,
            wait: whole,
            receive: 0.0,
        };
    };
    let before = [
        parts.blocked_ms,
        parts.dns_ms,
        parts.connect_ms,
        parts.send_ms,
        parts.wait_ms,
    ];
    let receive = whole - before.into_iter().filter(|part| *part > 0.0).sum::<f64>();
    HarTimings {
        blocked: parts.blocked_ms,
        dns: parts.dns_ms,
        connect: parts.connect_ms,
        ssl: parts.tls_ms,
        send: parts.send_ms.max(0.0),
        wait: parts.wait_ms.max(0.0),
        receive: round(receive.max(0.0)),
    }
}
