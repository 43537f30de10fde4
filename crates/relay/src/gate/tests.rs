use std::time::Duration;

use ops_contracts::ErrorCode;
use ops_contracts::wire::capability::AdapterKind;
use ops_contracts::wire::clock::{Clock, Timestamp};
use ops_contracts::wire::command::session::SessionMode;
use ops_contracts::wire::frame::ClientKind;
use ops_contracts::wire::limits::LaneLimits;

use ops_contracts::wire::routing::{CliControls, RoutingControls, RoutingMode};

use super::*;
use crate::config::{Labels, Timeouts, Versions};
use crate::endpoint::{Kind, Target, Traits};
use crate::rate::Payer;
use crate::routing::{LegacyGates, RoutingSettings, RoutingSetup};

const TOKEN: &str = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
const ADMIN: &str = "the admin token";

fn routing() -> RoutingSetup {
    let settings = RoutingSettings {
        controls: RoutingControls::default(),
        legacy: LegacyGates::OPEN,
        legacy_transitional_binding: false,
        prerelease_interop: false,
        warnings: Vec::new(),
    };
    let again = settings.clone();
    RoutingSetup {
        policy: Arc::new(::routing::decision::Rules),
        settings,
        read: Arc::new(move || Ok(again.clone())),
    }
}

fn admission() -> Admission {
    let lane = LaneLimits {
        max_payload_bytes: 100,
        requests_per_minute: 1,
        burst: 2,
        max_timeout_ms: 1_000,
    };
    let config = RelayConfig {
        listen: "127.0.0.1:9555".parse().unwrap(),
        insecure_listen: false,
        tls: None,
        token: Token::new(TOKEN.to_owned()),
        admin_token: Some(Token::new(ADMIN.to_owned())),
        pairing: crate::pairing::Pairing::off(),
        allowed_hosts: vec!["Browser.Example".to_owned()],
        allowed_extensions: vec!["abcdefghijklmnopabcdefghijklmnop".to_owned()],
        limits: LimitsProfile {
            name: "test".to_owned(),
            ops: lane,
            cdp: lane,
        },
        timeouts: Timeouts::default(),
        idle_exit: Some(Duration::from_secs(1)),
        instance_id: String::new(),
        versions: Versions {
            relay: "0.2.0".to_owned(),
            window_n: None,
            window_n_minus1: None,
        },
        routing: routing(),
        capabilities: Vec::new(),
        labels: Labels {
            adapter: AdapterKind::Cdp,
            mode: SessionMode::Managed,
        },
        health: None,
        warnings: Vec::new(),
        signing: crate::provenance::Signing::default(),
        ledger: None,
        phase: ops_contracts::control::scorecard::Phase::Pilot,
        demo: false,
    };
    let routing = Arc::new(Routing::new(&config.routing, &config.versions.relay, None));
    let clock = Arc::new(Still);
    let traffic = Arc::new(crate::server::count(&config, clock).unwrap());
    let lane = Arc::new(Lane::new(&config.limits, traffic));
    Admission::new(&config, config.listen, routing, lane, Arc::default())
}

/// A clock that stands still.
struct Still;

impl Clock for Still {
    fn now(&self) -> Timestamp {
        Timestamp::from_unix_millis(1_700_000_000_000)
    }
}

fn good<'a>() -> Facts<'a> {
    Facts {
        host: Field::One("127.0.0.1:9555"),
        token: Field::One(TOKEN),
        ..Facts::default()
    }
}

/// Checks which gate refuses with which code; `None` where every gate passes.
#[track_caller]
fn check(facts: &Facts<'_>, expected: Option<(ErrorCode, &str)>) {
    let admission = admission();
    let later = [Phase::Lane, Phase::Session, Phase::Message, Phase::Command];
    let refused = match admission.enter(facts) {
        Ok(permit) => admission.pass(&permit, &later, facts).err(),
        Err(refusal) => Some(refusal.fault),
    };
    let seen = refused.as_ref().map(|fault| {
        (
            fault.code,
            fault
                .details
                .get("gate")
                .and_then(|gate| gate.as_str())
                .unwrap_or_default(),
        )
    });
    assert_eq!(seen, expected, "{facts:?}");
}

