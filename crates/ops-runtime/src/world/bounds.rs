//! What of a browser's events is kept: pages decide how long their texts are, the world decides how much of them it holds.

use ops_contracts::seam::adapter::{Event, Headers, RequestDetails, ResponseDetails};
use ops_contracts::wire::text::{cut_bytes, cut_chars};

/// The longest text of a log's entry, in characters.
const MAX_TEXT: usize = 4_000;
/// The longest message of a dialog and the longest proposal of a prompt, in characters.
const MAX_DIALOG: usize = 64 * 1024;
/// The longest URL of a page, in bytes. A page's URL is acted on, so that it may be long.
const MAX_PAGE_URL: usize = 64 * 1024;
/// The longest URL of anything else, in bytes: data URLs may be megabytes.
const MAX_URL: usize = 8_192;
/// The longest name that a server or page proposes for a file, in bytes.
const MAX_NAME: usize = 4_096;
/// The longest word of a protocol (a method, a media type, a reason), in bytes.
const MAX_WORD: usize = 512;
/// The longest header value, in bytes.
const MAX_VALUE: usize = 4_096;
/// The longest body of a request, in bytes.
const MAX_BODY: usize = 64 * 1024;
/// The most bytes of the headers of a request or response together.
const MAX_HEADERS: usize = 64 * 1024;
/// The longest title of a page, in characters.
const MAX_TITLE: usize = 4_000;

/// A page's title as it is kept.
pub(crate) fn title(title: String) -> String {
    cut_chars(title, MAX_TITLE)
}

/// The URL of a frame as it is kept. A page has one main frame and any number of others.
pub(super) fn frame_url(address: &str, main: bool) -> String {
    if main {
        address.to_owned()
    } else {
        url(address.to_owned())
    }
}

/// The event with no more text than is kept of it. What a decision is made on at once, a paused request, stays whole.
pub(super) fn bounded(event: Event) -> Event {
    match event {
        Event::TargetOpened {
            target,
            frame,
            opener,
            url,
        } => Event::TargetOpened {
            target,
            frame,
            opener,
            url: cut_bytes(url, MAX_PAGE_URL),
        },
        Event::NavigationStarted { target, frame, url } => Event::NavigationStarted {
            target,
            frame,
            url: cut_bytes(url, MAX_PAGE_URL),
        },
        Event::NavigationCommitted {
            target,
            frame,
            document,
            url,
        } => Event::NavigationCommitted {
            target,
            frame,
            document,
            url: cut_bytes(url, MAX_PAGE_URL),
        },
        Event::UrlChanged { target, frame, url } => Event::UrlChanged {
            target,
            frame,
            url: cut_bytes(url, MAX_PAGE_URL),
        },
        Event::DialogOpened {
            target,
            kind,
            message,
            default_text,
        } => Event::DialogOpened {
            target,
            kind,
            message: cut_chars(message, MAX_DIALOG),
            default_text: default_text.map(|text| cut_chars(text, MAX_DIALOG)),
        },
        Event::DownloadBegan {
            target,
            download,
            url,
            suggested_name,
        } => Event::DownloadBegan {
            target,
            download,
            url: cut_bytes(url, MAX_URL),
            suggested_name: cut_bytes(suggested_name, MAX_NAME),
        },
        Event::DownloadStarted {
            target,
            url,
            suggested_name,
        } => Event::DownloadStarted {
            target,
            url: cut_bytes(url, MAX_URL),
            suggested_name: cut_bytes(suggested_name, MAX_NAME),
        },
        Event::Disconnected { reason } => Event::Disconnected {
            reason: cut_chars(reason, MAX_TEXT),
        },
        other => bounded_entry(other),
    }
}

