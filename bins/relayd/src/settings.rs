//! From configuration document, environment and flags to what the program does; each wins over those before it.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use ops_contracts::control::config;
use ops_contracts::control::config::{
    EffectiveConfig, Layer, LogFormat, LogLevel, ParsedConfig, SandboxMode, Source, Sourced,
};
use ops_contracts::control::provenance::SigningMode;
use ops_contracts::control::scorecard::Phase;
use ops_contracts::wire::command::session::UrlScheme;
use ops_contracts::wire::domains::DomainRules;
use ops_contracts::wire::limits::LimitsProfile;
use ops_contracts::wire::routing::CliControls;
use ops_contracts::{ErrorCode, ErrorSource, Fault, Outcome};
use relay::{LegacyGates, RoutingSettings, Signing};
use routing::decision::legacy_lane;
use routing::preflight::RoutingFlags;
use supervisor::Sandbox;

use crate::args::Args;
use crate::certificate::Files;
use crate::environment::Environment;
use crate::failure::Failure;
use crate::tuning::{self, Tuning};

/// The variable with the admin token.
const ADMIN_TOKEN: &str = "DASHBOARD_ADMIN_TOKEN";

/// The variables with key and mode of event signatures.
const SIGNING_KEY: &str = "OPENCODE_EVENT_SIGNING_KEY";
const SIGNING_MODE: &str = "OPENCODE_EVENT_SIGNING_MODE";
const REPLAY_SEED: &str = "OPENCODE_REPLAY_SEED";

/// What the program does.
pub(crate) struct Settings {
    pub(crate) home: PathBuf,
    pub(crate) listen: SocketAddr,
    /// Whether `listen` may be beyond loopback without TLS.
    pub(crate) insecure_listen: bool,
    /// Where the certificate is that TLS is served with.
    pub(crate) tls: Option<Files>,
    /// Where the operator's token is.
    pub(crate) token_file: Option<PathBuf>,
    /// Whether clients must pair.
    pub(crate) pairing: bool,
    pub(crate) limits: LimitsProfile,
    pub(crate) log_format: LogFormat,
    pub(crate) log_level: LogLevel,
    /// The browser that a flag names; the environment's is the adapter's to find.
    pub(crate) browser: Option<PathBuf>,
    pub(crate) browser_args: Vec<String>,
    pub(crate) chromedriver: Option<PathBuf>,
    pub(crate) firefox: Option<PathBuf>,
    pub(crate) firefox_args: Vec<String>,
    pub(crate) sandbox: Sandbox,
    /// Hosts that sessions may and may not reach; their own lists can only narrow these.
    pub(crate) domains: DomainRules,
    /// URL schemes that sessions may be allowed beyond the web's.
    pub(crate) schemes: Vec<UrlScheme>,
    /// The file with the policy about commands.
    pub(crate) policy: Option<PathBuf>,
    pub(crate) idle_exit: Option<Duration>,
    /// How the health of sessions is kept and told, where that is not the plan's way.
    pub(crate) health: Option<Tuning>,
    /// `OPENCODE_REPLAY_SEED`.
    pub(crate) replay_seed: Option<String>,
    /// Where decisions are written to.
    pub(crate) decision_log: Option<PathBuf>,
    pub(crate) allowed_hosts: Vec<String>,
    pub(crate) allowed_extensions: Vec<String>,
    /// Opens the admin calls.
    pub(crate) admin_token: Option<String>,
    /// What is asked of events from outside.
    pub(crate) signing: Signing,
    /// The phase whose gate the scorecard is judged by.
    pub(crate) phase: Phase,
    /// Whether everything that is read says that it is a demonstration.
    pub(crate) demo: bool,
}

/// What the settings are made of, in the order of their rank.
pub(crate) struct Layers {
    home: PathBuf,
    file: ParsedConfig,
    environment: Layer,
    flags: Layer,
    routing: CliControls,
    args: Args,
}