/// What a request line names.
fn at(method: &str, path: &str) -> Traits {
    Target::of(&method.parse().unwrap(), path).traits()
}

/// Endpoints that take the relay token, and a path that there is not.
fn of_clients() -> [Traits; 4] {
    [
        at("POST", "/ops"),
        at("GET", "/status"),
        at("GET", "/metrics"),
        at("GET", "/nothing"),
    ]
    .map(|traits| Traits {
        // Versions have tests of their own.
        kind: Kind::Plain,
        ..traits
    })
}

#[test]
fn a_request_of_each_lane_meets_its_gates_in_this_order() {
    let met = |lane, phases: &[Phase]| {
        let names = gates_of(phases, lane).map(|gate| gate.name.map_or("", GateLabel::as_str));
        names.collect::<Vec<_>>()
    };
    let peer = [Phase::Peer, Phase::Client];
    assert_eq!(
        met(RouteLabel::Ops, &peer),
        [
            "host", "origin", "auth", "pairing", "admin", "version", "payload"
        ]
    );
    assert_eq!(
        met(RouteLabel::Cdp, &peer),
        ["host", "origin", "auth", "pairing", "admin", "payload"]
    );
    let run = [Phase::Lane, Phase::Session, Phase::Message, Phase::Command];
    assert_eq!(
        met(RouteLabel::Ops, &run),
        ["route", "payload", "rate", "", "policy", ""]
    );
    assert_eq!(met(RouteLabel::Cdp, &[Phase::Lane]), ["route"]);
    assert_eq!(
        met(RouteLabel::Cdp, &[Phase::Session]),
        ["route", "policy", "lease", "rate", ""]
    );
    assert_eq!(
        met(RouteLabel::Cdp, &[Phase::Message, Phase::Command]),
        ["payload", "lease", "rate", "", ""]
    );
}

#[test]
fn the_gates_stand_in_the_order_of_their_phases() {
    let mut phases: Vec<Phase> = GATES.iter().map(|gate| gate.phase).collect();
    phases.dedup();
    use Phase::{Client, Command, Lane, Message, Peer, Session};
    assert_eq!(phases, [Peer, Client, Lane, Session, Message, Command]);
}

#[test]
fn the_host_must_be_ours() {
    for host in [
        "127.0.0.1:9555",
        "localhost:9555",
        "LOCALHOST:9555",
        "[::1]:9555",
        "browser.example",
        "browser.example:9555",
    ] {
        check(
            &Facts {
                host: Field::One(host),
                ..good()
            },
            None,
        );
    }
    let denied = Some((ErrorCode::RelayHostDenied, "host"));
    for host in [
        "127.0.0.1",
        "127.0.0.1:9556",
        "localhost",
        "evil.example:9555",
        "127.0.0.1:9555.evil.example",
        "127.0.0.2:9555",
        "",
    ] {
        check(
            &Facts {
                host: Field::One(host),
                ..good()
            },
            denied,
        );
    }
    check(
        &Facts {
            host: Field::Absent,
            ..good()
        },
        denied,
    );
    check(
        &Facts {
            host: Field::Invalid,
            ..good()
        },
        denied,
    );
    check(
        &Facts {
            authority: Some("evil.example:9555"),
            ..good()
        },
        denied,
    );
    check(
        &Facts {
            authority: Some("localhost:9555"),
            host: Field::Absent,
            ..good()
        },
        None,
    );
}

#[test]
fn no_page_passes_the_origin_gate_even_with_the_token() {
    let denied = Some((ErrorCode::RelayOriginDenied, "origin"));
    for origin in [
        "null",
        "http://127.0.0.1:9555",
        "http://localhost:9555",
        "https://example.com",
        "file://",
        "",
        "chrome-extension://bcdefghijklmnopabcdefghijklmnopa",
        "chrome-extension://",
        "moz-extension://x",
    ] {
        check(
            &Facts {
                origin: Field::One(origin),
                ..good()
            },
            denied,
        );
    }
    check(
        &Facts {
            origin: Field::Invalid,
            ..good()
        },
        denied,
    );
    check(
        &Facts {
            fetch_metadata: true,
            ..good()
        },
        denied,
    );
    let extension = Field::One("chrome-extension://abcdefghijklmnopabcdefghijklmnop");
    check(
        &Facts {
            origin: extension,
            ..good()
        },
        None,
    );
    check(
        &Facts {
            origin: extension,
            fetch_metadata: true,
            ..good()
        },
        None,
    );
    check(
        &Facts {
            origin: extension,
            token: Field::Absent,
            ..good()
        },
        Some((ErrorCode::RelayAuthRequired, "auth")),
    );
}

