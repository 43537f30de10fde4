//! What a session has said about its requests: rules, headers, credentials, how good the network is. Decides, and does
//! nothing: it is asked where events arrive, so that no request waits for a command.

use std::sync::Arc;

use ops_contracts::seam::adapter::{
    AbortReason, Challenge, Decision, Headers, NetworkConditions, NetworkPolicy, PausedRequest,
    ResourceKind,
};
use ops_contracts::wire::command::network::{Modify, RouteAction, RouteInfo};

use crate::pattern;

/// What a rule does.
#[derive(Debug, Clone)]
pub(crate) enum Action {
    /// Answers.
    Fulfil {
        status: u16,
        headers: Headers,
        body: Arc<Vec<u8>>,
    },
    /// Fails.
    Abort(AbortReason),
    /// Changes.
    Modify(Box<Modify>),
}

/// A rule.
#[derive(Debug, Clone)]
pub(crate) struct Rule {
    pub(crate) info: RouteInfo,
    pub(crate) kinds: Vec<ResourceKind>,
    pub(crate) action: Action,
}

/// Credentials for a server, for all of them, or for the proxy.
#[derive(Clone)]
pub(crate) struct Credential {
    pub(crate) origin: Option<String>,
    pub(crate) proxy: bool,
    pub(crate) username: String,
    pub(crate) password: String,
}

/// Everything that a session has said about its requests.
#[derive(Clone, Default)]
pub(crate) struct Routes {
    pub(crate) rules: Vec<Rule>,
    last: u32,
    pub(crate) headers: Headers,
    pub(crate) conditions: Option<NetworkConditions>,
    pub(crate) credentials: Vec<Credential>,
}

impl Routes {
    /// The number of the next rule.
    pub(crate) fn next(&mut self) -> u32 {
        self.last += 1;
        self.last
    }

    /// The rules as the contract tells of them.
    pub(crate) fn infos(&self) -> Vec<RouteInfo> {
        self.rules.iter().map(|rule| rule.info.clone()).collect()
    }

    /// What the adapter has to make hold.
    pub(crate) fn policy(&self) -> NetworkPolicy {
        NetworkPolicy {
            headers: self.headers.clone(),
            conditions: self.conditions,
            pause: self
                .rules
                .iter()
                .map(|rule| rule.info.url.clone())
                .collect(),
            authenticate: !self.credentials.is_empty(),
        }
    }

    /// What becomes of a request: the last rule that fits it holds; without one it goes on as it is.
    pub(crate) fn decide(&mut self, request: &PausedRequest) -> Decision {
        let Some(rule) = self.rules.iter_mut().rev().find(|rule| rule.fits(request)) else {
            return on();
        };
        rule.info.hits += 1;
        rule.info.times_left = rule.info.times_left.map(|left| left.saturating_sub(1));
        match &rule.action {
            Action::Abort(reason) => Decision::Abort(*reason),
            Action::Modify(modify) => modified(modify, request),
            Action::Fulfil {
                status,
                headers,
                body,
            } => {
                let headers = readable(headers.clone(), request);
                Decision::Fulfil {
                    status: *status,
                    headers,
                    body: body.as_ref().clone(),
                }
            }
        }
    }

    /// The answer to a question for credentials. Wrong ones are not given twice.
    pub(crate) fn answer(&self, challenge: &Challenge) -> Decision {
        let origin = |text: &str| text.trim_end_matches('/').to_ascii_lowercase();
        let for_it = |credential: &&Credential| {
            credential.proxy == challenge.proxy
                && credential
                    .origin
                    .as_ref()
                    .is_none_or(|named| origin(named) == origin(&challenge.origin))
        };
        // What names its server goes before what is for all of them.
        let exact = self
            .credentials
            .iter()
            .filter(for_it)
            .find(|credential| credential.origin.is_some());
        match exact.or_else(|| self.credentials.iter().find(for_it)) {
            Some(held) if !challenge.again => Decision::Credentials {
                username: held.username.clone(),
                password: held.password.clone(),
            },
            _ => Decision::NoCredentials,
        }
    }
}

impl Rule {
    fn fits(&self, request: &PausedRequest) -> bool {
        self.info.times_left != Some(0)
            && self
                .info
                .method
                .as_ref()
                .is_none_or(|method| method.eq_ignore_ascii_case(&request.method))
            && (self.kinds.is_empty() || self.kinds.contains(&request.kind))
            && pattern::matches(&self.info.url, &request.url)
    }
}

impl Action {
    pub(crate) fn kind(&self) -> RouteAction {
        match self {
            Self::Fulfil { .. } => RouteAction::Fulfil,
            Self::Abort(_) => RouteAction::Abort,
            Self::Modify(_) => RouteAction::Modify,
        }
    }
}

fn on() -> Decision {
    Decision::Continue {
        url: None,
        method: None,
        headers: None,
        body: None,
    }
}

