//! The command that a request asks for, parsed once, where its frame is.

use std::fmt;

use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::CommandName;
use crate::wire::fault::Outcome;

/// A command of the registry, or a name that is not in it: an unknown command is refused like any other request, by its session's
/// service, so it has to get there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RequestedCommand {
    /// A command of the registry.
    Known(CommandName),
    /// A name that the registry does not have.
    Unknown(String),
}

impl RequestedCommand {
    /// The command, where the registry has it.
    #[must_use]
    pub const fn known(&self) -> Option<CommandName> {
        match self {
            Self::Known(name) => Some(*name),
            Self::Unknown(_) => None,
        }
    }

    /// The command.
    ///
    /// # Errors
    /// `ops_command_unknown`, with the names that are similar.
    pub fn name(&self) -> Outcome<CommandName> {
        match self {
            Self::Known(name) => Ok(*name),
            Self::Unknown(text) => text.parse(),
        }
    }

    /// The name as it was sent.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Known(name) => name.as_str(),
            Self::Unknown(text) => text,
        }
    }

    /// The name for logs and metrics: a client's own text is not let in there.
    #[must_use]
    pub fn label(&self) -> &'static str {
        self.known().map_or("other", CommandName::as_str)
    }
}

impl From<CommandName> for RequestedCommand {
    fn from(name: CommandName) -> Self {
        Self::Known(name)
    }
}

impl From<&str> for RequestedCommand {
    fn from(text: &str) -> Self {
        CommandName::find(text).map_or_else(|| Self::Unknown(text.to_owned()), Self::Known)
    }
}

impl fmt::Display for RequestedCommand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for RequestedCommand {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for RequestedCommand {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(Text)
    }
}

struct Text;

impl Visitor<'_> for Text {
    type Value = RequestedCommand;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(text.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::error::ErrorCode;

    #[test]
    fn a_name_is_parsed_once_and_travels_as_it_was_sent() {
        for (text, known) in [
            (r#""nav.goto""#, Some(CommandName::NavGoto)),
            (r#""nav.got""#, None),
            (r#""""#, None),
        ] {
            let command: RequestedCommand = serde_json::from_str(text).unwrap();
            assert_eq!(command.known(), known, "{text}");
            assert_eq!(serde_json::to_string(&command).unwrap(), text);
        }
        let unknown = RequestedCommand::from("nav.got");
        assert_eq!(
            unknown.name().unwrap_err().code,
            ErrorCode::OpsCommandUnknown
        );
        assert_eq!(unknown.label(), "other");
        assert!(serde_json::from_str::<RequestedCommand>("5").is_err());
    }
}
