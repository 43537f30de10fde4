//! What a request does, whatever its command is called: for rules that are about scripts, files or credentials and not about names.

use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::wire::command::CommandName;

/// One thing that a request can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// Runs code of the client's in a page.
    Script,
    /// Loads what the client names, or changes what is loaded.
    Network,
    /// Reads or writes files of the client's or of the relay's host.
    Files,
    /// Reads or writes cookies, storage, passwords or headers that log in.
    Credentials,
    /// Acts on a page as a user does, or on the surroundings that it sees.
    Input,
    /// Reads a page, or what is known of it.
    Read,
}

impl Class {
    /// Every class.
    pub const ALL: [Self; 6] = [
        Self::Script,
        Self::Network,
        Self::Files,
        Self::Credentials,
        Self::Input,
        Self::Read,
    ];

    /// Its word in a rule, after `class:`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Script => "script",
            Self::Network => "network",
            Self::Files => "files",
            Self::Credentials => "credentials",
            Self::Input => "input",
            Self::Read => "read",
        }
    }

    /// The class of a pattern `class:WORD`.
    #[must_use]
    pub fn of_pattern(pattern: &str) -> Option<Self> {
        let word = pattern.strip_prefix("class:")?;
        Self::ALL.into_iter().find(|class| class.as_str() == word)
    }
}

/// A set of classes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Classes(u8);

impl Classes {
    /// All of them.
    #[must_use]
    pub fn all() -> Self {
        Class::ALL.into_iter().collect()
    }

    /// What a request of this command with these parameters does. The parameters of a batch's commands are theirs.
    #[must_use]
    pub fn of(command: CommandName, params: &RawValue) -> Self {
        let always: Self = always(command).iter().copied().collect();
        // What can't be read is refused by whoever would run it.
        let params: Map<String, Value> = serde_json::from_str(params.get()).unwrap_or_default();
        let further: Self = by_params(command, &params).into_iter().collect();
        Self(always.0 | further.0)
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether one of these is among `others`.
    #[must_use]
    pub const fn meets(self, others: Self) -> bool {
        self.0 & others.0 != 0
    }

    /// Whether all of these are among `others`.
    #[must_use]
    pub const fn is_within(self, others: Self) -> bool {
        self.0 & !others.0 == 0
    }
}

impl FromIterator<Class> for Classes {
    fn from_iter<T: IntoIterator<Item = Class>>(classes: T) -> Self {
        Self(
            classes
                .into_iter()
                .fold(0, |set, class| set | 1 << class as u8),
        )
    }
}

/// What a command does with any parameters. Without a wildcard: a new command has to say.
const fn always(command: CommandName) -> &'static [Class] {
    use Class::{Credentials, Files, Input, Network, Read, Script};
    use CommandName as C;
    match command {
        // Housekeeping: what a session may then do is judged when it does it.
        C::SessionCreate
        | C::SessionRenew
        | C::SessionReclaim
        | C::SessionObserve
        | C::SessionClose
        | C::TargetsUse
        | C::TargetsClose
        | C::BatchRun => &[],
        C::DomEval => &[Script],
        C::TargetsNew
        | C::TargetsNamed
        | C::NavGoto
        | C::NavBack
        | C::NavForward
        | C::NavReload
        | C::NetworkRoute
        | C::NetworkUnroute
        | C::NetworkOffline => &[Network],
        C::NetworkSetHeaders | C::NetworkCredentials => &[Network, Credentials],
        C::InteractUpload => &[Files, Input],
        C::DownloadsSave => &[Files],
        C::StorageCookiesGet
        | C::StorageLocalGet
        | C::StorageSessionGet
        | C::StorageStateExport => &[Credentials, Read],
        C::StorageCookiesSet
        | C::StorageCookiesClear
        | C::StorageLocalSet
        | C::StorageLocalClear
        | C::StorageSessionSet
        | C::StorageSessionClear
        | C::StorageStateImport => &[Credentials],
        C::InteractClick
        | C::InteractHover
        | C::InteractFill
        | C::InteractClear
        | C::InteractType
        | C::InteractPress
        | C::InteractSelect
        | C::InteractCheck
        | C::InteractUncheck
        | C::InteractFocus
        | C::InteractScroll
        | C::InteractScrollIntoView
        | C::InteractDrag
        | C::InteractTap
        | C::PointerMove
        | C::PointerDown
        | C::PointerUp
        | C::PointerWheel
        | C::PointerDrag
        | C::EmulationViewport
        | C::EmulationDevice
        | C::EmulationGeolocation
        | C::EmulationLocale
        | C::EmulationTimezone
        | C::EmulationMedia
        | C::EmulationUserAgent
        | C::EmulationPermissions
        | C::DialogAccept
        | C::DialogDismiss
        | C::DialogPolicy => &[Input],
        C::SessionList
        | C::SessionStatus
        | C::TargetsList
        | C::NavWait
        | C::DomSnapshot
        | C::DomFind
        | C::DomTitle
        | C::DomUrl
        | C::DomText
        | C::DomHtml
        | C::DomAttr
        | C::DomValue
        | C::DomState
        | C::DomBox
        | C::DomCount
        | C::ExportScreenshot
        | C::ExportHar
        | C::ExportPdf
        | C::ExportHtml
        | C::ExportClonePage
        | C::ExportCloneComponent
        | C::NetworkWait
        | C::DownloadsList
        | C::DownloadsWait
        | C::DialogStatus
        | C::DiagnosticsConsole
        | C::DiagnosticsErrors
        | C::DiagnosticsNetwork
        | C::DiagnosticsPerformance
        | C::DiagnosticsTrace => &[Read],
    }
}

