//! From flags and environment to what the program does. Flags win over the environment.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use adapter_cdp::Sandbox;
use ops_contracts::limits::LimitsProfile;
use ops_contracts::{ErrorCode, Fault};

use crate::args::{Args, LogFormat, LogLevel, SandboxMode};
use crate::environment::Environment;
use crate::failure::Failure;

/// The port of a relay that others may share, when nobody names one.
const SHARED_PORT: u16 = 9555;

/// What the program does.
#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) home: PathBuf,
    pub(crate) listen: SocketAddr,
    pub(crate) limits: LimitsProfile,
    pub(crate) log_format: LogFormat,
    pub(crate) log_level: LogLevel,
    /// The browser that a flag names; the environment's is the adapter's to find.
    pub(crate) browser: Option<PathBuf>,
    pub(crate) browser_args: Vec<String>,
    pub(crate) sandbox: Sandbox,
    pub(crate) idle_exit: Option<Duration>,
    pub(crate) allowed_hosts: Vec<String>,
    pub(crate) allowed_extensions: Vec<String>,
}

/// Settles everything.
///
/// # Errors
/// `cli_usage_invalid`, or `adapter_argument_forbidden` for a browser argument that opens a debugging port.
pub(crate) fn settle(args: Args, environment: &Environment) -> Result<Settings, Failure> {
    let limits = routing::limits::named(&args.limits).ok_or_else(|| {
        let known = routing::limits::NAMES.join(" or ");
        Failure::usage(format!("--limits takes {known}, not {:?}", args.limits))
    })?;
    let listen = match args.listen.as_deref() {
        Some(text) => parse_listen(text)?,
        // A user's own relay is found by its file: a fixed port would keep a second home from having one.
        None if limits.name == "local" => loopback(0),
        None => loopback(SHARED_PORT),
    };
    Ok(Settings {
        home: home(args.home.as_deref(), environment)?,
        listen,
        limits,
        log_format: args.log_format,
        log_level: args.log_level,
        browser: args.browser,
        browser_args: browser_args(args.browser_arg, environment)?,
        sandbox: match args.sandbox {
            SandboxMode::Auto => Sandbox::Auto,
            SandboxMode::On => Sandbox::On,
            SandboxMode::Off => Sandbox::Off,
        },
        idle_exit: args.idle_exit_ms.map(Duration::from_millis),
        allowed_hosts: args.allow_host,
        allowed_extensions: args.allow_extension,
    })
}

fn home(flag: Option<&Path>, environment: &Environment) -> Result<PathBuf, Failure> {
    let from = |name: &str| environment.get(name).map(PathBuf::from);
    let dir = flag
        .map(Path::to_path_buf)
        .or_else(|| from("ODB_HOME"))
        .or_else(|| from("XDG_STATE_HOME").filter(|dir| dir.is_absolute()).map(|dir| dir.join("odb")))
        .or_else(|| from("HOME").map(|dir| dir.join(".local/state/odb")))
        .ok_or_else(|| Failure::usage("there is no state directory: give --home, or set ODB_HOME or HOME"))?;
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
    let address = address.ok_or_else(|| Failure::usage(format!("--listen takes a port or ADDRESS:PORT, not {text:?}")))?;
    if address.ip().is_loopback() {
        Ok(address)
    } else {
        Err(Failure::usage(format!("--listen takes loopback addresses alone, not {address}")))
    }
}

fn browser_args(flags: Vec<String>, environment: &Environment) -> Result<Vec<String>, Failure> {
    let from_environment = match environment.get("ODB_BROWSER_ARGS") {
        Some(text) => text.to_str().ok_or_else(|| Failure::usage("ODB_BROWSER_ARGS is not UTF-8"))?,
        None => "",
    };
    let args: Vec<String> = from_environment.split_whitespace().map(str::to_owned).chain(flags).collect();
    // The adapter refuses more at every launch; what opens a port is refused before anything starts.
    match args.iter().find(|arg| arg.trim().trim_start_matches('-').to_ascii_lowercase().starts_with("remote-debugging-")) {
        Some(forbidden) => {
            let message = format!("the browser argument {forbidden} would open a debugging port");
            Err(Failure::Coded(Fault::new(ErrorCode::AdapterArgumentForbidden, message).with("argument", forbidden)))
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
        let variables = variables.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        settle(args, &Environment { variables, executable: None })
    }

    #[track_caller]
    fn check_home(args: &[&str], variables: &[(&str, &str)], expected: &str) {
        assert_eq!(settled(args, variables).unwrap().home, Path::new(expected));
    }

    #[test]
    fn the_flag_wins_over_odb_home_over_the_state_directory() {
        let all = [("ODB_HOME", "/odb"), ("XDG_STATE_HOME", "/xdg"), ("HOME", "/home/u")];
        check_home(&["--home", "/flag"], &all, "/flag");
        check_home(&[], &all, "/odb");
        check_home(&[], &all[1..], "/xdg/odb");
        check_home(&[], &[("XDG_STATE_HOME", "relative"), ("HOME", "/home/u")], "/home/u/.local/state/odb");
        assert!(settled(&[], &[]).is_err());
    }

    #[track_caller]
    fn check_listen(args: &[&str], expected: Option<&str>) {
        let listen = settled(args, &[("HOME", "/h")]).ok().map(|settings| settings.listen.to_string());
        assert_eq!(listen.as_deref(), expected, "{args:?}");
    }

    #[test]
    fn nothing_but_loopback_can_be_listened_on() {
        check_listen(&[], Some("127.0.0.1:9555"));
        check_listen(&["--limits", "local"], Some("127.0.0.1:0"));
        check_listen(&["--limits", "local", "--listen", "8000"], Some("127.0.0.1:8000"));
        check_listen(&["--listen", "127.0.0.1:0"], Some("127.0.0.1:0"));
        check_listen(&["--listen", "localhost:7"], Some("127.0.0.1:7"));
        check_listen(&["--listen", "[::1]:7"], Some("[::1]:7"));
        for refused in ["0.0.0.0:9555", "[::]:1", "10.0.0.1:1", "example.com:1", "", "70000"] {
            check_listen(&["--listen", refused], None);
        }
    }

    #[test]
    fn browser_arguments_come_from_both_and_open_no_port() {
        let settings = settled(&["--browser-arg", "--lang=de"], &[("HOME", "/h"), ("ODB_BROWSER_ARGS", " --a  --b=1 ")]).unwrap();
        assert_eq!(settings.browser_args, ["--a", "--b=1", "--lang=de"]);
        for forbidden in ["--remote-debugging-port=9222", "-Remote-Debugging-Address=0.0.0.0"] {
            let Err(Failure::Coded(fault)) = settled(&["--browser-arg", forbidden], &[("HOME", "/h")]) else {
                panic!("{forbidden}")
            };
            assert_eq!(fault.code, ErrorCode::AdapterArgumentForbidden);
        }
    }

    #[test]
    fn an_unknown_profile_is_a_usage_error() {
        let Err(Failure::Coded(fault)) = settled(&["--limits", "lax"], &[("HOME", "/h")]) else { panic!("accepted") };
        assert_eq!(fault.code, ErrorCode::CliUsageInvalid);
    }
}