/// Reads the layers. Nothing is written.
///
/// # Errors
/// `cli_usage_invalid` or `cli_rollout_allowlist_invalid` for a flag, `relay_config_invalid` for the configuration document.
pub(crate) fn layers(args: Args, environment: &Environment) -> Result<Layers, Failure> {
    let home = home(args.home.as_deref(), environment)?;
    let routing = routing::preflight::controls(&RoutingFlags {
        ops_routing: args.ops_routing.as_deref(),
        force_legacy_cdp: args.force_legacy_cdp,
        ops_rollout_percent: args.ops_rollout_percent.as_deref(),
        ops_rollout_allowlist: args.ops_rollout_allowlist.as_deref(),
        ops_active_session_policy: args.ops_active_session_policy.as_deref(),
    })
    .map_err(Failure::Coded)?;
    let flags = flags(&args, &routing)?;
    let file = read_config(&home, args.strict_config)?;
    let environment = config::environment(|name| environment.text(name));
    Ok(Layers {
        home,
        file,
        environment,
        flags,
        routing,
        args,
    })
}

/// The configuration document of a home; one without keys where there is none.
fn read_config(home: &Path, strict: bool) -> Result<ParsedConfig, Failure> {
    let Some(text) = crate::home::read_config(home)? else {
        return Ok(ParsedConfig::default());
    };
    let path = home.join(ops_contracts::wire::http::home::CONFIG);
    config::parse(&text, strict).map_err(|refusal| {
        let fault = refusal.fault(ErrorSource::Relay);
        let message = format!("{}: {}", path.display(), fault.message);
        Failure::Coded(Fault { message, ..fault })
    })
}

/// The flags that have a key. Browser arguments have none: they are added to those of the key.
fn flags(args: &Args, routing: &CliControls) -> Result<Layer, Failure> {
    fn names<T: std::str::FromStr<Err: std::fmt::Display>>(
        flag: &str,
        texts: &[String],
    ) -> Result<Option<Vec<T>>, Failure> {
        let named: Result<Vec<T>, Failure> = texts
            .iter()
            .map(|text| {
                text.parse()
                    .map_err(|error| Failure::usage(format!("{flag} {text:?}: {error}")))
            })
            .collect();
        named.map(|names| (!names.is_empty()).then_some(names))
    }
    let mut layer = config::flags(routing);
    let document = &mut layer.document;
    document.listen = args.listen.as_deref().map(parse_listen).transpose()?;
    document.tls_cert_file = args
        .tls_cert
        .as_ref()
        .map(|path| path.display().to_string());
    document.tls_key_file = args.tls_key.as_ref().map(|path| path.display().to_string());
    document.token_file = args
        .token_file
        .as_ref()
        .map(|path| path.display().to_string());
    document.limits_profile = args.limits;
    document.pairing = args.pairing;
    document.log_format = args.log_format;
    document.log_level = args.log_level;
    document.allowed_hosts = names("--allow-host", &args.allow_host)?;
    document.extension_allowlist = names("--allow-extension", &args.allow_extension)?;
    document.browser.path = args.browser.as_ref().map(|path| path.display().to_string());
    document.browser.sandbox = args.sandbox;
    document.browser.chromedriver = args
        .chromedriver
        .as_ref()
        .map(|path| path.display().to_string());
    document.policy = args.policy.as_ref().map(|path| path.display().to_string());
    document.browser.allow_domains = names("--allow-domain", &args.allow_domain)?;
    document.browser.deny_domains = names("--deny-domain", &args.deny_domain)?;
    document.browser.allow_schemes = names("--allow-scheme", &args.allow_scheme)?;
    document.firefox.path = args.firefox.as_ref().map(|path| path.display().to_string());
    document.ops.strict_config = args.strict_config.then_some(true);
    Ok(layer)
}

impl Layers {
    fn effective(&self) -> EffectiveConfig {
        let file = Layer {
            source: Source::File,
            document: self.file.document.clone(),
        };
        EffectiveConfig::resolve(&[file, self.environment.clone(), self.flags.clone()])
    }

