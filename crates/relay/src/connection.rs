//! One socket: its time to authenticate, its TLS handshake, its HTTP/1 exchange, and its end.

use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use ops_contracts::Outcome;
use ops_contracts::wire::ids::ClientId;
use parking_lot::Mutex;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep_until};
use tokio_rustls::server::TlsStream;

use crate::edge::Edge;
use crate::http;
use crate::peers::Seat;
use crate::pool::Ticket;
use crate::stream::EdgeStream;
use crate::tls::{Tls, begins_handshake};

/// The largest head of a request, in bytes.
const MAX_HEAD: usize = 64 * 1024;

/// What a connection's requests share.
pub(crate) struct Connection {
    pub(crate) edge: Arc<Edge>,
    ticket: Ticket,
    authenticated: AtomicBool,
    /// The peer's place, from its first request with the token on.
    seat: Mutex<Option<Seat>>,
    /// Whether the peer's address is one of loopback.
    pub(crate) local: bool,
    /// Whether the peer speaks plainly to a relay that speaks TLS: it is told so, and nothing else.
    pub(crate) bare: bool,
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
        let mut seat = self.seat.lock();
        if seat.is_none() {
            *seat = Some(self.edge.peers.seat(client)?);
        }
        Ok(())
    }
}

/// Serves a socket until one side closes it.
pub(crate) async fn serve(
    edge: Arc<Edge>,
    socket: TcpStream,
    peer: SocketAddr,
    alive: mpsc::Sender<()>,
) {
    if let Err(error) = socket.set_nodelay(true) {
        tracing::debug!(%error, "a socket can't be set up");
        return;
    }
    let (ticket, stay) = edge.pool.enter();
    let mut stranger = Stranger {
        stay,
        until: Instant::now() + edge.config.timeouts.authenticate,
    };
    let local = is_local(peer.ip());
    let connection = |bare: bool| {
        let authenticated = AtomicBool::new(false);
        Arc::new(Connection {
            edge: edge.clone(),
            ticket,
            authenticated,
            seat: Mutex::default(),
            local,
            bare,
            alive,
        })
    };
    match &edge.config.tls {
        None => exchange(&edge, socket, connection(false), stranger).await,
        Some(tls) => match shake(&edge, tls, socket, &mut stranger).await {
            Some(Shaken::Secure(stream)) => {
                exchange(&edge, *stream, connection(false), stranger).await
            }
            Some(Shaken::Bare(socket)) => exchange(&edge, socket, connection(true), stranger).await,
            None => {}
        },
    }
    edge.pool.leave(ticket);
}

/// Addresses of IPv4 come in the clothes of IPv6 where a socket listens for both.
fn is_local(peer: IpAddr) -> bool {
    peer.to_canonical().is_loopback()
}

/// A peer after its first words.
enum Shaken {
    Secure(Box<TlsStream<TcpStream>>),
    /// It speaks no TLS.
    Bare(TcpStream),
}

/// Shakes hands within the time that a stranger has.
async fn shake(
    edge: &Edge,
    tls: &Tls,
    socket: TcpStream,
    stranger: &mut Stranger,
) -> Option<Shaken> {
    let shaking = async {
        if !begins_handshake(&socket).await? {
            return Some(Shaken::Bare(socket));
        }
        match tls.accept(socket).await {
            Ok(stream) => Some(Shaken::Secure(Box::new(stream))),
            Err(error) => {
                tracing::debug!(%error, "a TLS handshake failed");
                None
            }
        }
    };
    tokio::select! {
        shaken = shaking => shaken,
        () = stranger.cut() => None,
        () = edge.lifetime.closing() => None,
    }
}

async fn exchange<S>(edge: &Edge, socket: S, connection: Arc<Connection>, mut stranger: Stranger)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
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
        () = stranger.cut() => return tracing::debug!("a socket that did not authenticate was cut"),
        () = edge.lifetime.closing() => served.as_mut().graceful_shutdown(),
    }
    log_end(served.await);
}

/// A socket that has not authenticated, and how long it may stay so.
struct Stranger {
    stay: oneshot::Receiver<()>,
    until: Instant,
}

impl Stranger {
    /// Ends when the socket has to go.
    async fn cut(&mut self) {
        tokio::select! {
            stays = &mut self.stay => if stays.is_ok() {
                std::future::pending::<()>().await;
            },
            () = sleep_until(self.until) => (),
        }
    }
}

fn log_end(ended: hyper::Result<()>) {
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection broke");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_is_known_in_every_form() {
        for (address, local) in [
            ("127.0.0.1", true),
            ("127.8.9.10", true),
            ("::1", true),
            ("::ffff:127.0.0.1", true),
            ("10.0.0.1", false),
            ("192.168.1.2", false),
            ("::ffff:10.0.0.1", false),
            ("fe80::1", false),
            ("0.0.0.0", false),
            ("::", false),
        ] {
            assert_eq!(is_local(address.parse().unwrap()), local, "{address}");
        }
    }
}