/// The same for the console.
fn bounded_entry(event: Event) -> Event {
    match event {
        Event::Console {
            target,
            level,
            text,
            location,
            timestamp_ms,
        } => Event::Console {
            target,
            level,
            text: cut_chars(text, MAX_TEXT),
            location: location.map(url),
            timestamp_ms,
        },
        Event::Exception {
            target,
            text,
            stack,
            location,
            timestamp_ms,
        } => Event::Exception {
            target,
            text: cut_chars(text, MAX_TEXT),
            stack: stack.map(|stack| cut_chars(stack, MAX_TEXT)),
            location: location.map(url),
            timestamp_ms,
        },
        other => bounded_traffic(other),
    }
}

/// The same for the network.
fn bounded_traffic(event: Event) -> Event {
    match event {
        Event::Request {
            target,
            frame,
            request,
            document,
            url: address,
            method,
            kind,
            redirected_from,
        } => Event::Request {
            target,
            frame,
            request,
            document,
            url: url(address),
            method: word(method),
            kind,
            redirected_from: redirected_from.map(|(status, from)| (status, url(from))),
        },
        Event::Response {
            target,
            request,
            status,
            url: address,
            mime_type,
        } => Event::Response {
            target,
            request,
            status,
            url: url(address),
            mime_type: word(mime_type),
        },
        Event::RequestFailed {
            target,
            request,
            reason,
            cancelled,
        } => Event::RequestFailed {
            target,
            request,
            reason: word(reason),
            cancelled,
        },
        Event::RequestDetailed {
            request,
            mut details,
        } => {
            *details = request_details(*details);
            Event::RequestDetailed { request, details }
        }
        Event::ResponseDetailed {
            request,
            mut details,
        } => {
            *details = response_details(*details);
            Event::ResponseDetailed { request, details }
        }
        Event::RequestHeaders {
            request,
            headers: all,
        } => Event::RequestHeaders {
            request,
            headers: headers(all),
        },
        Event::ResponseHeaders {
            request,
            headers: all,
        } => Event::ResponseHeaders {
            request,
            headers: headers(all),
        },
        other => other,
    }
}

fn url(url: String) -> String {
    cut_bytes(url, MAX_URL)
}

fn word(word: String) -> String {
    cut_bytes(word, MAX_WORD)
}

fn headers(headers: Headers) -> Headers {
    let mut room = MAX_HEADERS;
    let mut kept: Headers = headers
        .into_iter()
        .map(|(name, value)| (word(name), cut_bytes(value, MAX_VALUE)))
        .take_while(|(name, value)| {
            let cost = name.len() + value.len() + size_of::<(String, String)>();
            room.checked_sub(cost).map(|left| room = left).is_some()
        })
        .collect();
    kept.shrink_to_fit();
    kept
}

fn request_details(details: RequestDetails) -> RequestDetails {
    RequestDetails {
        headers: headers(details.headers),
        body: details.body.map(|body| cut_bytes(body, MAX_BODY)),
        initiator: details.initiator.map(|mut initiator| {
            initiator.kind = word(initiator.kind);
            initiator.url = initiator.url.map(url);
            initiator
        }),
        ..details
    }
}

fn response_details(details: ResponseDetails) -> ResponseDetails {
    ResponseDetails {
        status_text: word(details.status_text),
        headers: headers(details.headers),
        protocol: word(details.protocol),
        remote_address: details.remote_address.map(word),
        ..details
    }
}

#[cfg(test)]
mod tests {
    use ops_contracts::seam::adapter::{
        ConsoleLevel, DialogKind, DownloadKey, EventSink, FrameKey, Initiator, RequestKey,
        ResourceKind, TargetKey,
    };
    use ops_contracts::wire::command::session::DialogPolicy;

    use super::*;
    use crate::world::{Numbers, World};

    const TARGET: TargetKey = TargetKey(1);
    const FRAME: FrameKey = FrameKey(1);
    /// Longer than everything that is kept.
    const LONG: usize = 1 << 20;

    fn long() -> String {
        "x".repeat(LONG)
    }

