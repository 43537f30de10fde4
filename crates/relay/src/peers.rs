//! The connections that authenticated peers hold open: how many one of them may have, and all of them together, so that
//! no client takes what the others need. A peer is the credential with a client id; callers without an id share one.

use std::collections::HashMap;
use std::sync::Arc;

use ops_contracts::wire::ids::ClientId;
use ops_contracts::{ErrorCode, Fault, Outcome};
use parking_lot::{Mutex, MutexGuard};

/// The most connections of one peer.
pub(crate) const PER_PEER: u32 = 256;

/// The most connections of all peers.
const TOTAL: u32 = 4_096;

/// The connections of each peer.
#[derive(Default)]
pub(crate) struct Peers {
    open: Mutex<Open>,
}

#[derive(Default)]
struct Open {
    total: u32,
    by_client: HashMap<ClientId, u32>,
    /// The versions of the extensions that are connected, in the order in which they came.
    extensions: Vec<String>,
}

/// One connection's place; dropping it gives the place back.
pub(crate) struct Seat {
    peers: Arc<Peers>,
    client: ClientId,
    /// The version of an extension.
    extension: Option<String>,
}

impl Peers {
    /// Takes a place for a connection of `client`.
    ///
    /// # Errors
    /// `relay_connection_limit`, naming the limit that is reached.
    pub(crate) fn seat(self: &Arc<Self>, client: &ClientId) -> Outcome<Seat> {
        let mut open = self.lock();
        let of_client = open.by_client.get(client).copied().unwrap_or(0);
        let (reached, limit, whose) = if of_client >= PER_PEER {
            (true, PER_PEER, "this client")
        } else {
            (open.total >= TOTAL, TOTAL, "all clients")
        };
        if reached {
            let message = format!("{limit} connections of {whose} are open already");
            return Err(Fault::new(ErrorCode::RelayConnectionLimit, message)
                .with("limit", limit)
                .retry_after(1_000));
        }
        open.total += 1;
        open.by_client.insert(client.clone(), of_client + 1);
        Ok(Seat {
            peers: self.clone(),
            client: client.clone(),
            extension: None,
        })
    }

    /// The version of the extension that connected last, of those that are connected.
    pub(crate) fn extension(&self) -> Option<String> {
        self.lock().extensions.last().cloned()
    }

    fn lock(&self) -> MutexGuard<'_, Open> {
        self.open.lock()
    }
}

impl Seat {
    /// Notes that an extension of this version is what is connected.
    pub(crate) fn of_extension(mut self, version: &str) -> Self {
        self.peers.lock().extensions.push(version.to_owned());
        self.extension = Some(version.to_owned());
        self
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut open = self.peers.lock();
        if let Some(version) = &self.extension
            && let Some(at) = open.extensions.iter().position(|known| known == version)
        {
            open.extensions.remove(at);
        }
        open.total -= 1;
        if let Some(left) = open.by_client.get_mut(&self.client) {
            *left -= 1;
            if *left == 0 {
                open.by_client.remove(&self.client);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_client_at_its_limit_leaves_places_to_others_and_gives_its_own_back() {
        let peers = Arc::new(Peers::default());
        let (greedy, modest): (ClientId, ClientId) =
            ("greedy".parse().unwrap(), "modest".parse().unwrap());
        let mut seats: Vec<Seat> = (0..PER_PEER)
            .map(|_| peers.seat(&greedy).ok().unwrap())
            .collect();
        let fault = peers.seat(&greedy).err().unwrap();
        assert_eq!(
            (
                fault.code,
                fault
                    .details
                    .get("limit")
                    .and_then(serde_json::Value::as_u64)
            ),
            (ErrorCode::RelayConnectionLimit, Some(u64::from(PER_PEER)))
        );
        assert!(peers.seat(&modest).is_ok());
        seats.pop();
        assert!(peers.seat(&greedy).is_ok());
        drop(seats);
        let open = peers.lock();
        assert_eq!((open.total, open.by_client.len()), (0, 0));
    }

    #[test]
    fn all_clients_together_have_a_limit_too() {
        let peers = Arc::new(Peers::default());
        let seats: Vec<Seat> = (0..TOTAL)
            .map(|number| {
                peers
                    .seat(&format!("client-{number}").parse().unwrap())
                    .ok()
                    .unwrap()
            })
            .collect();
        assert!(peers.seat(&"late".parse().unwrap()).is_err());
        drop(seats);
        assert!(peers.seat(&"late".parse().unwrap()).is_ok());
    }
}
