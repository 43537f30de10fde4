//! Who may read the dashboard: one-time codes, and the browsers that redeemed one.
//!
//! A browser holds two secrets: a cookie that no script can read, and a key that only pages of this relay's own origin can. Cookies
//! know no ports, so the cookie alone would open the dashboard to any other server on the same host that a browser visits.

use std::time::{Duration, Instant};

use ops_contracts::{ErrorCode, Fault, Outcome};
use parking_lot::{Mutex, MutexGuard};
use subtle::ConstantTimeEq;
use tokio::sync::watch;

/// How long a code can be redeemed.
pub(crate) const CODE_TTL: Duration = Duration::from_secs(120);

/// How long a browser that does not call stays logged in.
pub(crate) const LOGIN_TTL: Duration = Duration::from_secs(12 * 60 * 60);

/// The most codes and logins at once; the oldest go first.
const MAX_CODES: usize = 8;
const MAX_LOGINS: usize = 32;

/// Codes and logins of one relay.
#[derive(Default)]
pub(crate) struct Logins {
    kept: Mutex<Kept>,
    /// Told when logins have been ended.
    ended: watch::Sender<()>,
}

#[derive(Default)]
struct Kept {
    codes: Vec<Code>,
    logins: Vec<Login>,
}

struct Code {
    text: String,
    /// The pairing of the client that had it issued.
    pairing: Option<String>,
    until: Instant,
}

struct Login {
    cookie: String,
    /// The pairing that it stands for.
    pairing: Option<String>,
    key: String,
    until: Instant,
}

/// What a browser gets for its code.
pub(crate) struct Granted {
    /// For the cookie.
    pub(crate) cookie: String,
    /// For the page.
    pub(crate) key: String,
}

impl Logins {
    fn kept(&self, now: Instant) -> MutexGuard<'_, Kept> {
        let mut kept = self.kept.lock();
        kept.codes.retain(|code| code.until > now);
        kept.logins.retain(|login| login.until > now);
        kept
    }

    /// A new code. Eighty bits: guessing it is hopeless, so that wrong ones need not be counted, and nobody can lock out its holder.
    ///
    /// # Errors
    /// `relay_internal` when the system has no randomness.
    pub(crate) fn issue(&self, pairing: Option<&str>, now: Instant) -> Outcome<String> {
        let text = secret(10)?;
        let mut kept = self.kept(now);
        push(
            &mut kept.codes,
            MAX_CODES,
            Code {
                text: text.clone(),
                pairing: pairing.map(str::to_owned),
                until: now + CODE_TTL,
            },
        );
        Ok(text)
    }

    /// Redeems a code, once. Dashes and spaces in it, and the case of its letters, do not matter.
    ///
    /// # Errors
    /// `relay_auth_invalid` when it is none, was redeemed or is too old.
    pub(crate) fn redeem(&self, typed: &str, now: Instant) -> Outcome<Granted> {
        let typed: String = typed
            .chars()
            .filter(|c| c.is_ascii_alphanumeric())
            .map(|c| c.to_ascii_lowercase())
            .collect();
        let granted = Granted {
            cookie: secret(32)?,
            key: secret(32)?,
        };
        let mut kept = self.kept(now);
        let place = kept.codes.iter().position(|code| same(&code.text, &typed)).ok_or_else(|| {
            Fault::new(
                ErrorCode::RelayAuthInvalid,
                "the login code is wrong, was used, or is too old: get another by odb-cli dashboard",
            )
        })?;
        let code = kept.codes.remove(place);
        let login = Login {
            pairing: code.pairing,
            cookie: granted.cookie.clone(),
            key: granted.key.clone(),
            until: now + LOGIN_TTL,
        };
        push(&mut kept.logins, MAX_LOGINS, login);
        Ok(granted)
    }

    /// Whether these are a login's two secrets; a login that calls stays.
    pub(crate) fn admits(&self, cookie: &str, key: &str, now: Instant) -> bool {
        let mut kept = self.kept(now);
        let login = kept
            .logins
            .iter_mut()
            .find(|login| same(&login.cookie, cookie) && same(&login.key, key));
        login.map(|login| login.until = now + LOGIN_TTL).is_some()
    }

    /// Ends a login.
    pub(crate) fn end(&self, cookie: &str, now: Instant) {
        self.kept(now)
            .logins
            .retain(|login| !same(&login.cookie, cookie));
        self.ended.send_replace(());
    }

    /// Ends the codes and logins of pairings that `holds` no longer knows.
    pub(crate) fn keep(&self, holds: impl Fn(&str) -> bool) {
        let known = |pairing: &Option<String>| pairing.as_deref().is_none_or(&holds);
        let mut kept = self.kept(Instant::now());
        kept.codes.retain(|code| known(&code.pairing));
        kept.logins.retain(|login| known(&login.pairing));
        drop(kept);
        self.ended.send_replace(());
    }

    /// Ends when the login with this cookie has been ended. One that grew old meanwhile ends with the next that is.
    pub(crate) async fn ended(&self, cookie: &str) {
        let mut ends = self.ended.subscribe();
        let gone = |(): &()| {
            let kept = self.kept(Instant::now());
            !kept.logins.iter().any(|login| same(&login.cookie, cookie))
        };
        // The sender lives as long as this.
        let _ = ends.wait_for(gone).await;
    }
}

