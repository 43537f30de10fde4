//! A local endpoint for unmodified protocol clients: an unguessable address on loopback, for one client and one lease, gone with it.
//!
//! It adds the envelope, keeps the lane's pace, and tells the client in its own form what the lane refuses, or would take too late.
//! It drops nothing.

mod backlog;
mod front;
mod pump;

use std::io;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use ops_contracts::control::legacy::LegacyGrant;
use tokio::net::TcpListener;

use super::CdpSocket;
use crate::{ClientError, Endpoint};
use front::Front;

/// Why a proxy ended.
#[derive(Debug)]
pub enum Ended {
    /// Its client has gone.
    ClientGone,
    /// No client came in time.
    NoClient,
    /// The session has ended: its code and message.
    Session(String),
}

/// A proxy that listens.
#[derive(Debug)]
pub struct Proxy {
    listener: TcpListener,
    front: Arc<Front>,
    endpoint: Endpoint,
    grant: LegacyGrant,
}

impl Proxy {
    /// Begins to listen on loopback; port 0 lets the system choose. `secret` must be random: whoever knows it drives the browser.
    ///
    /// # Errors
    /// When the port can't be listened on.
    pub async fn bind(
        endpoint: Endpoint,
        grant: LegacyGrant,
        port: u16,
        secret: u128,
    ) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
        let front = Front::new(listener.local_addr()?, secret, &grant);
        Ok(Self {
            listener,
            front: Arc::new(front),
            endpoint,
            grant,
        })
    }

    /// The address for clients that ask for `json/version` below it.
    #[must_use]
    pub fn http_url(&self) -> String {
        self.front.http_url()
    }

    /// The address for clients that take a WebSocket's.
    #[must_use]
    pub fn web_socket_url(&self) -> String {
        self.front.web_socket_url()
    }

    /// Serves one client, which must come within `wait`. `note` is told what people should know.
    ///
    /// # Errors
    /// When the relay can't be reached, or its connection breaks.
    pub async fn run(self, wait: Duration, note: impl Fn(&str)) -> Result<Ended, ClientError> {
        let Self {
            listener,
            front,
            endpoint,
            grant,
        } = self;
        let relay = CdpSocket::connect(&endpoint, &grant.session_id, &grant.cdp_lease_id).await?;
        let (arrived, arrival) = tokio::sync::oneshot::channel();
        front.expect(arrived);
        let serving = front::serve(listener, front.clone());
        let talking = async {
            match tokio::time::timeout(wait, arrival).await {
                Ok(Ok(client)) => pump::run(&endpoint, &grant, relay, client, &note).await,
                Ok(Err(_)) => Ok(Ended::ClientGone),
                Err(_) => Ok(Ended::NoClient),
            }
        };
        tokio::select! {
            ended = talking => ended,
            never = serving => match never {},
        }
    }
}