    /// A file that a key names; one of the document is found from the home.
    fn named(&self, path: &Sourced<String>) -> Option<PathBuf> {
        match path.source {
            _ if path.value.is_empty() => None,
            Source::File => Some(self.home.join(&path.value)),
            _ => Some(path.value.clone().into()),
        }
    }

    /// What the layers say about routing.
    pub(crate) fn routing(&self) -> RoutingSettings {
        let effective = self.effective();
        let lane = |local| {
            legacy_lane(
                effective.allow_raw_cdp.value,
                effective.allow_non_local_cdp.value,
                local,
            )
        };
        RoutingSettings {
            controls: config::controls(&self.file, &self.environment, &self.routing),
            legacy: LegacyGates {
                local: lane(true),
                beyond: lane(false),
            },
            legacy_transitional_binding: effective.allow_legacy_cdp_transitional_binding.value,
            prerelease_interop: effective.ops.allow_prerelease_interop.value,
            warnings: self.file.warnings.clone(),
        }
    }

    /// The same once the document has been read anew; only routing changes while the program runs.
    ///
    /// # Errors
    /// What is wrong with the document.
    pub(crate) fn reread(&self) -> Outcome<RoutingSettings> {
        let file = read_config(&self.home, self.args.strict_config).map_err(Failure::into_fault)?;
        let (home, environment, flags) = (
            self.home.clone(),
            self.environment.clone(),
            self.flags.clone(),
        );
        let (routing, args) = (self.routing.clone(), self.args.clone());
        Ok(Self {
            home,
            file,
            environment,
            flags,
            routing,
            args,
        }
        .routing())
    }

    /// Settles everything.
    ///
    /// # Errors
    /// `cli_usage_invalid`; `relay_config_invalid` for an address beyond loopback in the document; `adapter_argument_forbidden`
    /// for a browser argument that opens a debugging port.
    pub(crate) fn settle(&self, environment: &Environment) -> Result<Settings, Failure> {
        let effective = self.effective();
        let listen = effective.listen.value;
        let tls = Files::of(
            self.named(&effective.tls_cert_file),
            self.named(&effective.tls_key_file),
        )?;
        if !listen.ip().is_loopback() && tls.is_none() && !self.args.insecure_listen {
            return Err(unencrypted(listen, effective.listen.source));
        }
        let limits = effective.limits_profile.value.as_str();
        let limits = ops_contracts::control::limits::named(limits)
            .ok_or_else(|| Failure::usage(format!("no limits profile {limits}")))?;
        let (browser, chromedriver, firefox) = (
            effective.browser.path,
            effective.browser.chromedriver,
            effective.firefox.path,
        );
        Ok(Settings {
            home: self.home.clone(),
            listen,
            insecure_listen: self.args.insecure_listen,
            tls,
            token_file: self.named(&effective.token_file),
            pairing: effective.pairing.value.required(listen.ip().is_loopback()),
            limits,
            log_format: effective.log_format.value,
            log_level: effective.log_level.value,
            browser: match browser.source {
                Source::Flag => self.args.browser.clone(),
                Source::File if !browser.value.is_empty() => Some(browser.value.into()),
                _ => None,
            },
            browser_args: browser_args(
                effective.browser.args.value,
                &self.args.browser_arg,
                config::BROWSER_ARGS,
                environment,
            )?,
            chromedriver: match chromedriver.source {
                Source::Flag => self.args.chromedriver.clone(),
                Source::Environment => environment.get(config::CHROMEDRIVER).map(PathBuf::from),
                Source::File | Source::Default => Some(chromedriver.value)
                    .filter(|path| !path.is_empty())
                    .map(PathBuf::from),
            },
            firefox: match firefox.source {
                Source::Flag => self.args.firefox.clone(),
                Source::Environment => environment.get(config::FIREFOX).map(PathBuf::from),
                Source::File | Source::Default => Some(firefox.value)
                    .filter(|path| !path.is_empty())
                    .map(PathBuf::from),
            },
            firefox_args: browser_args(
                effective.firefox.args.value,
                &self.args.firefox_arg,
                config::FIREFOX_ARGS,
                environment,
            )?,
            sandbox: match effective.browser.sandbox.value {
                SandboxMode::Auto => Sandbox::Auto,
                SandboxMode::On => Sandbox::On,
                SandboxMode::Off => Sandbox::Off,
            },
            policy: policy(effective.policy, self.args.policy.clone())?,
            domains: DomainRules {
                allow: effective.browser.allow_domains.value,
                deny: effective.browser.deny_domains.value,
            },
            schemes: effective.browser.allow_schemes.value,
            idle_exit: self.args.idle_exit_ms.map(Duration::from_millis),
            health: self
                .args
                .health_tuning
                .as_deref()
                .map(tuning::parse)
                .transpose()?,
            replay_seed: environment.text(REPLAY_SEED),
            decision_log: self.args.decision_log.clone(),
            allowed_hosts: effective
                .allowed_hosts
                .value
                .iter()
                .map(|host| host.as_str().to_owned())
                .collect(),
            allowed_extensions: effective
                .extension_allowlist
                .value
                .iter()
                .map(|id| id.as_str().to_owned())
                .collect(),
            admin_token: environment.text(ADMIN_TOKEN),
            signing: signing(environment)?,
            phase: effective.scorecard_phase.value,
            demo: self.args.demo,
        })
    }
}