/// What it does with these parameters beyond that.
fn by_params(command: CommandName, params: &Map<String, Value>) -> Vec<Class> {
    use CommandName as C;
    let given = |name: &str| {
        params
            .get(name)
            .is_some_and(|value| !value.is_null() && *value != Value::Bool(false))
    };
    let where_given = |names: &[(&str, Class)]| {
        let found = names.iter().filter(|(name, _)| given(name));
        found.map(|(_, class)| *class).collect()
    };
    match command {
        C::NavWait => where_given(&[("function", Class::Script)]),
        // What a page is answered with, it runs.
        C::NetworkRoute => where_given(&[("fulfil", Class::Script)]),
        C::NavGoto | C::TargetsNew | C::TargetsNamed => by_url(params.get("url")),
        C::ExportHar => where_given(&[
            ("secrets", Class::Credentials),
            ("bodies", Class::Credentials),
        ]),
        C::DiagnosticsNetwork => where_given(&[("secrets", Class::Credentials)]),
        C::SessionCreate => where_given(&[
            ("allowSchemes", Class::Files),
            ("allowSchemes", Class::Script),
            ("storageState", Class::Credentials),
            ("profile", Class::Credentials),
            ("proxy", Class::Network),
            ("ignoreCertificateErrors", Class::Network),
        ]),
        _ => Vec::new(),
    }
}

/// A URL can be code, or a file.
fn by_url(url: Option<&Value>) -> Vec<Class> {
    let url = url.and_then(Value::as_str).unwrap_or_default();
    // As browsers read it: they pass over what stands before the scheme, and over line breaks and tabs within.
    let read = url
        .trim_start_matches(|c: char| c <= ' ')
        .chars()
        .filter(|c| !matches!(c, '\t' | '\n' | '\r'))
        .take_while(|c| *c != ':');
    match read.collect::<String>().to_ascii_lowercase().as_str() {
        "javascript" | "data" | "blob" => vec![Class::Script],
        "file" | "filesystem" | "view-source" => vec![Class::Files],
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(command: CommandName, params: &str, expected: &[Class]) {
        let params = RawValue::from_string(params.to_owned()).unwrap();
        let expected = expected.iter().copied().collect();
        assert_eq!(
            Classes::of(command, &params),
            expected,
            "{command} {params}"
        );
    }

    #[test]
    fn whatever_runs_code_is_of_class_script() {
        use Class::{Network, Read, Script};
        use CommandName as C;
        check(C::DomEval, r#"{"expression":"1"}"#, &[Script]);
        check(C::NavWait, r#"{"function":"1"}"#, &[Read, Script]);
        check(C::NavWait, r#"{"f\u0075nction":"1"}"#, &[Read, Script]);
        check(C::NavWait, r#"{"text":"function"}"#, &[Read]);
        check(
            C::NetworkRoute,
            r#"{"url":"**","fulfil":{"body":"<script>"}}"#,
            &[Network, Script],
        );
        check(
            C::NetworkRoute,
            r#"{"url":"**","abort":"failed"}"#,
            &[Network],
        );
        for url in [
            "javascript:1",
            " JavaScript:1",
            "java\\tscript:1",
            "data:text/html,x",
        ] {
            for command in [C::NavGoto, C::TargetsNew, C::TargetsNamed] {
                check(
                    command,
                    &format!(r#"{{"url":"{url}"}}"#),
                    &[Network, Script],
                );
            }
        }
        check(
            C::NavGoto,
            r#"{"url":"https://a/?x=javascript:1"}"#,
            &[Network],
        );
    }

    #[test]
    fn files_and_credentials_are_known_by_their_parameters_too() {
        use Class::{Credentials, Files, Network, Read, Script};
        use CommandName as C;
        check(
            C::NavGoto,
            r#"{"url":"file:///etc/shadow"}"#,
            &[Network, Files],
        );
        check(C::SessionCreate, "{}", &[]);
        check(
            C::SessionCreate,
            r#"{"allowSchemes":["file"],"profile":"p","proxy":{}}"#,
            &[Files, Script, Credentials, Network],
        );
        check(C::ExportHar, r#"{"secrets":false}"#, &[Read]);
        check(C::ExportHar, r#"{"bodies":true}"#, &[Read, Credentials]);
        check(
            C::DiagnosticsNetwork,
            r#"{"secrets":true}"#,
            &[Read, Credentials],
        );
    }

    #[test]
    fn a_pattern_names_one_class_or_none() {
        for class in Class::ALL {
            let pattern = format!("class:{}", class.as_str());
            assert_eq!(Class::of_pattern(&pattern), Some(class));
        }
        for other in [
            "class:",
            "class:Script",
            "script",
            "class:script ",
            "dom.eval",
        ] {
            assert_eq!(Class::of_pattern(other), None, "{other}");
        }
    }
}
