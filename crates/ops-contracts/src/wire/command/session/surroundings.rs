//! What a new session's pages see around them, and what is asked of the adapter for it.

use std::marker::PhantomData;

use schemars::JsonSchema;
use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use super::super::emulation::{
    GeolocationParams, LocaleParams, PermissionsParams, TimezoneParams, UserAgentParams,
};
use super::super::storage::StorageState;
use super::super::{InvalidField, Params};
use super::CreateParams;
use crate::wire::capability::Capability;
use crate::wire::ids::BlobId;
use crate::wire::secret::Secret;

/// The most hosts that a proxy is not used for.
const MAX_BYPASS: usize = 100;

/// A proxy for all traffic of a session.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Proxy {
    /// `scheme://host:port` with the scheme `http`, `https`, `socks4` or `socks5`.
    pub server: String,
    /// Hosts that are reached without it, as `*.example.com`; loopback is not among them unless it is named.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub bypass: Vec<String>,
    /// The user, for a proxy that asks for one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub username: Option<Secret>,
    /// The password.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<Secret>,
}

impl std::fmt::Debug for Proxy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Proxy")
            .field("server", &self.server)
            .field("bypass", &self.bypass)
            .finish_non_exhaustive()
    }
}

impl Proxy {
    fn validate(&self) -> Result<(), InvalidField> {
        if !is_server(&self.server) {
            let expected = "scheme://host:port with the scheme http, https, socks4 or socks5, and no password in it";
            return Err(InvalidField::new("proxy.server", expected));
        }
        let host = |text: &String| {
            (1..=255).contains(&text.len())
                && text
                    .bytes()
                    .all(|b| b.is_ascii_graphic() && b != b',' && b != b';')
        };
        if self.bypass.len() > MAX_BYPASS {
            return Err(InvalidField::new(
                "proxy.bypass",
                format!("at most {MAX_BYPASS} hosts"),
            ));
        }
        if let Some(at) = self.bypass.iter().position(|text| !host(text)) {
            return Err(InvalidField::new(
                format!("proxy.bypass[{at}]"),
                "a host, as *.example.com",
            ));
        }
        if self.username.is_some() != self.password.is_some() {
            return Err(InvalidField::new(
                "proxy",
                "both username and password, or neither",
            ));
        }
        if self
            .username
            .as_ref()
            .is_some_and(|name| name.len() > 1_024 || name.contains(':'))
        {
            return Err(InvalidField::new(
                "proxy.username",
                "at most 1024 bytes, without a colon",
            ));
        }
        if self
            .password
            .as_ref()
            .is_some_and(|password| password.len() > 4_096)
        {
            return Err(InvalidField::new("proxy.password", "at most 4096 bytes"));
        }
        Ok(())
    }
}

fn is_server(text: &str) -> bool {
    let Some((scheme, address)) = text.split_once("://") else {
        return false;
    };
    let Some((host, port)) = address.rsplit_once(':') else {
        return false;
    };
    let named = |host: &str| {
        !host.is_empty()
            && host
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"-._".contains(&b))
    };
    let in_brackets = host
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'));
    matches!(scheme, "http" | "https" | "socks4" | "socks5")
        && (named(host)
            || in_brackets.is_some_and(|address| address.parse::<std::net::Ipv6Addr>().is_ok()))
        && port.parse::<u16>().is_ok_and(|port| port > 0)
}

/// A state to begin with; exactly one of the two.
#[derive(Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct StateToLoad {
    /// The state itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<StorageState>,
    /// A blob that holds it as JSON, put down for another session of the same client.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blob_id: Option<BlobId>,
}

/// An object or null: serde reads a struct from an array as well, by position, and a list is no state.
pub(super) fn object<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    struct Object<T>(PhantomData<T>);

    impl<'de, T: Deserialize<'de>> Visitor<'de> for Object<T> {
        type Value = Option<T>;

        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("an object")
        }

        fn visit_unit<E>(self) -> Result<Self::Value, E> {
            Ok(None)
        }

        fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
            T::deserialize(MapAccessDeserializer::new(map)).map(Some)
        }
    }

    deserializer.deserialize_any(Object(PhantomData))
}

impl std::fmt::Debug for StateToLoad {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("StateToLoad")
    }
}

impl CreateParams {
    pub(super) fn validate_surroundings(&self) -> Result<(), InvalidField> {
        if let Some(device) = &self.device {
            device.validate().map_err(|invalid| {
                InvalidField::new(format!("device.{}", invalid.field), invalid.expected)
            })?;
            if self.viewport.is_some() {
                return Err(InvalidField::new(
                    "viewport",
                    "not beside device, which has a viewport of its own",
                ));
            }
        }
        if self.locale.is_some() {
            LocaleParams {
                locale: self.locale.clone(),
                reset: false,
            }
            .validate()?;
        }
        if self.timezone.is_some() {
            TimezoneParams {
                timezone: self.timezone.clone(),
                reset: false,
            }
            .validate()?;
        }
        if self.user_agent.is_some() {
            UserAgentParams {
                user_agent: self.user_agent.clone(),
                ..UserAgentParams::default()
            }
            .validate()?;
        }
        if self.geolocation.is_some() {
            GeolocationParams {
                position: self.geolocation,
                reset: false,
            }
            .validate()
            .map_err(|invalid| {
                InvalidField::new(
                    invalid.field.replace("position", "geolocation"),
                    invalid.expected,
                )
            })?;
        }
        match &self.storage_state {
            None => {}
            Some(StateToLoad {
                state: Some(state),
                blob_id: None,
            }) => state.validate()?,
            Some(StateToLoad {
                state: None,
                blob_id: Some(_),
            }) => {}
            Some(_) => {
                return Err(InvalidField::new(
                    "storageState",
                    "exactly one of state and blobId",
                ));
            }
        }
        self.proxy.as_ref().map_or(Ok(()), Proxy::validate)
    }