#[test]
fn a_refused_extension_is_named() {
    let facts = Facts {
        origin: Field::One("chrome-extension://seen"),
        ..good()
    };
    let fault = admission().enter(&facts).err().unwrap().fault;
    assert_eq!(
        fault.details.get("extensionId").and_then(|id| id.as_str()),
        Some("seen")
    );
}

#[test]
fn every_endpoint_but_healthz_needs_the_token() {
    for target in of_clients() {
        check(
            &Facts {
                target,
                token: Field::Absent,
                ..good()
            },
            Some((ErrorCode::RelayAuthRequired, "auth")),
        );
        for wrong in ["", "x", &TOKEN[1..], &TOKEN.to_uppercase()] {
            check(
                &Facts {
                    target,
                    token: Field::One(wrong),
                    ..good()
                },
                Some((ErrorCode::RelayAuthInvalid, "auth")),
            );
        }
    }
    let healthz = Facts {
        target: at("GET", "/healthz"),
        token: Field::Absent,
        ..good()
    };
    check(&healthz, None);
    check(
        &Facts {
            host: Field::One("evil.example"),
            ..healthz
        },
        Some((ErrorCode::RelayHostDenied, "host")),
    );
}

#[test]
fn a_missing_an_old_and_an_ambiguous_contract_version_are_told_apart() {
    let facts = |contract| {
        let versions = ClientVersions {
            contract,
            kind: Some(ClientKind::Other),
            client: None,
        };
        Facts {
            versions: Some(versions),
            ..good()
        }
    };
    check(&facts(Field::One("1.1.0")), None);
    check(
        &facts(Field::Absent),
        Some((ErrorCode::RelayOpsVersionInvalid, "version")),
    );
    check(
        &facts(Field::Invalid),
        Some((ErrorCode::RelayOpsVersionInvalid, "version")),
    );
    check(
        &facts(Field::One("9.0.0")),
        Some((ErrorCode::RelayOpsVersionUnsupported, "version")),
    );
}

#[test]
fn the_payload_gate_knows_its_cap_to_the_byte() {
    check(
        &Facts {
            payload: Some(100),
            ..good()
        },
        None,
    );
    check(
        &Facts {
            payload: Some(101),
            ..good()
        },
        Some((ErrorCode::RelayPayloadTooLarge, "payload")),
    );
}

#[test]
fn the_rate_gate_comes_last() {
    let client: ClientId = "c".parse().unwrap();
    let charge = Charge {
        payer: Payer::Peer(&client),
        bucket: Bucket::Commands,
        cost: 3,
    };
    check(
        &Facts {
            charge: Some(charge),
            ..good()
        },
        Some((ErrorCode::RelayBatchTooLarge, "rate")),
    );
    check(
        &Facts {
            charge: Some(charge),
            payload: Some(101),
            ..good()
        },
        Some((ErrorCode::RelayPayloadTooLarge, "payload")),
    );
}

#[test]
fn the_gate_before_wins_over_the_gate_behind() {
    let worst = Facts {
        payload: Some(101),
        ..Facts::default()
    };
    check(&worst, Some((ErrorCode::RelayHostDenied, "host")));
}

#[test]
fn routing_binds_the_making_of_sessions_alone() {
    let legacy = CliControls {
        routing_mode: Some(RoutingMode::LegacyCdp),
        ..CliControls::default()
    };
    let asker = Asker {
        controls: RequestControls {
            cli: legacy,
            ..RequestControls::default()
        },
        ..Asker::default()
    };
    check(
        &Facts {
            opening: Some(Opening::Ops(&asker)),
            ..good()
        },
        Some((ErrorCode::RelayOpsRouteDisabled, "route")),
    );
    check(
        &Facts {
            opening: Some(Opening::Ops(&Asker::default())),
            ..good()
        },
        None,
    );
    check(&good(), None);
}