    fn request(n: u64) -> [Event; 6] {
        let request = RequestKey(n);
        let headers = vec![(long(), long()); 2];
        let details = Box::new(RequestDetails {
            headers: headers.clone(),
            body: Some(long()),
            initiator: Some(Initiator {
                kind: long(),
                url: Some(long()),
                line: None,
            }),
            ..RequestDetails::default()
        });
        let answer = Box::new(ResponseDetails {
            status_text: long(),
            protocol: long(),
            remote_address: Some(long()),
            headers: headers.clone(),
            ..ResponseDetails::default()
        });
        [
            Event::Request {
                target: TARGET,
                frame: Some(FRAME),
                request,
                document: None,
                url: long(),
                method: long(),
                kind: ResourceKind::Fetch,
                redirected_from: Some((302, long())),
            },
            Event::RequestDetailed { request, details },
            Event::RequestHeaders {
                request,
                headers: headers.clone(),
            },
            Event::Response {
                target: TARGET,
                request,
                status: 200,
                url: long(),
                mime_type: long(),
            },
            Event::ResponseDetailed {
                request,
                details: answer,
            },
            Event::RequestFailed {
                target: TARGET,
                request,
                reason: long(),
                cancelled: false,
            },
        ]
    }

    fn messages() -> [Event; 2] {
        [
            Event::Console {
                target: TARGET,
                level: ConsoleLevel::Log,
                text: long(),
                location: Some(long()),
                timestamp_ms: 0,
            },
            Event::Exception {
                target: TARGET,
                text: long(),
                stack: Some(long()),
                location: Some(long()),
                timestamp_ms: 0,
            },
        ]
    }

    fn downloads(n: u64) -> [Event; 2] {
        [
            Event::DownloadBegan {
                target: TARGET,
                download: DownloadKey(n),
                url: long(),
                suggested_name: long(),
            },
            Event::DownloadStarted {
                target: TARGET,
                url: long(),
                suggested_name: long(),
            },
        ]
    }

    /// Bytes of memory that the kept texts of a world's logs, pages and downloads own, by place.
    fn owned(world: &World) -> Vec<(&'static str, usize)> {
        let state = world.lock();
        let tab = state.tab(TARGET).expect("the page is there");
        let dialog = tab.dialog.as_ref().map_or(0, |(_, dialog)| {
            dialog.message.capacity() + dialog.default_text.as_ref().map_or(0, String::capacity)
        });
        let started = state
            .downloads
            .iter()
            .map(|(_, _, download)| download.url.capacity() + download.suggested_name.capacity());
        let kept = state
            .kept
            .iter()
            .map(|kept| kept.entry.url.capacity() + kept.entry.suggested_name.capacity());
        vec![
            ("console", state.console.owned_bytes()),
            ("errors", state.errors.owned_bytes()),
            ("network", state.network.owned_bytes()),
            ("dialog", dialog),
            ("url", tab.nav.url.capacity()),
            (
                "frames",
                state.frames.iter().map(|frame| frame.url.capacity()).sum(),
            ),
            ("started", started.sum()),
            ("kept", kept.sum()),
        ]
    }

    #[test]
    fn a_page_can_not_make_the_world_own_much_memory() {
        let (world, effects) = World::new();
        world.begin(Numbers::default(), DialogPolicy::Ask, TARGET, FRAME);
        for n in 0..60 {
            let events = request(n).into_iter().chain(messages()).chain(downloads(n));
            events.for_each(|event| world.emit(event));
        }
        world.emit(Event::DialogOpened {
            target: TARGET,
            kind: DialogKind::Prompt,
            message: long(),
            default_text: Some(long()),
        });
        world.emit(Event::UrlChanged {
            target: TARGET,
            frame: FRAME,
            url: long(),
        });
        for (place, bytes) in owned(&world) {
            // Each place was told of at least one megabyte, most of them of sixty.
            assert!(bytes > 0, "{place} has lost everything");
            assert!(bytes < 9 << 20, "{place} owns {bytes} bytes");
        }
        for one in ["dialog", "url", "frames"] {
            let (_, bytes) = owned(&world)
                .into_iter()
                .find(|(place, _)| *place == one)
                .unwrap();
            assert!(bytes < LONG / 4, "{one} owns {bytes} bytes");
        }
        drop(effects);
    }
}
