//! Cookies of the context.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use futures_util::future::join_all;
use ops_contracts::seam::adapter::{Cookies, Effect, Performed};
use ops_contracts::wire::command::storage::{Cookie, SameSite};

use super::{BidiContext, STRUCTURE_DEADLINE, failed, within};
use crate::connection::{CallError, Refusal, Route};
use crate::protocol::Command;
use crate::protocol::storage::{
    self as protocol, BytesType, CookieFilter, DeleteCookies, GetCookies, PartialCookie, Partition,
    SetCookie, Text,
};

impl Cookies for BidiContext {
    async fn read_cookies(&self) -> Performed {
        let reply = self.browser.connection.send(
            &GetCookies {
                partition: Partition::of(self.id(), None),
            },
            Route::BROWSER,
        );
        let read = within(STRUCTURE_DEADLINE, async {
            reply.decode().await.map_err(failed(GetCookies::METHOD))
        })
        .await?;
        Ok(Effect::Cookies(
            read.cookies.into_iter().map(cookie).collect(),
        ))
    }

    /// The commands are sent together; each cookie is taken or refused by itself.
    async fn write_cookies(&self, cookies: &[Cookie]) -> Performed {
        let replies: Vec<_> = cookies
            .iter()
            .map(|cookie| {
                let partition = Partition::of(self.id(), cookie.partition_key.as_deref());
                self.browser.connection.send(
                    &SetCookie {
                        cookie: partial(cookie),
                        partition,
                    },
                    Route::BROWSER,
                )
            })
            .collect();
        let answers = within(STRUCTURE_DEADLINE, async { Ok(join_all(replies).await) }).await?;
        let mut refused = Vec::new();
        for (at, answer) in answers.into_iter().enumerate() {
            match answer {
                Ok(_) => {}
                // The browser's text may repeat the value; the error's name does not.
                Err(CallError::Refused(Refusal { error, .. })) => refused.push((at, error)),
                Err(error) => return Err(failed(SetCookie::METHOD)(error)),
            }
        }
        Ok(Effect::Refused(refused))
    }

    async fn remove_cookies(&self, cookies: Option<&[Cookie]>) -> Performed {
        let connection = &self.browser.connection;
        let replies: Vec<_> = match cookies {
            None => {
                vec![connection.send(
                    &DeleteCookies {
                        filter: None,
                        partition: Partition::of(self.id(), None),
                    },
                    Route::BROWSER,
                )]
            }
            Some(cookies) => cookies
                .iter()
                .map(|cookie| {
                    let filter = CookieFilter {
                        name: &cookie.name,
                        domain: &cookie.domain,
                        path: &cookie.path,
                    };
                    let partition = Partition::of(self.id(), cookie.partition_key.as_deref());
                    connection.send(
                        &DeleteCookies {
                            filter: Some(filter),
                            partition,
                        },
                        Route::BROWSER,
                    )
                })
                .collect(),
        };
        let answers = within(STRUCTURE_DEADLINE, async { Ok(join_all(replies).await) }).await?;
        for answer in answers {
            answer.map_err(failed(DeleteCookies::METHOD))?;
        }
        Ok(Effect::Done)
    }
}

/// A cookie as the contract has it. Seconds are whole numbers far below what a float can't hold.
#[expect(
    clippy::cast_precision_loss,
    reason = "the last second that a float holds is millions of years away"
)]
fn cookie(read: protocol::Cookie) -> Cookie {
    let text = match read.value.r#type {
        BytesType::Base64 => {
            let bytes = STANDARD.decode(&read.value.value);
            bytes.map_or(read.value.value, |bytes| {
                String::from_utf8_lossy(&bytes).into_owned()
            })
        }
        BytesType::String | BytesType::Unknown => read.value.value,
    };
    Cookie {
        name: read.name,
        value: text.into(),
        domain: read.domain,
        path: read.path,
        expires: read.expiry.map_or(-1.0, |seconds| seconds as f64),
        http_only: read.http_only,
        secure: read.secure,
        same_site: match read.same_site {
            protocol::SameSite::Strict => Some(SameSite::Strict),
            protocol::SameSite::Lax => Some(SameSite::Lax),
            protocol::SameSite::None => Some(SameSite::None),
            protocol::SameSite::Unknown => None,
        },
        partition_key: None,
        cross_site_ancestor: None,
    }
}

/// Casts saturate.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "saturates, and negative ones are sorted out"
)]
fn partial(cookie: &Cookie) -> PartialCookie<'_> {
    PartialCookie {
        name: &cookie.name,
        value: Text {
            r#type: "string",
            value: &cookie.value,
        },
        domain: &cookie.domain,
        path: &cookie.path,
        http_only: cookie.http_only,
        secure: cookie.secure,
        same_site: cookie.same_site.map(|policy| match policy {
            SameSite::Strict => "strict",
            SameSite::Lax => "lax",
            SameSite::None => "none",
        }),
        expiry: (cookie.expires >= 0.0).then_some(cookie.expires as u64),
    }
}
