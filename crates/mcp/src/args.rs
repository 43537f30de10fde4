//! Arguments of a tool: what the tool itself takes, and the rest, which are the parameters of a command.

use ops_contracts::wire::command::{Call, CommandName};
use ops_contracts::wire::locator::Locator;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::trouble::Trouble;

/// Parameters that name an element, and may be written as on the command line.
const LOCATORS: [&str; 3] = ["element", "source", "target"];

/// The longest key that a client may give.
const MAX_KEY: usize = 200;

/// Arguments of which some may have been taken.
#[derive(Debug, Clone, Default)]
pub(crate) struct Args(Map<String, Value>);

impl Args {
    /// The arguments as they came.
    pub(crate) fn new(arguments: Option<Map<String, Value>>) -> Self {
        Self(arguments.unwrap_or_default())
    }

    /// The text of these arguments without those that name the session and the repetition: keys are sorted.
    pub(crate) fn canonical(&self, tool: &str) -> String {
        let mut rest = self.0.clone();
        rest.remove("session");
        rest.remove("key");
        format!("{tool} {}", Value::Object(rest))
    }

    /// Takes a text out.
    pub(crate) fn text(&mut self, name: &str) -> Result<Option<String>, Trouble> {
        match self.0.remove(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(Trouble::usage(format!("{name}: a text is expected"))),
        }
    }

    /// Takes a text out that must be there.
    pub(crate) fn needed(&mut self, name: &str) -> Result<String, Trouble> {
        self.text(name)?
            .ok_or_else(|| Trouble::usage(format!("{name}: is required")))
    }

    /// Takes a yes or no out; no where it is absent.
    pub(crate) fn flag(&mut self, name: &str) -> Result<bool, Trouble> {
        match self.0.remove(name) {
            None | Some(Value::Null) => Ok(false),
            Some(Value::Bool(flag)) => Ok(flag),
            Some(_) => Err(Trouble::usage(format!("{name}: true or false is expected"))),
        }
    }

    /// Takes a whole number out.
    pub(crate) fn number(&mut self, name: &str) -> Result<Option<u64>, Trouble> {
        match self.0.remove(name) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => value
                .as_u64()
                .map(Some)
                .ok_or_else(|| Trouble::usage(format!("{name}: a whole number is expected"))),
        }
    }

    /// Takes one of a few words out.
    pub(crate) fn word<T: Copy>(
        &mut self,
        name: &str,
        words: &[(&str, T)],
        absent: T,
    ) -> Result<T, Trouble> {
        let Some(text) = self.text(name)? else {
            return Ok(absent);
        };
        let found = words.iter().find(|(word, _)| *word == text);
        found.map(|(_, meaning)| *meaning).ok_or_else(|| {
            let words: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
            Trouble::usage(format!("{name}: one of {} is expected", words.join(", ")))
        })
    }

    /// Takes an object out; an empty one where it is absent.
    pub(crate) fn object(&mut self, name: &str) -> Result<Map<String, Value>, Trouble> {
        match self.0.remove(name) {
            None | Some(Value::Null) => Ok(Map::new()),
            Some(Value::Object(object)) => Ok(object),
            Some(_) => Err(Trouble::usage(format!("{name}: an object is expected"))),
        }
    }

    /// Takes a list of objects out.
    pub(crate) fn objects(&mut self, name: &str) -> Result<Vec<Map<String, Value>>, Trouble> {
        let expected = || Trouble::usage(format!("{name}: a list of objects is expected"));
        let Some(Value::Array(list)) = self.0.remove(name) else {
            return Err(expected());
        };
        let objects: Option<Vec<_>> = list
            .into_iter()
            .map(|value| match value {
                Value::Object(object) => Some(object),
                _ => None,
            })
            .collect();
        objects
            .filter(|objects| !objects.is_empty())
            .ok_or_else(expected)
    }

    /// Takes the client's own key of repetition out.
    pub(crate) fn key(&mut self) -> Result<Option<String>, Trouble> {
        let key = self.text("key")?;
        match &key {
            Some(key) if key.is_empty() || key.len() > MAX_KEY => Err(Trouble::usage(format!(
                "key: 1 to {MAX_KEY} bytes are expected"
            ))),
            _ => Ok(key),
        }
    }

    /// What is left.
    pub(crate) fn rest(self) -> Map<String, Value> {
        self.0
    }

    /// Refuses what is left, where nothing may be.
    pub(crate) fn finish(self) -> Result<(), Trouble> {
        match self.0.keys().next() {
            None => Ok(()),
            Some(name) => Err(Trouble::usage(format!("{name}: no such argument"))),
        }
    }
}

/// Parameters of a command, checked by the contract before anything is sent. Errors name `place` before the field.
pub(crate) fn params(
    command: CommandName,
    mut params: Map<String, Value>,
    place: &str,
) -> Result<Box<RawValue>, Trouble> {
    for name in LOCATORS {
        if let Some(Value::String(text)) = params.get(name) {
            let locator: Locator = text
                .parse()
                .map_err(|error| Trouble::usage(format!("{place}{name}: {error}")))?;
            let value = serde_json::to_value(locator)
                .map_err(|error| Trouble::usage(format!("{place}{name}: {error}")))?;
            params.insert(name.to_owned(), value);
        }
    }
    let raw = raw(&Value::Object(params))?;
    match Call::parse(command, &raw) {
        Ok(_) => Ok(raw),
        Err(fault) => Err(Trouble::new(
            fault.code,
            format!("{place}{}", fault.message),
        )),
    }
}

/// A value as raw JSON.
pub(crate) fn raw(value: &impl serde::Serialize) -> Result<Box<RawValue>, Trouble> {
    serde_json::value::to_raw_value(value).map_err(|error| Trouble::usage(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(json: &str) -> Args {
        Args::new(serde_json::from_str(json).unwrap())
    }

    #[test]
    fn an_element_may_be_written_as_on_the_command_line() {
        let click = |json| params(CommandName::InteractClick, args(json).rest(), "").unwrap();
        assert!(
            click(r#"{"element":"e3"}"#)
                .get()
                .contains(r#"{"ref":"e3"}"#)
        );
        let role = click(r#"{"element":"role=button[name=\"Save\"]"}"#);
        assert!(role.get().contains(r#""role":"button""#), "{role}");
    }

    #[test]
    fn what_the_contract_refuses_is_refused_here_with_its_code_and_place() {
        let wrong = args(r#"{"element":"e3","button":"front"}"#).rest();
        let trouble = params(CommandName::InteractClick, wrong, "steps[0]: ").unwrap_err();
        assert_eq!(trouble.code, "ops_invalid_request");
        assert!(
            trouble.message.contains("steps[0]: "),
            "{}",
            trouble.message
        );
        assert!(trouble.message.contains("button"), "{}", trouble.message);
    }

    #[test]
    fn the_canonical_text_leaves_session_and_key_out_and_sorts() {
        let one = args(r#"{"session":"s_a","key":"k","b":1,"a":2}"#).canonical("t");
        assert_eq!(one, args(r#"{"a":2,"session":"s_b","b":1}"#).canonical("t"));
    }
}
