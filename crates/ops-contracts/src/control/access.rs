//! Which commands a client may use: rules by command and by client, read from a file of the operator's. Data and one pure decision;
//! the edge enforces it before anything is queued.
//!
//! A policy that can't be interpreted as a whole is none: nothing of it is guessed, and whoever enforces it refuses everything.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::wire::clock::Timestamp;
use crate::wire::command::batch::RunParams;
use crate::wire::command::{CommandName, InvalidField, parse_json};
use crate::wire::frame::ClientKind;
use crate::wire::ids::{ClientId, RequestId, SessionId};

mod class;

pub use class::{Class, Classes};

/// The version of the policy's schema that this version reads.
pub const POLICY_SCHEMA_VERSION: u32 = 1;

/// What stands for opening a session of the legacy lane, among the commands of a rule.
pub const LEGACY_SESSION: &str = "cdp.session";

/// What becomes of a command.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Access {
    /// It runs.
    Allow,
    /// It waits until another credential than the requester's approves of it.
    Confirm,
    /// It is refused.
    Deny,
}

/// A policy about commands, as it stands in its file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AccessPolicy {
    /// Version of the schema: 1.
    pub policy_schema_version: u32,
    /// What becomes of a command that no rule is about.
    pub default: Access,
    /// The rules; the first one that is about command and client decides.
    #[serde(default)]
    pub rules: Vec<AccessRule>,
    /// How long a confirmation may be given, in milliseconds, 1,000 to 3,600,000; 5 minutes when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confirm_within_ms: Option<u64>,
}

/// One rule of a policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AccessRule {
    /// The name that refusals give.
    pub name: String,
    /// Commands by name (`dom.eval`), groups (`storage.*`), all (`*`), by what they do (`class:script`, `class:network`,
    /// `class:files`, `class:credentials`, `class:input`, `class:read`), or `cdp.session` for the legacy lane. A rule that denies or
    /// asks is about what is of one of its classes; one that allows about what is of none but its classes.
    pub commands: Vec<String>,
    /// Clients: `kind:cli`, `kind:extension`, `kind:other`, `client:ID`, `pairing:ID`, `admin`; all of them when empty. What a
    /// client says of itself (kind and client) is no credential; pairing and admin are.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub clients: Vec<String>,
    /// What becomes of such a command.
    pub access: Access,
}

/// Who asks, as the edge has established it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Requester {
    /// The client, by its own word.
    pub client: ClientId,
    /// Its kind, by its own word.
    pub kind: Option<ClientKind>,
    /// The id of the pairing whose token was presented.
    pub pairing: Option<String>,
    /// Whether the admin token was presented.
    pub admin: bool,
}

/// What a policy says, and the rule that says it; none where it is the default.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ruling<'a> {
    /// What becomes of the command.
    pub access: Access,
    /// The rule's name.
    pub rule: Option<&'a str>,
}

impl AccessPolicy {
    /// Reads a policy.
    ///
    /// # Errors
    /// The first field that is not as it must be. A command that does not exist is one: it would be a rule about nothing.
    pub fn parse(text: &str) -> Result<Self, InvalidField> {
        if !text.trim_start().starts_with('{') {
            return Err(InvalidField::new("policy", "a JSON object"));
        }
        let policy: Self = parse_json(text)?;
        if policy.policy_schema_version != POLICY_SCHEMA_VERSION {
            return Err(InvalidField::new(
                "policySchemaVersion",
                POLICY_SCHEMA_VERSION.to_string(),
            ));
        }
        if policy
            .confirm_within_ms
            .is_some_and(|within| !(1_000..=3_600_000).contains(&within))
        {
            return Err(InvalidField::new("confirmWithinMs", "1000 to 3600000"));
        }
        policy
            .rules
            .iter()
            .enumerate()
            .try_for_each(|(at, rule)| rule.check(at))?;
        Ok(policy)
    }

