//! The bundled test site: a small HTTP/1.1 server on loopback with a shop to demonstrate on, feature pages to act on and
//! endpoints that misbehave on purpose. It records every request, so a test can compare what a browser claims to have done
//! with what the server saw.
//!
//! It does not speak TLS, does not read files at run time, loads nothing from elsewhere and is no example of a web server:
//! it trusts its visitors.
//!
//! | endpoint | what it does |
//! | --- | --- |
//! | `/` | a list of everything below |
//! | `/shop/…` | the shop; see `site::shop` for its pages |
//! | `/pages/…` | the feature pages; see `site::pages` for the table |
//! | `/pages/table.html?rows=N` | N rows (default 100, at most 20,000) of a checkbox, a link and a button each |
//! | `/pages/thousand-frames.html?n=N` | N `srcdoc` iframes (default 1,000, at most 2,000) with a button each |
//! | `/plain` | title "Plain page"; one heading, one link, one button, one input |
//! | `/status/CODE` | that HTTP status (200–599) with a small page; 204, 205 and 304 without one |
//! | `/redirect/N` | N hops of 302 to `/plain`, at most 50 |
//! | `/redirect-to?url=U` | one 302 to U, whatever it is |
//! | `/slow?ms=N` | the whole answer after N ms (default 1,000, at most 30,000) |
//! | `/slow-body?ms=N` | headers and a first paragraph at once, the rest after N ms (same bounds) |
//! | `/never` | no answer; the connection is held until the site or the client ends it |
//! | `/never-loads` | a complete document with an image from `/never`: DOMContentLoaded fires, load never does |
//! | `/drop` | the connection is closed without an answer |
//! | `/download/file.txt` | an attachment, 26 bytes of text |
//! | `/download/big?kib=N` | an attachment of N KiB whose bytes count from 0 to 250 and again |
//! | `/download/broken` | an attachment whose connection breaks off |
//! | `/upload` | takes a form with files; the request is recorded |
//! | `/basic-auth` | asks for a user and a password: `ada`, `oak` |
//! | `/big?kib=N` | a page with N KiB of text (default 1,024, at most 65,536) |
//! | `/echo` | JSON {method, path, query, headers, body} of the request |
//! | `/json` | a small JSON document |
//! | `/set-cookie?NAME=VALUE&…` | sets each as a cookie for `/`; answers with a page that shows `document.cookie` |
//! | `/csp` | a page whose policy is `default-src 'none'; script-src 'none'`; its inline script must not run |
//! | `/xorigin-frame` | a page with an iframe from the other host name, hence another site |
//! | `/report?id=ID` | any method; recorded under ID and answered 204: what pages call when something was clicked |
//! | `/favicon.ico` | a small SVG, so that no page logs a missing icon |
//! | anything else | 404 with a small page |
//!
//! `http://127.0.0.1:PORT` and `http://localhost:PORT` are the same server and, for a browser, two sites. In pages,
//! `{{cross}}` stands for the origin that the request was *not* made to.

pub mod pages;
pub mod shop;

mod record;
mod reply;
mod serve;
mod trouble;

#[cfg(test)]
mod tests;

pub use record::Recorded;
pub use shop::{Order, OrderLine};

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use pages::Page;
use serve::Shared;
use tokio::sync::oneshot;

/// A running test site. It serves from a thread of its own, so it works the same in an async test, in a plain one and in a
/// program without a runtime. Dropping it closes every connection, the held ones too, and waits for the thread.
#[derive(Debug)]
pub struct Site {
    addr: SocketAddr,
    shared: Arc<Shared>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Site {
    /// Starts the site on a free port of 127.0.0.1; it answers when this returns.
    ///
    /// # Errors
    /// When no port can be bound or the thread or its runtime cannot be made.
    pub fn start() -> io::Result<Site> {
        Site::start_with(&[])
    }

    /// As [`Site::start`], with further pages; on an equal path they win over the bundled ones.
    ///
    /// # Errors
    /// As [`Site::start`].
    pub fn start_with(extra: &'static [Page]) -> io::Result<Site> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        listener.set_nonblocking(true)?;
        let addr = listener.local_addr()?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let listener = {
            let _entered = runtime.enter();
            tokio::net::TcpListener::from_std(listener)?
        };
        let shared = Arc::new(Shared::new(addr.port(), extra));
        let (stop, stopped) = oneshot::channel();
        let serving = Arc::clone(&shared);
        let thread = std::thread::Builder::new()
            .name("test-site".into())
            .spawn(move || {
                runtime.block_on(async {
                    tokio::select! {
                        () = serve::accept(&listener, &serving) => {}
                        _ = stopped => {}
                    }
                });
                // The runtime is dropped here and every connection's task with it.
            })?;
        Ok(Site {
            addr,
            shared,
            stop: Some(stop),
            thread: Some(thread),
        })
    }

    /// The address that it listens on.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// `http://127.0.0.1:PORT` followed by `path`, which starts with a slash.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.addr.port())
    }

    /// `http://localhost:PORT` followed by `path`: the same page on what a browser takes for another site.
    #[must_use]
    pub fn cross_url(&self, path: &str) -> String {
        format!("http://localhost:{}{path}", self.addr.port())
    }

    /// Every request so far, in order of arrival. A request is recorded once its body has arrived and before it is answered.
    #[must_use]
    pub fn requests(&self) -> Vec<Recorded> {
        self.shared.records().requests()
    }

    /// How many requests were made to exactly this path, whatever the method and the query.
    #[must_use]
    pub fn hits(&self, path: &str) -> usize {
        self.shared.records().hits(path)
    }

    /// The ids that pages reported through `/report?id=…`, in order of arrival.
    #[must_use]
    pub fn reports(&self) -> Vec<String> {
        self.shared.records().reports()
    }

    /// How often this id was reported.
    #[must_use]
    pub fn reported(&self, id: &str) -> usize {
        self.shared.records().reported(id)
    }

    /// The orders that the shop accepted, oldest first.
    #[must_use]
    pub fn orders(&self) -> Vec<Order> {
        self.shared.shop().orders()
    }

    /// Forgets the recorded requests; the shop keeps its carts and orders.
    pub fn forget_requests(&self) {
        self.shared.records().forget();
    }

    /// Waits until `path` was asked for at least `count` times; false when `within` passes first. Needs a tokio runtime with timers.
    pub async fn wait_for_hits(&self, path: &str, count: usize, within: Duration) -> bool {
        self.shared
            .records()
            .wait_until(within, |records| records.hits(path) >= count)
            .await
    }

    /// Waits until `id` was reported at least `count` times; false when `within` passes first. Needs a tokio runtime with timers.
    pub async fn wait_for_report(&self, id: &str, count: usize, within: Duration) -> bool {
        self.shared
            .records()
            .wait_until(within, |records| records.reported(id) >= count)
            .await
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            // The thread may have ended already; then there is nobody to tell.
            let _ = stop.send(());
        }
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