#[test]
fn admin_endpoints_are_opened_by_the_admin_token_and_nothing_else() {
    for path in ["/admin/config/reload", "/admin/routing"] {
        let facts = |token| Facts {
            target: at("POST", path),
            admin_token: token,
            ..good()
        };
        check(&facts(Field::One(ADMIN)), None);
        for wrong in [
            Field::Absent,
            Field::Invalid,
            Field::One(""),
            Field::One(TOKEN),
            Field::One("the admin toke"),
        ] {
            check(&facts(wrong), Some((ErrorCode::RelayAdminInvalid, "admin")));
        }
        check(
            &Facts {
                token: Field::Absent,
                ..facts(Field::One(ADMIN))
            },
            Some((ErrorCode::RelayAuthRequired, "auth")),
        );
    }
    let permit = |token| {
        let facts = Facts {
            admin_token: token,
            ..good()
        };
        let permit = admission().enter(&facts).ok();
        permit.map(|permit| permit.is_admin())
    };
    assert_eq!(permit(Field::Absent), Some(false));
    assert_eq!(permit(Field::One(ADMIN)), Some(true));
    assert_eq!(permit(Field::One("x")), None, "a wrong one is told");
}

#[test]
fn an_identity_is_what_was_authenticated_and_controls_that_make_no_sense_are_refused() {
    let identity = |facts: &Facts<'_>| {
        let permit = admission().enter(facts).ok().unwrap();
        permit
            .asker()
            .identities
            .canonical()
            .map(ToString::to_string)
    };
    assert_eq!(identity(&good()), None, "callers without a name share none");
    assert_eq!(
        identity(&Facts {
            client_id: Field::One("alice-01"),
            ..good()
        })
        .as_deref(),
        Some("cli:alice-01")
    );
    assert_eq!(
        identity(&Facts {
            client_id: Field::One("al"),
            ..good()
        }),
        None,
        "too short for an identity"
    );
    let origin = Field::One("chrome-extension://abcdefghijklmnopabcdefghijklmnop");
    let extension = identity(&Facts {
        origin,
        client_id: Field::One("alice-01"),
        ..good()
    });
    assert_eq!(
        extension.as_deref(),
        Some("extension:alice-01"),
        "the installation, not the extension: a rollout moves profiles one by one"
    );
    for wrong in ["", "{", "[]", r#"{"cli":{"routingMode":"cdp"}}"#] {
        check(
            &Facts {
                routing: Field::One(wrong),
                ..good()
            },
            Some((ErrorCode::RelayFrameInvalid, "")),
        );
    }
}

/// One client is paired.
struct OnePairing;

impl crate::pairing::PairingStore for OnePairing {
    fn find(&self, token: &[u8]) -> Option<String> {
        (token == b"a pairing token").then(|| "0123456789abcdef".to_owned())
    }

    fn holds(&self, _: &str) -> bool {
        true
    }

    fn redeem(&self, _: &str) -> Outcome<crate::pairing::Paired> {
        Err(Fault::plain(ErrorCode::RelayPairingInvalid))
    }
}

fn pairing(required: bool) -> Admission {
    Admission {
        pairing: crate::pairing::Pairing {
            required,
            store: Arc::new(OnePairing),
        },
        ..admission()
    }
}