    /// What becomes of a command; of a batch, the strictest of what becomes of it and of each of its commands.
    #[must_use]
    pub fn ruling(&self, command: &str, params: &RawValue, requester: &Requester) -> Ruling<'_> {
        let whole = self.of_one(command, params, requester);
        if command != CommandName::BatchRun.as_str() {
            return whole;
        }
        // One that can't be read is refused by whoever would run it.
        let parts = parse_json::<RunParams>(params.get())
            .map(|batch| batch.commands)
            .unwrap_or_default();
        parts
            .iter()
            .map(|part| {
                self.of_one(
                    &part.command,
                    part.params.as_deref().unwrap_or(RawValue::NULL),
                    requester,
                )
            })
            .fold(whole, |strictest, ruling| {
                if ruling.access > strictest.access {
                    ruling
                } else {
                    strictest
                }
            })
    }

    fn of_one(&self, command: &str, params: &RawValue, requester: &Requester) -> Ruling<'_> {
        let classes = match command.parse::<CommandName>() {
            Ok(command) => Classes::of(command, params),
            // Raw messages do whatever a browser can.
            Err(_) if command == LEGACY_SESSION => Classes::all(),
            // A command that does not exist does nothing.
            Err(_) => Classes::default(),
        };
        let rule = self
            .rules
            .iter()
            .find(|rule| rule.is_about(command, classes, requester));
        rule.map_or(
            Ruling {
                access: self.default,
                rule: None,
            },
            |rule| Ruling {
                access: rule.access,
                rule: Some(&rule.name),
            },
        )
    }
}

impl AccessRule {
    fn check(&self, at: usize) -> Result<(), InvalidField> {
        let field = |name: &str| format!("rules[{at}].{name}");
        if self.name.is_empty() || self.name.len() > 128 {
            return Err(InvalidField::new(field("name"), "1 to 128 characters"));
        }
        if self.commands.is_empty() {
            return Err(InvalidField::new(
                field("commands"),
                "at least one command, group or *",
            ));
        }
        let exists = |pattern: &String| {
            Class::of_pattern(pattern).is_some() || all_commands().any(|name| covers(pattern, name))
        };
        if let Some(unknown) = self.commands.iter().position(|pattern| !exists(pattern)) {
            let expected = format!(
                "a command, a group such as dom.*, a class such as class:script, or *, and not {:?}",
                self.commands[unknown]
            );
            return Err(InvalidField::new(
                format!("{}[{unknown}]", field("commands")),
                expected,
            ));
        }
        let client = |text: &String| match text.split_once(':') {
            Some(("kind", kind)) => matches!(kind, "cli" | "extension" | "other"),
            Some(("client" | "pairing", id)) => !id.is_empty(),
            Some(_) => false,
            None => text == "admin",
        };
        match self.clients.iter().position(|text| !client(text)) {
            Some(wrong) => {
                let expected =
                    "kind:cli, kind:extension, kind:other, client:ID, pairing:ID or admin";
                Err(InvalidField::new(
                    format!("{}[{wrong}]", field("clients")),
                    expected,
                ))
            }
            None => Ok(()),
        }
    }

    fn is_about(&self, command: &str, classes: Classes, requester: &Requester) -> bool {
        (self.commands.iter().any(|pattern| covers(pattern, command)) || self.is_about_any(classes))
            && (self.clients.is_empty()
                || self
                    .clients
                    .iter()
                    .any(|client| is_client(client, requester)))
    }
}

impl AccessRule {
    /// Whether its classes are about a request of these. What is allowed for one thing that it does may do nothing else.
    fn is_about_any(&self, classes: Classes) -> bool {
        let patterns = self.commands.iter();
        let named: Classes = patterns
            .filter_map(|pattern| Class::of_pattern(pattern))
            .collect();
        match self.access {
            Access::Allow => !classes.is_empty() && classes.is_within(named),
            Access::Confirm | Access::Deny => classes.meets(named),
        }
    }
}

fn all_commands() -> impl Iterator<Item = &'static str> {
    CommandName::ALL
        .iter()
        .map(|name| name.as_str())
        .chain([LEGACY_SESSION])
}

fn covers(pattern: &str, command: &str) -> bool {
    match pattern.strip_suffix(".*") {
        _ if pattern == "*" => true,
        Some(group) => command
            .strip_prefix(group)
            .is_some_and(|rest| rest.starts_with('.')),
        None => pattern == command,
    }
}