/// The refusal of an address beyond loopback without TLS.
fn unencrypted(listen: SocketAddr, source: Source) -> Failure {
    let why = "tokens and pages would travel there unencrypted";
    if source == Source::Flag {
        let message = format!(
            "--listen {listen} is beyond loopback and takes --tls-cert and --tls-key, or --insecure-listen: {why}"
        );
        return Failure::usage(message);
    }
    let message = format!(
        "listen {listen} is beyond loopback and takes tlsCertFile and tlsKeyFile, or --insecure-listen: {why}"
    );
    Failure::Coded(Fault::new(ErrorCode::RelayConfigInvalid, message).with("key", "listen"))
}

/// The policy's file: a flag keeps its path as it is, a key of the document is text. A later change of directory must not lose it.
fn policy(keyed: Sourced<String>, flag: Option<PathBuf>) -> Result<Option<PathBuf>, Failure> {
    let path = flag
        .or_else(|| Some(PathBuf::from(keyed.value)).filter(|path| !path.as_os_str().is_empty()));
    path.map(|path| std::path::absolute(&path).map_err(|error| Failure::state(&path, error)))
        .transpose()
}

/// Key and mode of event signatures. A mode that can't be read must not pass for a laxer one.
fn signing(environment: &Environment) -> Result<Signing, Failure> {
    let mode = environment.text(SIGNING_MODE).map(|text| {
        text.parse::<SigningMode>()
            .map_err(|error| Failure::usage(format!("{SIGNING_MODE} is {text:?}: {error}")))
    });
    let key = environment.get(SIGNING_KEY).map(|key| {
        key.to_str()
            .map(str::to_owned)
            .ok_or_else(|| Failure::usage(format!("{SIGNING_KEY} is not UTF-8")))
    });
    Ok(Signing {
        mode: mode.transpose()?,
        key: key.transpose()?,
    })
}

fn home(flag: Option<&Path>, environment: &Environment) -> Result<PathBuf, Failure> {
    let from = |name: &str| environment.get(name).map(PathBuf::from);
    let dir = flag
        .map(Path::to_path_buf)
        .or_else(|| from("ODB_HOME"))
        .or_else(|| {
            from("XDG_STATE_HOME")
                .filter(|dir| dir.is_absolute())
                .map(|dir| dir.join("odb"))
        })
        .or_else(|| from("HOME").map(|dir| dir.join(".local/state/odb")))
        .ok_or_else(|| {
            Failure::usage("there is no state directory: give --home, or set ODB_HOME or HOME")
        })?;
    std::path::absolute(&dir).map_err(|error| Failure::state(&dir, error))
}

const fn loopback(port: u16) -> SocketAddr {
    SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port)
}