#[test]
fn pairing_on_and_off_with_tokens_missing_wrong_and_valid() {
    use ErrorCode::{
        RelayAuthInvalid, RelayAuthRequired, RelayPairingInvalid, RelayPairingRequired,
    };
    let (absent, wrong, token, paired) = (
        Field::Absent,
        Field::One("x"),
        Field::One(TOKEN),
        Field::One("a pairing token"),
    );
    for (required, token, pairing_token, expected) in [
        (true, absent, absent, Some((RelayAuthRequired, false))),
        (true, absent, paired, Some((RelayAuthRequired, false))),
        (true, wrong, paired, Some((RelayAuthInvalid, false))),
        (true, token, absent, Some((RelayPairingRequired, false))),
        (true, token, wrong, Some((RelayPairingInvalid, false))),
        (
            true,
            token,
            Field::Invalid,
            Some((RelayPairingInvalid, false)),
        ),
        (true, token, paired, None),
        (false, absent, absent, Some((RelayAuthRequired, false))),
        (false, absent, paired, Some((RelayAuthRequired, false))),
        (false, token, absent, None),
        (false, token, wrong, None),
        (false, token, paired, None),
    ] {
        for target in of_clients() {
            let facts = Facts {
                target,
                token,
                pairing: pairing_token,
                ..good()
            };
            let seen = pairing(required).enter(&facts).err();
            let seen = seen.map(|refusal| (refusal.fault.code, refusal.authenticated));
            assert_eq!(seen, expected, "{required} {facts:?}");
        }
    }
    // Pairing itself needs the relay token, and no pairing.
    let pair = |token| {
        let facts = Facts {
            target: at("POST", "/pair"),
            token,
            ..good()
        };
        let refusal = pairing(true).enter(&facts).err();
        refusal.map(|refusal| refusal.fault.code)
    };
    assert_eq!((pair(token), pair(absent)), (None, Some(RelayAuthRequired)));
}

#[test]
fn identities_are_taken_in_the_order_of_their_priority() {
    let identity = |client_id, origin| {
        let facts = Facts {
            client_id,
            origin,
            pairing: Field::One("a pairing token"),
            ..good()
        };
        let permit = pairing(true).enter(&facts).ok().unwrap();
        permit
            .asker()
            .identities
            .canonical()
            .map(ToString::to_string)
    };
    let origin = Field::One("chrome-extension://abcdefghijklmnopabcdefghijklmnop");
    assert_eq!(
        identity(Field::One("alice-01"), Field::Absent).as_deref(),
        Some("cli:alice-01")
    );
    assert_eq!(
        identity(Field::Absent, Field::Absent).as_deref(),
        Some("pairing:0123456789abcdef")
    );
    assert_eq!(
        identity(Field::One("alice-01"), origin).as_deref(),
        Some("pairing:0123456789abcdef")
    );
}

#[test]
fn fuzz_host_and_origin_headers_pass_only_where_they_name_us() {
    use conformance::fuzz::{Target, run};
    let words: &[&str] = &[
        "127.0.0.1:9555",
        "localhost:9555",
        "[::1]:9555",
        "browser.example",
        "evil.example",
        "null",
        "chrome-extension://",
        "abcdefghijklmnopabcdefghijklmnop",
        "http://",
        "\n",
        "@",
        ":",
        ".",
        "%00",
        " ",
        "\t",
        ",",
    ];
    let corpora = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fuzz");
    let admission = admission();
    let status = at("GET", "/status");
    run(
        &Target {
            name: "heads",
            corpora,
            words,
        },
        |input| {
            // The first line is the host, the second the origin.
            let mut lines = input.splitn(2, |byte| *byte == b'\n');
            let (host, origin) = (lines.next().unwrap_or_default(), lines.next());
            let mut request = hyper::Request::builder()
                .uri("/status")
                .header("authorization", format!("Bearer {TOKEN}"));
            request = request.header("host", host);
            if let Some(origin) = origin {
                request = request.header("origin", origin);
            }
            let Ok(request) = request.body(()) else {
                return "no header".to_owned();
            };
            let (head, ()) = request.into_parts();
            match admission.enter(&Facts::of(&head, status, true)) {
                Ok(_) => {
                    let named = String::from_utf8(host.to_vec())
                        .unwrap()
                        .to_ascii_lowercase();
                    let named = named.trim();
                    let ours = [
                        "127.0.0.1:9555",
                        "localhost:9555",
                        "[::1]:9555",
                        "browser.example",
                        "browser.example:9555",
                    ];
                    assert!(ours.contains(&named), "{named:?} passed");
                    let allowed = b"chrome-extension://abcdefghijklmnopabcdefghijklmnop";
                    assert!(
                        origin.is_none_or(|origin| origin.trim_ascii() == allowed),
                        "{origin:?} passed"
                    );
                    "passed".to_owned()
                }
                Err(refusal) => format!(
                    "{} {}",
                    refusal.fault.code,
                    refusal.fault.message.split('"').next().unwrap_or_default()
                ),
            }
        },
    );
}