fn is_client(client: &str, requester: &Requester) -> bool {
    match client.split_once(':') {
        Some(("kind", kind)) => requester.kind.is_some_and(|known| kind_name(known) == kind),
        Some(("client", id)) => requester.client.as_str() == id,
        Some(("pairing", id)) => requester.pairing.as_deref() == Some(id),
        _ => requester.admin,
    }
}

const fn kind_name(kind: ClientKind) -> &'static str {
    match kind {
        ClientKind::Cli => "cli",
        ClientKind::Extension => "extension",
        ClientKind::Other => "other",
    }
}

/// A command that waits for a confirmation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Confirmation {
    /// Names it: 16 lower-case hex digits.
    pub id: String,
    /// The command.
    pub command: String,
    /// Its parameters as JSON, at most 65,536 characters and a note; texts that may be secrets (`value`, `text`, `password`, …)
    /// are hidden, code is not.
    pub params: String,
    /// SHA-256 in lower-case hex of all its parameters, nothing hidden, as JSON with sorted keys and without spaces.
    #[serde(default)]
    pub params_sha256: String,
    /// Whether `params` shows everything that will run; false where it was cut, or a body is bytes that were sent before.
    #[serde(default)]
    pub complete: bool,
    /// The rule that asks; none where it is the policy's default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    /// The request that asked first.
    pub request_id: RequestId,
    /// Its session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_id: Option<SessionId>,
    /// The client that asked, by its own word.
    pub client_id: ClientId,
    /// The credentials that it presented beside the relay token: `admin`, `pairing:ID`.
    pub credentials: Vec<String>,
    /// When it was asked.
    pub asked_at: Timestamp,
    /// When it can no longer be decided.
    pub expires_at: Timestamp,
}

/// The answer to `GET /confirmations`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ConfirmationList {
    /// Commands that wait, the oldest first.
    pub confirmations: Vec<Confirmation>,
}

/// A decision about a command that waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ConfirmationDecision {
    /// It may run, once.
    Approve,
    /// It is refused.
    Deny,
}

