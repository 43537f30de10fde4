//! Pairing: the one-time code by which a client gets its second credential, and where that is kept.

use std::time::Duration;

use ops_client::{Token, post};
use ops_contracts::wire::http::OpenCode;
use ops_contracts::wire::http::home::PAIRING_CODE;

use crate::client::Client;
use crate::failure::{Failure, Outcome};
use crate::home::invalid;

/// How long a code is open.
const CODE_TTL: Duration = Duration::from_secs(300);

/// Letters and digits that nobody takes for one another.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// A pairing that this installation has got, without its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewPairing {
    /// The relay that it is with.
    pub relay_url: String,
    /// Its id.
    pub id: String,
}

impl Client {
    /// Opens a code in this home, for whoever presents it to the home's relay; one that was open before is void.
    ///
    /// # Errors
    /// `cli_state_invalid` where the home can't be written.
    pub fn open_pairing_code(&self) -> Outcome<OpenCode> {
        let open = OpenCode {
            code: code(self.surroundings.random_bits()?),
            expires_at: (self.surroundings.now)().plus(CODE_TTL),
        };
        let text = serde_json::to_string(&open).map_err(Failure::malformed)?;
        self.home.write(PAIRING_CODE, &(text + "\n"))?;
        Ok(open)
    }

    /// Pairs with the running relay by a code, and keeps the credential in the home.
    ///
    /// # Errors
    /// The relay's refusal; no relay; a home that can't be written.
    pub async fn redeem_pairing_code(&self, code: &str) -> Outcome<NewPairing> {
        let relay = self.running()?;
        let paired = post::pair(&relay.endpoint, code).await?;
        let relay_url = relay.endpoint.url.to_string();
        // The token goes to its file and nowhere else.
        self.home.write(
            &file(self, &relay_url),
            &format!("{}\n", paired.token.bare()),
        )?;
        Ok(NewPairing {
            relay_url,
            id: paired.id,
        })
    }
}

/// The pairing token for the relay at `url`, where this installation has one.
///
/// # Errors
/// `cli_state_invalid` where its file is open to others or holds no token.
pub(crate) fn stored(client: &Client, url: &str) -> Outcome<Option<Token>> {
    let name = file(client, url);
    let Some(text) = client.home.read(&name)? else {
        return Ok(None);
    };
    let token = text.trim().parse();
    token
        .map(Some)
        .map_err(|_| invalid(&client.home.path(&name), "it holds no token"))
}

/// Where the token is kept: the relay of this home keeps its pairings though its port changes, another one is known by its URL.
fn file(client: &Client, url: &str) -> String {
    if client.remote.is_none() {
        return "pairing/local.token".to_owned();
    }
    let authority = url
        .split_once("://")
        .map_or(url, |(_, authority)| authority)
        .trim_end_matches('/');
    let name: String = authority
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() || c == '.' {
                c
            } else {
                '_'
            }
        })
        .collect();
    format!("pairing/{name}.token")
}

fn code(random: u128) -> String {
    let mut text: String = (0..8)
        .map(|place| {
            let index = usize::try_from(random >> (place * 5) & 31).expect("five bits fit");
            char::from(ALPHABET[index])
        })
        .collect();
    text.insert(4, '-');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_has_forty_bits_that_can_be_read_aloud() {
        assert_eq!(code(0), "0000-0000");
        assert_eq!(code(u128::MAX), "ZZZZ-ZZZZ");
        assert_ne!(code(1), code(2));
    }
}