    /// What the adapter must be capable of for the options given, with the field that asks for it.
    #[must_use]
    pub fn needs(&self) -> Vec<(&'static str, Capability)> {
        let rows = [
            (self.device.is_some(), "device", Capability::Screen),
            (self.device.is_some(), "device", Capability::UserAgent),
            (self.locale.is_some(), "locale", Capability::Locale),
            (self.timezone.is_some(), "timezone", Capability::Timezone),
            (
                self.user_agent.is_some(),
                "userAgent",
                Capability::UserAgent,
            ),
            (
                self.color_scheme.is_some(),
                "colorScheme",
                Capability::Media,
            ),
            (
                self.geolocation.is_some(),
                "geolocation",
                Capability::Geolocation,
            ),
            (
                !self.permissions.is_empty(),
                "permissions",
                Capability::Permissions,
            ),
            (
                self.storage_state.is_some(),
                "storageState",
                Capability::Cookies,
            ),
            (
                self.storage_state.is_some(),
                "storageState",
                Capability::Origins,
            ),
            (self.proxy.is_some(), "proxy", Capability::Proxy),
            (
                self.proxy
                    .as_ref()
                    .is_some_and(|proxy| proxy.username.is_some()),
                "proxy.username",
                Capability::Credentials,
            ),
            (
                self.ignore_certificate_errors,
                "ignoreCertificateErrors",
                Capability::CertificateErrors,
            ),
        ];
        rows.into_iter()
            .filter(|(given, ..)| *given)
            .map(|(_, field, need)| (field, need))
            .collect()
    }

    /// The permissions as `emulation.permissions` takes them; none where nothing is allowed.
    #[must_use]
    pub fn granted(&self) -> Option<PermissionsParams> {
        let grant = self.permissions.clone();
        (!grant.is_empty()).then(|| PermissionsParams {
            grant,
            ..PermissionsParams::default()
        })
    }

    /// The same without what nobody should keep: the user of the proxy, and the state that logs a user in.
    #[must_use]
    pub fn without_secrets(&self) -> Self {
        let proxy = self.proxy.clone().map(|proxy| Proxy {
            username: None,
            password: None,
            ..proxy
        });
        Self {
            storage_state: None,
            proxy,
            ..self.clone()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::command::emulation::DeviceParams;

    #[track_caller]
    fn field_of(params: &str) -> String {
        let params: CreateParams = serde_json::from_str(params).unwrap();
        params.validate().unwrap_err().field
    }

    #[test]
    fn what_contradicts_itself_or_is_out_of_range_is_named() {
        assert_eq!(
            field_of(r#"{"device":{"name":"Pixel 8"},"viewport":{"width":1,"height":1}}"#),
            "viewport"
        );
        assert_eq!(
            field_of(r#"{"device":{"name":"Nokia 3310"}}"#),
            "device.name"
        );
        assert_eq!(field_of(r#"{"locale":""}"#), "locale");
        assert_eq!(field_of(r#"{"timezone":"a b"}"#), "timezone");
        assert_eq!(field_of(r#"{"userAgent":""}"#), "userAgent");
        assert_eq!(
            field_of(r#"{"geolocation":{"latitude":91,"longitude":0}}"#),
            "geolocation.latitude"
        );
        assert_eq!(field_of(r#"{"storageState":{}}"#), "storageState");
        let servers = [
            "proxy",
            "ftp://h:1",
            "http://h",
            "http://:1",
            "http://h:0",
            "http://u:p@h:1",
            "http://h:1/x",
            "http://a b:1",
        ];
        for server in servers {
            assert_eq!(
                field_of(&format!(r#"{{"proxy":{{"server":"{server}"}}}}"#)),
                "proxy.server"
            );
        }
        assert_eq!(
            field_of(r#"{"proxy":{"server":"http://h:1","bypass":["a;b"]}}"#),
            "proxy.bypass[0]"
        );
        assert_eq!(
            field_of(r#"{"proxy":{"server":"http://h:1","username":"ada"}}"#),
            "proxy"
        );
    }

    #[test]
    fn what_is_kept_of_the_options_holds_no_secret() {
        let (username, password) = (Some("ada".to_owned()), Some("oak".to_owned()));
        let proxy = Proxy {
            server: "http://[::1]:3128".into(),
            bypass: vec![],
            username: username.map(Into::into),
            password: password.map(Into::into),
        };
        let state = StateToLoad {
            state: Some(StorageState::default()),
            blob_id: None,
        };
        let device = DeviceParams {
            name: "Pixel 8".into(),
            landscape: true,
        };
        let params = CreateParams {
            proxy: Some(proxy),
            storage_state: Some(state),
            device: Some(device),
            ..CreateParams::default()
        };
        params.validate().unwrap();
        assert!(!format!("{params:?}").contains("oak"));
        let kept = serde_json::to_string(&params.without_secrets()).unwrap();
        assert!(
            !kept.contains("oak") && !kept.contains("storageState") && kept.contains("Pixel 8"),
            "{kept}"
        );
    }

    #[test]
    fn each_option_names_what_it_needs() {
        assert_eq!(CreateParams::default().needs(), []);
        let params = CreateParams {
            ignore_certificate_errors: true,
            locale: Some("de".into()),
            ..CreateParams::default()
        };
        let fields: Vec<_> = params.needs().into_iter().map(|(field, _)| field).collect();
        assert_eq!(fields, ["locale", "ignoreCertificateErrors"]);
    }
}
