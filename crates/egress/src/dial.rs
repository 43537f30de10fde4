//! From a host and a port that were asked for to a connection, or to why there is none.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Empty;
use hyper::client::conn::http1;
use hyper::header::{HOST, PROXY_AUTHORIZATION};
use hyper::upgrade::Upgraded;
use hyper::{Method, Request};
use hyper_util::rt::TokioIo;
use ops_contracts::wire::domains::{DomainPolicy, DomainRefusal};
use tokio::net::TcpStream;

use crate::door::Terms;
use crate::upstream::Upstream;

/// How long a connection may take, resolving included.
const CONNECT_WITHIN: Duration = Duration::from_secs(20);

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DialError {
    /// A rule refuses.
    #[error("{}", .0.sentence())]
    Refused(DomainRefusal),
    /// The host can't be reached.
    #[error("{0}")]
    Unreachable(#[from] io::Error),
}

/// A way to the host itself.
pub(crate) enum Tunnel {
    Direct(TcpStream),
    Proxied(TokioIo<Upgraded>),
}

/// Connects to a host that the policy has let pass by its name. An address that a rule denies is not used under any name.
pub(crate) async fn direct(
    host: &str,
    port: u16,
    policy: &DomainPolicy,
) -> Result<TcpStream, DialError> {
    within(async {
        let (permitted, refused) = sorted(resolve(host, port).await?, host, policy);
        if permitted.is_empty()
            && let Some(refusal) = refused
        {
            return Err(DialError::Refused(refusal));
        }
        let mut last = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
        for address in permitted {
            match TcpStream::connect(address).await {
                Ok(stream) => {
                    // A hint that costs nothing where it is not taken.
                    let _ = stream.set_nodelay(true);
                    return Ok(stream);
                }
                Err(error) => last = error,
            }
        }
        Err(last.into())
    })
    .await
}

fn sorted(
    addresses: Vec<SocketAddr>,
    host: &str,
    policy: &DomainPolicy,
) -> (Vec<SocketAddr>, Option<DomainRefusal>) {
    let mut refused = None;
    let mut permitted = Vec::new();
    for address in addresses {
        match policy.refusal_of_address(host, address.ip(), address.port()) {
            Some(refusal) => refused = Some(refusal),
            None => permitted.push(address),
        }
    }
    (permitted, refused)
}

/// Names below `localhost` are this machine, as browsers have it; all others are the system's to resolve.
async fn resolve(host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
    if let Ok(address) = host.parse::<IpAddr>() {
        return Ok(vec![SocketAddr::new(address, port)]);
    }
    let name = host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase();
    if name == "localhost" || name.ends_with(".localhost") {
        let local: [IpAddr; 2] = [Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()];
        return Ok(local.map(|address| SocketAddr::new(address, port)).to_vec());
    }
    Ok(tokio::net::lookup_host((host, port)).await?.collect())
}

/// Connects to the proxy behind the door, where `policy` lets it be reached by its name and by its address.
pub(crate) async fn to_upstream(
    upstream: &Upstream,
    policy: &DomainPolicy,
) -> Result<TcpStream, DialError> {
    if let Some(refusal) = policy.refusal(&upstream.host, upstream.port) {
        return Err(DialError::Refused(refusal));
    }
    direct(&upstream.host, upstream.port, policy).await
}

/// A tunnel to the host, through the proxy behind the door where there is one.
pub(crate) async fn tunnel(host: &str, port: u16, terms: &Terms) -> Result<Tunnel, DialError> {
    let Some(upstream) = &terms.upstream else {
        return direct(host, port, &terms.policy).await.map(Tunnel::Direct);
    };
    let stream = to_upstream(upstream, &terms.upstream_policy).await?;
    within(async {
        Ok(Tunnel::Proxied(
            through(stream, upstream, host, port)
                .await
                .map_err(io::Error::other)?,
        ))
    })
    .await
}

async fn through(
    stream: TcpStream,
    upstream: &Upstream,
    host: &str,
    port: u16,
) -> Result<TokioIo<Upgraded>, String> {
    let (mut sender, connection) = http1::handshake::<_, Empty<Bytes>>(TokioIo::new(stream))
        .await
        .map_err(|error| error.to_string())?;
    // Ends with the tunnel, or with the proxy's refusal.
    tokio::spawn(connection.with_upgrades());
    let place = authority(host, port);
    let mut request = Request::builder()
        .method(Method::CONNECT)
        .uri(&place)
        .header(HOST, &place);
    if let Some(authorization) = &upstream.authorization {
        request = request.header(PROXY_AUTHORIZATION, authorization);
    }
    let request = request
        .body(Empty::new())
        .map_err(|error| error.to_string())?;
    let response = sender
        .send_request(request)
        .await
        .map_err(|error| error.to_string())?;
    if !response.status().is_success() {
        return Err(format!(
            "the proxy behind the door answered {}",
            response.status()
        ));
    }
    hyper::upgrade::on(response)
        .await
        .map(TokioIo::new)
        .map_err(|error| error.to_string())
}

/// Host and port as they stand in a request.
pub(crate) fn authority(host: &str, port: u16) -> String {
    if host.contains(':') {
        format!("[{host}]:{port}")
    } else {
        format!("{host}:{port}")
    }
}

async fn within<T>(dialling: impl Future<Output = Result<T, DialError>>) -> Result<T, DialError> {
    let late = || {
        io::Error::new(
            io::ErrorKind::TimedOut,
            "the host did not take the connection in time",
        )
    };
    tokio::time::timeout(CONNECT_WITHIN, dialling)
        .await
        .unwrap_or_else(|_| Err(late().into()))
}
