//! How an element is named: by exactly one key. Parsing and validation; resolution is the DOM bridge's.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::wire::ids::{ElementRef, FrameId};

/// Names an element by exactly one key. Strict: more than one match is an error that lists the candidates.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "LocatorFields", into = "LocatorFields")]
pub struct Locator {
    /// The key.
    pub by: LocatorKey,
    /// Which of several matches, from 0; negative from the end.
    pub nth: Option<i32>,
    /// Whether texts must be equal instead of contained, case included.
    pub exact: bool,
    /// The frame to search; the target's main frame when absent.
    pub frame: Option<FrameId>,
}

/// The key of a locator.
#[derive(Debug, Clone, PartialEq)]
pub enum LocatorKey {
    /// A reference out of a snapshot or result.
    Ref(ElementRef),
    /// An ARIA role, with an accessible name or without.
    Role {
        /// The role.
        role: String,
        /// The accessible name.
        name: Option<String>,
    },
    /// The text of an element.
    Text(String),
    /// The label of a form control.
    Label(String),
    /// The placeholder of a form control.
    Placeholder(String),
    /// The alternative text of an image.
    Alt(String),
    /// The `title` attribute.
    Title(String),
    /// The `data-testid` attribute.
    TestId(String),
    /// A CSS selector; pierces open shadow roots.
    Css(String),
    /// An XPath expression.
    Xpath(String),
}

impl Locator {
    /// A locator with nothing beside its key.
    #[must_use]
    pub const fn new(by: LocatorKey) -> Self {
        Self {
            by,
            nth: None,
            exact: false,
            frame: None,
        }
    }
}

impl From<ElementRef> for Locator {
    fn from(reference: ElementRef) -> Self {
        Self::new(LocatorKey::Ref(reference))
    }
}

/// Why a locator is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidLocator {
    /// No key or more than one.
    #[error(
        "exactly one of ref, role, text, label, placeholder, alt, title, testId, css, xpath is expected, found {found}"
    )]
    KeyCount {
        /// The keys found, or `none`.
        found: String,
    },
    /// `name` without `role`.
    #[error("name is only allowed beside role")]
    NameWithoutRole,
    /// `nth` or `frame` beside a ref, which is one element of one frame already.
    #[error("nth, exact and frame are not allowed beside ref")]
    QualifiedRef,
    /// An empty key.
    #[error("{0} must not be empty")]
    Empty(&'static str),
    /// A text form that can't be parsed.
    #[error(
        "{0:?} is no locator: expected a ref (@e12), role=button[name=\"X\"], text=, label=, placeholder=, alt=, title=, testid=, xpath=, css= or a CSS selector"
    )]
    Text(String),
}

/// A locator as it stands on the wire.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(
    rename_all = "camelCase",
    deny_unknown_fields,
    expecting = "an object such as {\"ref\": \"e12\"}, {\"role\": \"button\", \"name\": \"Save\"} or {\"css\": \"#save\"}"
)]
struct LocatorFields {
    /// A reference out of a snapshot or result.
    #[serde(default, rename = "ref", skip_serializing_if = "Option::is_none")]
    reference: Option<ElementRef>,
    /// An ARIA role.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    role: Option<String>,
    /// The accessible name, beside role.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    /// The text of an element.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    /// The label of a form control.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    label: Option<String>,
    /// The placeholder of a form control.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    placeholder: Option<String>,
    /// The alternative text of an image.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    alt: Option<String>,
    /// The `title` attribute.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    title: Option<String>,
    /// The `data-testid` attribute.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    test_id: Option<String>,
    /// A CSS selector; pierces open shadow roots.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    css: Option<String>,
    /// An XPath expression.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    xpath: Option<String>,
    /// Which of several matches, from 0; negative from the end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    nth: Option<i32>,
    /// Whether texts must be equal instead of contained, case included.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    exact: bool,
    /// The frame to search, as a snapshot names it (`f2`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    frame: Option<FrameId>,
}

const KEYS: [&str; 10] = [
    "ref",
    "role",
    "text",
    "label",
    "placeholder",
    "alt",
    "title",
    "testId",
    "css",
    "xpath",
];

impl TryFrom<LocatorFields> for Locator {
    type Error = InvalidLocator;