fn push<T>(list: &mut Vec<T>, most: usize, new: T) {
    if list.len() >= most {
        list.remove(0);
    }
    list.push(new);
}

fn same(kept: &str, presented: &str) -> bool {
    kept.as_bytes().ct_eq(presented.as_bytes()).into()
}

fn secret(bytes: usize) -> Outcome<String> {
    let mut buffer = [0_u8; 32];
    let buffer = &mut buffer[..bytes];
    getrandom::fill(buffer)
        .map_err(|_| Fault::new(ErrorCode::RelayInternal, "the system has no randomness"))?;
    Ok(buffer.iter().map(|byte| format!("{byte:02x}")).collect())
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    #[test]
    fn a_code_opens_once_and_only_both_secrets_together_read() {
        let (logins, now) = (Logins::default(), Instant::now());
        let code = logins.issue(None, now).unwrap();
        let typed = format!("{}-{}", code[..10].to_uppercase(), &code[10..]);
        let granted = logins.redeem(&typed, now).unwrap();
        assert_eq!(
            logins.redeem(&code, now).err().map(|fault| fault.code),
            Some(ErrorCode::RelayAuthInvalid)
        );
        assert!(logins.admits(&granted.cookie, &granted.key, now));
        assert!(!logins.admits(&granted.cookie, "", now));
        assert!(!logins.admits(&granted.key, &granted.cookie, now));
        logins.end(&granted.cookie, now);
        assert!(!logins.admits(&granted.cookie, &granted.key, now));
    }

    #[test]
    fn codes_and_logins_grow_old() {
        let (logins, now) = (Logins::default(), Instant::now());
        let code = logins.issue(None, now).unwrap();
        assert!(logins.redeem(&code, now + CODE_TTL).is_err());
        let code = logins.issue(None, now).unwrap();
        let granted = logins.redeem(&code, now).unwrap();
        let later = now + LOGIN_TTL - Duration::from_secs(1);
        assert!(
            logins.admits(&granted.cookie, &granted.key, later),
            "a login that calls stays"
        );
        assert!(logins.admits(
            &granted.cookie,
            &granted.key,
            later + LOGIN_TTL - Duration::from_secs(1)
        ));
        assert!(!logins.admits(&granted.cookie, &granted.key, later + LOGIN_TTL * 3));
    }

    #[test]
    fn wrong_codes_lock_nobody_out_and_codes_do_not_pile_up() {
        let (logins, now) = (Logins::default(), Instant::now());
        let code = logins.issue(None, now).unwrap();
        for _ in 0..1_000 {
            assert!(logins.redeem("0000-0000", now).is_err());
        }
        assert!(logins.redeem(&code, now).is_ok());
        let first = logins.issue(None, now).unwrap();
        let rest: Vec<_> = (0..MAX_CODES)
            .map(|_| logins.issue(None, now).unwrap())
            .collect();
        assert!(logins.redeem(&first, now).is_err());
        assert!(logins.redeem(&rest[0], now).is_ok());
    }

    #[tokio::test]
    async fn codes_and_logins_end_with_the_pairing_that_had_them_issued() {
        let (logins, now) = (Logins::default(), Instant::now());
        let login = |pairing| {
            let code = logins.issue(pairing, now).unwrap();
            logins.redeem(&code, now).unwrap()
        };
        let (gone, kept, unpaired) = (login(Some("a")), login(Some("b")), login(None));
        let code = logins.issue(Some("a"), now).unwrap();
        let mut ended = Box::pin(logins.ended(&gone.cookie));
        assert!(ended.as_mut().now_or_never().is_none());
        logins.keep(|pairing| pairing == "b");
        ended.await;
        assert!(logins.redeem(&code, now).is_err());
        assert!(!logins.admits(&gone.cookie, &gone.key, now));
        for login in [kept, unpaired] {
            assert!(logins.admits(&login.cookie, &login.key, now));
        }
    }
}