fn modified(modify: &Modify, request: &PausedRequest) -> Decision {
    let changes = !modify.set_headers.is_empty() || !modify.remove_headers.is_empty();
    let headers = changes.then(|| {
        let set = |name: &str| {
            modify
                .set_headers
                .iter()
                .any(|header| header.name.eq_ignore_ascii_case(name))
        };
        let removed = |name: &str| {
            modify
                .remove_headers
                .iter()
                .any(|removed| removed.eq_ignore_ascii_case(name))
        };
        let kept = request
            .headers
            .iter()
            .filter(|(name, _)| !set(name) && !removed(name))
            .cloned();
        kept.chain(
            modify
                .set_headers
                .iter()
                .map(|header| (header.name.clone(), header.value.clone())),
        )
        .collect()
    });
    Decision::Continue {
        url: modify.url.clone(),
        method: modify.method.clone(),
        headers,
        body: modify.body.clone().map(String::into_bytes),
    }
}

/// A page that asks another site reads an answer of ours as it reads its own: nobody else could allow it.
fn readable(mut headers: Headers, request: &PausedRequest) -> Headers {
    let given = headers
        .iter()
        .any(|(name, _)| name.eq_ignore_ascii_case("access-control-allow-origin"));
    let origin = request
        .headers
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case("origin"));
    if let (false, Some((_, origin))) = (given, origin) {
        headers.push(("access-control-allow-origin".to_owned(), origin.clone()));
        headers.push((
            "access-control-allow-credentials".to_owned(),
            "true".to_owned(),
        ));
        headers.push(("vary".to_owned(), "origin".to_owned()));
    }
    headers
}

#[cfg(test)]
mod tests {
    use ops_contracts::seam::adapter::TargetKey;
    use ops_contracts::wire::command::network::Header;

    use super::*;

    fn rule(
        routes: &mut Routes,
        url: &str,
        method: Option<&str>,
        times: Option<u32>,
        action: Action,
    ) {
        let info = RouteInfo {
            route: routes.next(),
            url: url.to_owned(),
            method: method.map(str::to_owned),
            action: action.kind(),
            hits: 0,
            times_left: times,
        };
        routes.rules.push(Rule {
            info,
            kinds: Vec::new(),
            action,
        });
    }

    fn request(method: &str, url: &str) -> PausedRequest {
        PausedRequest {
            target: TargetKey(1),
            frame: None,
            request: None,
            url: url.to_owned(),
            method: method.to_owned(),
            kind: ResourceKind::Fetch,
            headers: vec![
                ("A".to_owned(), "1".to_owned()),
                ("B".to_owned(), "2".to_owned()),
            ],
        }
    }

    #[test]
    fn the_last_rule_that_fits_holds_as_often_as_it_may() {
        let mut routes = Routes::default();
        rule(
            &mut routes,
            "**/api/**",
            None,
            None,
            Action::Abort(AbortReason::Failed),
        );
        rule(
            &mut routes,
            "**/api/one",
            Some("post"),
            Some(1),
            Action::Abort(AbortReason::TimedOut),
        );
        assert_eq!(
            routes.decide(&request("GET", "http://x/api/one")),
            Decision::Abort(AbortReason::Failed)
        );
        assert_eq!(
            routes.decide(&request("POST", "http://x/api/one")),
            Decision::Abort(AbortReason::TimedOut)
        );
        assert_eq!(
            routes.decide(&request("POST", "http://x/api/one")),
            Decision::Abort(AbortReason::Failed)
        );
        assert_eq!(routes.decide(&request("GET", "http://x/other")), on());
        let infos = routes.infos();
        assert_eq!(
            (infos[0].hits, infos[1].hits, infos[1].times_left),
            (2, 1, Some(0))
        );
    }

    #[test]
    fn headers_are_set_and_removed_whatever_their_case() {
        let modify = Modify {
            set_headers: vec![Header {
                name: "a".to_owned(),
                value: "9".to_owned(),
            }],
            remove_headers: vec!["b".to_owned()],
            ..Modify::default()
        };
        let Decision::Continue {
            headers, url: None, ..
        } = modified(&modify, &request("GET", "http://x/"))
        else {
            panic!()
        };
        assert_eq!(headers, Some(vec![("a".to_owned(), "9".to_owned())]));
    }

    #[test]
    fn credentials_go_to_whom_they_are_for_and_only_once() {
        let credential = |origin: Option<&str>, proxy, username: &str| Credential {
            origin: origin.map(str::to_owned),
            proxy,
            username: username.to_owned(),
            password: String::new(),
        };
        let credentials = vec![
            credential(None, false, "any"),
            credential(Some("http://x:1"), false, "x"),
            credential(None, true, "proxy"),
        ];
        let routes = Routes {
            credentials,
            ..Routes::default()
        };
        let check = |origin: &str, proxy, again, expected: Option<&str>| {
            let challenge = Challenge {
                target: TargetKey(1),
                url: String::new(),
                origin: origin.to_owned(),
                proxy,
                again,
            };
            let given = match routes.answer(&challenge) {
                Decision::Credentials { username, .. } => Some(username),
                _ => None,
            };
            assert_eq!(given.as_deref(), expected);
        };
        check("http://x:1", false, false, Some("x"));
        check("http://y", false, false, Some("any"));
        check("http://p", true, false, Some("proxy"));
        check("http://x:1", false, true, None);
    }
}