/// The body of `POST /confirmations`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DecideConfirmation {
    /// Which.
    pub id: String,
    /// How.
    pub decision: ConfirmationDecision,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn requester(client: &str) -> Requester {
        Requester {
            client: client.parse().unwrap(),
            kind: Some(ClientKind::Cli),
            pairing: None,
            admin: false,
        }
    }

    fn raw(text: &str) -> Box<RawValue> {
        RawValue::from_string(text.to_owned()).unwrap()
    }

    const POLICY: &str = r#"{ "policySchemaVersion": 1, "default": "deny", "rules": [
        { "name": "admins", "commands": ["*"], "clients": ["admin"], "access": "allow" },
        { "name": "no scripts", "commands": ["dom.eval"], "access": "deny" },
        { "name": "careful", "commands": ["interact.*", "storage.cookies.*"], "clients": ["kind:cli", "pairing:ab"], "access": "confirm" },
        { "name": "reading", "commands": ["dom.*", "batch.run", "session.*"], "access": "allow" } ] }"#;

    #[test]
    fn the_first_rule_about_command_and_client_decides() {
        let policy = AccessPolicy::parse(POLICY).unwrap();
        let none = raw("{}");
        let check = |command: &str, requester: &Requester, access: Access, rule: Option<&str>| {
            assert_eq!(
                policy.ruling(command, &none, requester),
                Ruling { access, rule },
                "{command}"
            );
        };
        let anna = requester("anna");
        check("dom.text", &anna, Access::Allow, Some("reading"));
        check("dom.eval", &anna, Access::Deny, Some("no scripts"));
        check("interact.click", &anna, Access::Confirm, Some("careful"));
        check(
            "storage.cookies.get",
            &anna,
            Access::Confirm,
            Some("careful"),
        );
        check("storage.local.get", &anna, Access::Deny, None);
        check(LEGACY_SESSION, &anna, Access::Deny, None);
        check("domx.text", &anna, Access::Deny, None);
        check(
            "interact.click",
            &Requester {
                kind: None,
                ..anna.clone()
            },
            Access::Deny,
            None,
        );
        check(
            "interact.click",
            &Requester {
                kind: None,
                pairing: Some("ab".to_owned()),
                ..anna.clone()
            },
            Access::Confirm,
            Some("careful"),
        );
        check(
            "dom.eval",
            &Requester {
                admin: true,
                ..anna
            },
            Access::Allow,
            Some("admins"),
        );
    }

    #[test]
    fn a_batch_is_as_strict_as_the_strictest_of_its_parts() {
        let policy = AccessPolicy::parse(POLICY).unwrap();
        let of = |parts: &str| policy.ruling("batch.run", &raw(parts), &requester("a"));
        assert_eq!(
            of(r#"{"commands":[{"command":"dom.title"}]}"#).access,
            Access::Allow
        );
        assert_eq!(
            of(r#"{"commands":[{"command":"dom.title"},{"command":"interact.click"}]}"#).rule,
            Some("careful")
        );
        let both = r#"{"commands":[{"command":"interact.click"},{"command":"dom.eval"},{"command":"dom.title"}]}"#;
        assert_eq!(
            of(both),
            Ruling {
                access: Access::Deny,
                rule: Some("no scripts")
            }
        );
    }

    #[test]
    fn a_rule_by_class_is_about_what_a_request_does() {
        let text = r#"{ "policySchemaVersion": 1, "default": "deny", "rules": [
            { "name": "no scripts", "commands": ["class:script"], "access": "deny" },
            { "name": "careful", "commands": ["class:credentials"], "access": "confirm" },
            { "name": "reading", "commands": ["class:read", "batch.run"], "access": "allow" },
            { "name": "going", "commands": ["nav.*", "network.*"], "access": "allow" } ] }"#;
        let policy = AccessPolicy::parse(text).unwrap();
        let check = |command: &str, params: &str, rule: Option<&str>| {
            let ruling = policy.ruling(command, &raw(params), &requester("a"));
            assert_eq!(ruling.rule, rule, "{command} {params}");
        };
        check("dom.title", "{}", Some("reading"));
        check("nav.wait", r#"{"text":"x"}"#, Some("reading"));
        check("nav.wait", r#"{"function":"x"}"#, Some("no scripts"));
        check("nav.goto", r#"{"url":"https://a/"}"#, Some("going"));
        check(
            "nav.goto",
            r#"{"url":"data:text/html,x"}"#,
            Some("no scripts"),
        );
        check("network.route", r#"{"fulfil":{}}"#, Some("no scripts"));
        check("cdp.session", "null", Some("no scripts"));
        check("storage.cookies.get", "{}", Some("careful"));
        check("export.har", r#"{"secrets":true}"#, Some("careful"));
        // An allowance by class is none for what does more.
        check("interact.upload", "{}", None);
        check("session.close", "{}", None);
        let batch = r#"{"commands":[{"command":"dom.title"},{"command":"nav.wait","params":{"function":"x"}}]}"#;
        check("batch.run", batch, Some("no scripts"));
    }

    #[test]
    fn what_cannot_be_interpreted_as_a_whole_is_no_policy() {
        let rule = |commands: &str, clients: &str| {
            format!(
                r#"{{"policySchemaVersion":1,"default":"allow","rules":[{{"name":"x","commands":{commands},"clients":{clients},"access":"deny"}}]}}"#
            )
        };
        assert!(AccessPolicy::parse(&rule(r#"["dom.eval"]"#, "[]")).is_ok());
        for wrong in [
            String::new(),
            "[]".to_owned(),
            r#"{"policySchemaVersion":2,"default":"allow"}"#.to_owned(),
            r#"{"policySchemaVersion":1}"#.to_owned(),
            r#"{"policySchemaVersion":1,"default":"perhaps"}"#.to_owned(),
            r#"{"policySchemaVersion":1,"default":"allow","rule":[]}"#.to_owned(),
            r#"{"policySchemaVersion":1,"default":"allow","confirmWithinMs":1}"#.to_owned(),
            rule(r#"["dom.evil"]"#, "[]"),
            rule(r#"["class:scripts"]"#, "[]"),
            rule(r#"["*.eval"]"#, "[]"),
            rule("[]", "[]"),
            rule(r#"["*"]"#, r#"["anna"]"#),
            rule(r#"["*"]"#, r#"["kind:browser"]"#),
        ] {
            assert!(AccessPolicy::parse(&wrong).is_err(), "{wrong}");
        }
    }
}