    fn try_from(fields: LocatorFields) -> Result<Self, InvalidLocator> {
        let LocatorFields {
            reference,
            role,
            name,
            text,
            label,
            placeholder,
            alt,
            title,
            test_id,
            css,
            xpath,
            nth,
            exact,
            frame,
        } = fields;
        if name.is_some() && role.is_none() {
            return Err(InvalidLocator::NameWithoutRole);
        }
        if reference.is_some() && (nth.is_some() || exact || frame.is_some()) {
            return Err(InvalidLocator::QualifiedRef);
        }
        let keys = [
            reference.map(LocatorKey::Ref),
            role.map(|role| LocatorKey::Role { role, name }),
            text.map(LocatorKey::Text),
            label.map(LocatorKey::Label),
            placeholder.map(LocatorKey::Placeholder),
            alt.map(LocatorKey::Alt),
            title.map(LocatorKey::Title),
            test_id.map(LocatorKey::TestId),
            css.map(LocatorKey::Css),
            xpath.map(LocatorKey::Xpath),
        ];
        let found: Vec<&str> = KEYS
            .iter()
            .zip(&keys)
            .filter(|(_, key)| key.is_some())
            .map(|(name, _)| *name)
            .collect();
        let mut keys = keys.into_iter().flatten();
        match (keys.next(), keys.next()) {
            (Some(by), None) => {
                if by.is_empty() {
                    return Err(InvalidLocator::Empty(found[0]));
                }
                Ok(Self {
                    by,
                    nth,
                    exact,
                    frame,
                })
            }
            (None, _) => Err(InvalidLocator::KeyCount {
                found: "none".to_owned(),
            }),
            _ => Err(InvalidLocator::KeyCount {
                found: found.join(", "),
            }),
        }
    }
}

impl LocatorKey {
    fn is_empty(&self) -> bool {
        match self {
            Self::Ref(_) => false,
            Self::Role { role: text, .. }
            | Self::Text(text)
            | Self::Label(text)
            | Self::Placeholder(text)
            | Self::Alt(text)
            | Self::Title(text)
            | Self::TestId(text)
            | Self::Css(text)
            | Self::Xpath(text) => text.trim().is_empty(),
        }
    }
}

impl From<Locator> for LocatorFields {
    fn from(locator: Locator) -> Self {
        let Locator {
            by,
            nth,
            exact,
            frame,
        } = locator;
        let mut fields = Self {
            nth,
            exact,
            frame,
            ..Self::default()
        };
        match by {
            LocatorKey::Ref(reference) => fields.reference = Some(reference),
            LocatorKey::Role { role, name } => (fields.role, fields.name) = (Some(role), name),
            LocatorKey::Text(text) => fields.text = Some(text),
            LocatorKey::Label(text) => fields.label = Some(text),
            LocatorKey::Placeholder(text) => fields.placeholder = Some(text),
            LocatorKey::Alt(text) => fields.alt = Some(text),
            LocatorKey::Title(text) => fields.title = Some(text),
            LocatorKey::TestId(text) => fields.test_id = Some(text),
            LocatorKey::Css(text) => fields.css = Some(text),
            LocatorKey::Xpath(text) => fields.xpath = Some(text),
        }
        fields
    }
}

impl JsonSchema for Locator {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Locator".into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let mut schema = LocatorFields::json_schema(generator);
        let one_key: Vec<_> = KEYS
            .iter()
            .map(|key| serde_json::json!({ "required": [key] }))
            .collect();
        schema.insert(
            "description".to_owned(),
            "Names an element by exactly one key.".into(),
        );
        schema.insert("oneOf".to_owned(), one_key.into());
        schema
    }
}

/// The form for command lines: `@e12` or `e12`, `role=button[name="X"]`, `text=…`, `label=…`, `placeholder=…`, `alt=…`,
/// `title=…`, `testid=…`, `xpath=…`, `css=…`; anything else is a CSS selector. A text in double quotes must match exactly.
impl FromStr for Locator {
    type Err = InvalidLocator;

    fn from_str(text: &str) -> Result<Self, InvalidLocator> {
        let invalid = || InvalidLocator::Text(text.to_owned());
        let trimmed = text.trim();
        if let Some(reference) = trimmed.strip_prefix('@') {
            return reference
                .parse::<ElementRef>()
                .map(Self::from)
                .map_err(|_| invalid());
        }
        if let Ok(reference) = trimmed.parse::<ElementRef>() {
            return Ok(Self::from(reference));
        }
        let mut fields = LocatorFields::default();
        match trimmed
            .split_once('=')
            .map(|(key, value)| (key.trim_end(), value.trim()))
        {
            Some(("role", value)) => {
                (fields.role, fields.name, fields.exact) = parse_role(value).ok_or_else(invalid)?
            }
            Some(("text", value)) => set_text(&mut fields.text, &mut fields.exact, value),
            Some(("label", value)) => set_text(&mut fields.label, &mut fields.exact, value),
            Some(("placeholder", value)) => {
                set_text(&mut fields.placeholder, &mut fields.exact, value)
            }
            Some(("alt", value)) => set_text(&mut fields.alt, &mut fields.exact, value),
            Some(("title", value)) => set_text(&mut fields.title, &mut fields.exact, value),
            Some(("testid", value)) => fields.test_id = Some(value.to_owned()),
            Some(("xpath", value)) => fields.xpath = Some(value.to_owned()),
            Some(("css", value)) => fields.css = Some(value.to_owned()),
            _ => fields.css = Some(trimmed.to_owned()),
        }
        Self::try_from(fields)
    }
}

