//! One socket: its time to authenticate, its HTTP/1 exchange, and its end.

use std::convert::Infallible;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use ops_contracts::Outcome;
use ops_contracts::ids::ClientId;
use tokio::net::TcpStream;
use tokio::sync::{mpsc, oneshot};
use tokio::time::sleep;

use crate::http;
use crate::peers::Seat;
use crate::pool::Ticket;
use crate::server::Edge;
use crate::stream::EdgeStream;

/// The largest head of a request, in bytes.
const MAX_HEAD: usize = 64 * 1024;

/// What a connection's requests share.
pub(crate) struct Connection {
    pub(crate) edge: Arc<Edge>,
    ticket: Ticket,
    authenticated: AtomicBool,
    /// The peer's place, from its first request with the token on.
    seat: Mutex<Option<Seat>>,
    /// Held by everything that the relay's end has to wait for.
    pub(crate) alive: mpsc::Sender<()>,
}

impl Connection {
    /// The peer has shown the token: the socket leaves the strangers' pool.
    pub(crate) fn authenticated(&self) {
        if !self.authenticated.swap(true, Ordering::AcqRel) {
            self.edge.pool.admit(self.ticket);
        }
    }

    /// Counts the connection as one of `client`'s, once.
    ///
    /// # Errors
    /// `relay_connection_limit`.
    pub(crate) fn seat(&self, client: &ClientId) -> Outcome<()> {
        let mut seat = self.seat.lock().unwrap_or_else(PoisonError::into_inner);
        if seat.is_none() {
            *seat = Some(self.edge.peers.seat(client)?);
        }
        Ok(())
    }
}

/// Serves a socket until one side closes it.
pub(crate) async fn serve(edge: Arc<Edge>, socket: TcpStream, alive: mpsc::Sender<()>) {
    if let Err(error) = socket.set_nodelay(true) {
        tracing::debug!(%error, "a socket can't be set up");
        return;
    }
    let (ticket, stay) = edge.pool.enter();
    let connection =
        Arc::new(Connection { edge: edge.clone(), ticket, authenticated: AtomicBool::new(false), seat: Mutex::default(), alive });
    exchange(&edge, socket, connection, stay).await;
    edge.pool.leave(ticket);
}

async fn exchange(edge: &Edge, socket: TcpStream, connection: Arc<Connection>, stay: oneshot::Receiver<()>) {
    let timeouts = &edge.config.timeouts;
    let handler = service_fn(move |request| {
        let connection = connection.clone();
        async move { Ok::<_, Infallible>(http::handle(connection, request).await) }
    });
    let stream = TokioIo::new(EdgeStream::new(socket, timeouts.write));
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        // Runs from the end of one exchange to the whole head of the next.
        .header_read_timeout(timeouts.idle)
        .max_header_size(MAX_HEAD)
        .max_buf_size(MAX_HEAD * 2)
        .serve_connection(stream, handler)
        .with_upgrades();
    tokio::pin!(served);
    tokio::select! {
        ended = served.as_mut() => return log_end(ended),
        () = cut_strangers(stay, timeouts.authenticate) => return tracing::debug!("a socket that did not authenticate was cut"),
        () = edge.closing() => served.as_mut().graceful_shutdown(),
    }
    log_end(served.await);
}

/// Ends when a socket that has not authenticated has to go.
async fn cut_strangers(stay: oneshot::Receiver<()>, limit: std::time::Duration) {
    tokio::select! {
        stays = stay => if stays.is_ok() {
            std::future::pending::<()>().await;
        },
        () = sleep(limit) => (),
    }
}

fn log_end(ended: hyper::Result<()>) {
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection broke");
    }
}