fn parse_listen(text: &str) -> Result<SocketAddr, Failure> {
    let named = text.strip_prefix("localhost:").unwrap_or(text);
    let address = match named.parse::<u16>() {
        Ok(port) => Some(loopback(port)),
        Err(_) => text.parse::<SocketAddr>().ok(),
    };
    address.ok_or_else(|| {
        Failure::usage(format!(
            "--listen takes a port or ADDRESS:PORT, not {text:?}"
        ))
    })
}

fn browser_args(
    keyed: Vec<String>,
    flags: &[String],
    variable: &str,
    environment: &Environment,
) -> Result<Vec<String>, Failure> {
    if environment
        .get(variable)
        .is_some_and(|text| text.to_str().is_none())
    {
        return Err(Failure::usage(format!("{variable} is not UTF-8")));
    }
    let args: Vec<String> = keyed.into_iter().chain(flags.iter().cloned()).collect();
    // The adapter refuses more at every launch; what opens a port is refused before anything starts.
    match args.iter().find(|arg| {
        arg.trim()
            .trim_start_matches('-')
            .to_ascii_lowercase()
            .starts_with("remote-debugging-")
    }) {
        Some(forbidden) => {
            let message = format!("the browser argument {forbidden} would open a debugging port");
            Err(Failure::Coded(
                Fault::new(ErrorCode::AdapterArgumentForbidden, message)
                    .with("argument", forbidden),
            ))
        }
        None => Ok(args),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    fn settled(args: &[&str], variables: &[(&str, &str)]) -> Result<Settings, Failure> {
        let args = Args::try_parse_from(std::iter::once(&"relayd").chain(args)).unwrap();
        let variables = variables
            .iter()
            .map(|(name, value)| ((*name).into(), (*value).into()))
            .collect();
        let environment = Environment {
            variables,
            executable: None,
        };
        layers(args, &environment)?.settle(&environment)
    }

    #[track_caller]
    fn check_home(args: &[&str], variables: &[(&str, &str)], expected: &str) {
        assert_eq!(settled(args, variables).unwrap().home, Path::new(expected));
    }

    #[test]
    fn the_flag_wins_over_odb_home_over_the_state_directory() {
        let all = [
            ("ODB_HOME", "/odb"),
            ("XDG_STATE_HOME", "/xdg"),
            ("HOME", "/home/u"),
        ];
        check_home(&["--home", "/flag"], &all, "/flag");
        check_home(&[], &all, "/odb");
        check_home(&[], &all[1..], "/xdg/odb");
        check_home(
            &[],
            &[("XDG_STATE_HOME", "relative"), ("HOME", "/home/u")],
            "/home/u/.local/state/odb",
        );
        assert!(settled(&[], &[]).is_err());
    }

    #[track_caller]
    fn check_listen(args: &[&str], expected: Option<&str>) {
        let listen = settled(args, &[("HOME", "/h")])
            .ok()
            .map(|settings| settings.listen.to_string());
        assert_eq!(listen.as_deref(), expected, "{args:?}");
    }

    #[test]
    fn nothing_but_loopback_can_be_listened_on_without_tls_or_leave() {
        check_listen(&[], Some("127.0.0.1:9555"));
        check_listen(&["--limits", "local"], Some("127.0.0.1:0"));
        check_listen(
            &["--limits", "local", "--listen", "8000"],
            Some("127.0.0.1:8000"),
        );
        check_listen(&["--listen", "127.0.0.1:0"], Some("127.0.0.1:0"));
        check_listen(&["--listen", "localhost:7"], Some("127.0.0.1:7"));
        check_listen(&["--listen", "[::1]:7"], Some("[::1]:7"));
        check_listen(
            &["--listen", "0.0.0.0:7", "--insecure-listen"],
            Some("0.0.0.0:7"),
        );
        check_listen(
            &[
                "--listen",
                "0.0.0.0:7",
                "--tls-cert",
                "/c",
                "--tls-key",
                "/k",
            ],
            Some("0.0.0.0:7"),
        );
        check_listen(&["--listen", "0.0.0.0:7", "--tls-cert", "/c"], None);
        check_listen(&["--tls-key", "/k"], None);
        for refused in [
            "0.0.0.0:9555",
            "[::]:1",
            "10.0.0.1:1",
            "example.com:1",
            "",
            "70000",
        ] {
            check_listen(&["--listen", refused], None);
        }
    }

    #[test]
    fn browser_arguments_come_from_both_and_open_no_port() {
        let settings = settled(
            &["--browser-arg", "--lang=de"],
            &[("HOME", "/h"), ("ODB_BROWSER_ARGS", " --a  --b=1 ")],
        )
        .unwrap();
        assert_eq!(settings.browser_args, ["--a", "--b=1", "--lang=de"]);
        for (flag, forbidden) in [
            ("--browser-arg", "--remote-debugging-port=9222"),
            ("--browser-arg", "-Remote-Debugging-Address=0.0.0.0"),
            ("--firefox-arg", "--remote-debugging-port=9222"),
        ] {
            let Err(Failure::Coded(fault)) = settled(&[flag, forbidden], &[("HOME", "/h")]) else {
                panic!("{forbidden}")
            };
            assert_eq!(fault.code, ErrorCode::AdapterArgumentForbidden);
        }
    }

    #[test]
    fn what_is_said_of_one_browser_is_not_said_of_the_other() {
        let chrome = [
            ("HOME", "/h"),
            ("ODB_BROWSER", "/env/chrome"),
            ("ODB_BROWSER_ARGS", "--chrome"),
        ];
        let settings = settled(&["--browser-arg=--of-chrome"], &chrome).unwrap();
        assert_eq!(
            (settings.firefox, settings.firefox_args),
            (None, Vec::new())
        );
        let firefox = [
            ("HOME", "/h"),
            ("ODB_FIREFOX", "/env/firefox"),
            ("ODB_FIREFOX_ARGS", "-safe-mode"),
        ];
        let settings = settled(&["--firefox-arg=-of-firefox"], &firefox).unwrap();
        assert_eq!(
            (settings.browser, settings.browser_args),
            (None, Vec::new())
        );
        assert_eq!(settings.firefox.as_deref(), Some(Path::new("/env/firefox")));
        assert_eq!(settings.firefox_args, ["-safe-mode", "-of-firefox"]);
        let settings = settled(&["--firefox", "/flag/firefox"], &firefox).unwrap();
        assert_eq!(
            settings.firefox.as_deref(),
            Some(Path::new("/flag/firefox"))
        );
    }

    #[test]
    fn a_signing_mode_that_is_none_refuses_the_start() {
        let home = ("HOME", "/h");
        let of = |variables: &[(&str, &str)]| {
            settled(&[], variables).map(|settings| (settings.signing.mode, settings.signing.key))
        };
        assert_eq!(of(&[home]).ok(), Some((None, None)));
        let set = [home, (SIGNING_KEY, "k"), (SIGNING_MODE, "require-signed")];
        assert_eq!(
            of(&set).ok(),
            Some((Some(SigningMode::RequireSigned), Some("k".to_owned())))
        );
        for wrong in ["on", "OFF", "require", "off "] {
            assert!(of(&[home, (SIGNING_MODE, wrong)]).is_err(), "{wrong}");
        }
    }

    fn with_config(
        text: &str,
        args: &[&str],
        variables: &[(&str, &str)],
    ) -> Result<(Settings, RoutingSettings), ErrorCode> {
        use std::os::unix::fs::PermissionsExt;
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("config.json");
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o600)).unwrap();
        let args = Args::try_parse_from(std::iter::once(&"relayd").chain(args)).unwrap();
        let args = Args {
            home: Some(home.path().to_path_buf()),
            ..args
        };
        let variables = variables
            .iter()
            .map(|(name, value)| ((*name).into(), (*value).into()))
            .collect();
        let environment = Environment {
            variables,
            executable: None,
        };
        let settled = layers(args, &environment)
            .and_then(|layers| Ok((layers.settle(&environment)?, layers.routing())));
        settled.map_err(|failure| failure.into_fault().code)
    }

    #[test]
    fn flags_win_over_the_environment_over_the_document() {
        let text = r#"{"listen":"127.0.0.1:7001","logLevel":"error","allowedHosts":["a.example"],
            "browser":{"path":"/doc/chrome","args":["--doc"],"sandbox":"off"},"ops":{"routingMode":"auto"}}"#;
        let (settings, routing) =
            with_config(text, &["--log-level", "debug", "--browser-arg=--flag"], &[])
                .ok()
                .unwrap();
        assert_eq!(
            (settings.listen.port(), settings.log_level),
            (7001, LogLevel::Debug)
        );
        assert_eq!(
            (settings.browser.as_deref(), settings.sandbox),
            (Some(Path::new("/doc/chrome")), Sandbox::Off)
        );
        assert_eq!(
            (settings.browser_args, settings.allowed_hosts),
            (
                vec!["--doc".to_owned(), "--flag".to_owned()],
                vec!["a.example".to_owned()]
            )
        );
        assert_eq!(
            routing.controls.config.routing_mode,
            Some(ops_contracts::wire::routing::RoutingMode::Auto)
        );
        let variables = [
            ("ODB_BROWSER", "/env/chrome"),
            ("ODB_BROWSER_ARGS", "--env"),
            ("OPENDEVBROWSER_OPS_KILL_SWITCH", "1"),
        ];
        let (settings, routing) = with_config(text, &["--ops-rollout-percent", "7"], &variables)
            .ok()
            .unwrap();
        assert_eq!(
            (settings.browser, settings.browser_args),
            (None, vec!["--env".to_owned()]),
            "the adapter finds the environment's"
        );
        assert!(routing.controls.env_kill_switch);
        assert_eq!(
            routing
                .controls
                .cli
                .rollout_percent
                .map(|percent| percent.get()),
            Some(7)
        );
        let (settings, _) = with_config(text, &["--browser", "/flag/chrome"], &variables)
            .ok()
            .unwrap();
        assert_eq!(settings.browser.as_deref(), Some(Path::new("/flag/chrome")));
    }

    #[test]
    fn unknown_keys_defaults_downgrade_fallback() {
        let (settings, routing) = with_config("{}", &[], &[]).ok().unwrap();
        assert_eq!(
            (
                settings.listen.to_string().as_str(),
                settings.limits.name.as_str()
            ),
            ("127.0.0.1:9555", "strict")
        );
        assert_eq!(
            (routing.controls, routing.warnings),
            (Default::default(), Vec::new())
        );
        let unknown = r#"{"ops":{"killSwich":true},"later":1}"#;
        let (_, routing) = with_config(unknown, &[], &[]).ok().unwrap();
        assert_eq!(
            routing
                .warnings
                .iter()
                .map(|warning| warning.key.as_str())
                .collect::<Vec<_>>(),
            ["later", "ops.killSwich"]
        );
        assert_eq!(
            with_config(unknown, &["--strict-config"], &[]).err(),
            Some(ErrorCode::RelayConfigInvalid)
        );
        for (newer, why) in [
            (r#"{"configSchemaVersion":99}"#, "newer"),
            (r#"{"ops":{"routingMode":"quantum"}}"#, "ops.routingMode"),
        ] {
            let (_, routing) = with_config(newer, &[], &[]).ok().unwrap();
            let status = routing::decision::status(
                &routing.controls,
                &Default::default(),
                routing.legacy.local,
            );
            assert!(status.config_downgrade_fallback, "{newer}");
            assert!(
                status.config_downgrade_reason.unwrap().contains(why),
                "{newer}"
            );
            assert_eq!(status.effective_routing_mode.as_str(), "legacy-cdp");
        }
        for broken in [
            "",
            "[",
            "[]",
            r#"{"listen":7}"#,
            r#"{"listen":"0.0.0.0:1"}"#,
            r#"{"listen":"127.0.0.1:1","listen":"127.0.0.1:2"}"#,
        ] {
            assert_eq!(
                with_config(broken, &[], &[]).err(),
                Some(ErrorCode::RelayConfigInvalid),
                "{broken}"
            );
        }
    }
}