fn set_text(field: &mut Option<String>, exact: &mut bool, value: &str) {
    let between = |quote| value.strip_prefix(quote)?.strip_suffix(quote);
    // Shells take one kind for themselves, so that the other is what arrives.
    let quoted = between('"').or_else(|| between('\''));
    *exact = quoted.is_some();
    *field = Some(quoted.unwrap_or(value).to_owned());
}

/// `button`, `button[name="X"]` (exact; single quotes do as well) or `button[name=X]` (contained).
fn parse_role(value: &str) -> Option<(Option<String>, Option<String>, bool)> {
    let Some((role, rest)) = value.split_once('[') else {
        return Some((Some(value.to_owned()), None, false));
    };
    let name = rest
        .strip_suffix(']')?
        .trim()
        .strip_prefix("name")?
        .trim_start()
        .strip_prefix('=')?
        .trim();
    let (mut text, mut exact) = (None, false);
    set_text(&mut text, &mut exact, name);
    Some((Some(role.trim().to_owned()), text, exact))
}

/// The command-line form.
impl fmt::Display for Locator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let quote = if self.exact { "\"" } else { "" };
        match &self.by {
            LocatorKey::Ref(reference) => write!(f, "@{reference}"),
            LocatorKey::Role { role, name: None } => write!(f, "role={role}"),
            LocatorKey::Role {
                role,
                name: Some(name),
            } => write!(f, "role={role}[name={quote}{name}{quote}]"),
            LocatorKey::Text(text) => write!(f, "text={quote}{text}{quote}"),
            LocatorKey::Label(text) => write!(f, "label={quote}{text}{quote}"),
            LocatorKey::Placeholder(text) => write!(f, "placeholder={quote}{text}{quote}"),
            LocatorKey::Alt(text) => write!(f, "alt={quote}{text}{quote}"),
            LocatorKey::Title(text) => write!(f, "title={quote}{text}{quote}"),
            LocatorKey::TestId(text) => write!(f, "testid={text}"),
            LocatorKey::Css(text) => write!(f, "css={text}"),
            LocatorKey::Xpath(text) => write!(f, "xpath={text}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, json: &str) {
        let parsed: Locator = text.parse().unwrap();
        assert_eq!(serde_json::to_string(&parsed).unwrap(), json);
        assert_eq!(serde_json::from_str::<Locator>(json).unwrap(), parsed);
    }

    #[test]
    fn the_command_line_form_has_one_meaning() {
        check("@e12", r#"{"ref":"e12"}"#);
        check("f2e5", r#"{"ref":"f2e5"}"#);
        check(
            r#"role=button[name="Save"]"#,
            r#"{"role":"button","name":"Save","exact":true}"#,
        );
        check(
            "role=button[name=Save]",
            r#"{"role":"button","name":"Save"}"#,
        );
        check("role=heading", r#"{"role":"heading"}"#);
        check("text=Sign in", r#"{"text":"Sign in"}"#);
        check("text=\"Sign in\"", r#"{"text":"Sign in","exact":true}"#);
        check("text='Sign in'", r#"{"text":"Sign in","exact":true}"#);
        check(
            "role=button[name='Save']",
            r#"{"role":"button","name":"Save","exact":true}"#,
        );
        check("text='", r#"{"text":"'"}"#);
        check("testid=cart", r#"{"testId":"cart"}"#);
        check("#main > a[href=x]", r##"{"css":"#main > a[href=x]"}"##);
        check("css=e12", r#"{"css":"e12"}"#);
        check("xpath=//a", r#"{"xpath":"//a"}"#);
    }

    #[track_caller]
    fn refuses(json: &str, needle: &str) {
        let error = serde_json::from_str::<Locator>(json)
            .unwrap_err()
            .to_string();
        assert!(error.contains(needle), "{error}");
    }

    #[test]
    fn exactly_one_key_is_taken() {
        refuses("{}", "found none");
        refuses(r#"{"css":"a","text":"b"}"#, "found text, css");
        refuses(r#"{"name":"b","css":"a"}"#, "only allowed beside role");
        refuses(r#"{"ref":"e1","nth":2}"#, "not allowed beside ref");
        refuses(r#"{"css":"  "}"#, "must not be empty");
        refuses(r#"{"csss":"a"}"#, "unknown field");
        assert!("@x1".parse::<Locator>().is_err());
        assert!("".parse::<Locator>().is_err());
        assert!("role=button[nme=x]".parse::<Locator>().is_err());
    }
}
