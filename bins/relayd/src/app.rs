//! Composes the program: home, adapter, runtime and relay, from start to end.

use std::ffi::OsString;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use adapter_cdp::LegacyLauncher;
use clap::Parser;
use egress::LocalEgress;
use health_store::rollup::RollupLedger;
use health_store::{HealthStore, SystemTicks};
use ops_contracts::control::access::AccessPolicy;
use ops_contracts::control::choice::Choices;
use ops_contracts::control::config::LogFormat;
use ops_contracts::control::health::{AdapterHealthStore, HealthSink};
use ops_contracts::control::legacy::LEASE_TTL_MS;
use ops_contracts::wire::capability::{AdapterKind, Capability};
use ops_contracts::wire::clock::{Clock, Timestamp};
use ops_contracts::wire::command::session::SessionMode;
use ops_contracts::wire::http::RelayFile;
use ops_contracts::wire::version::{BINARY_VERSION, OPS_CONTRACT_VERSION, OPS_MIN_COMPAT_VERSION};
use ops_contracts::{ErrorCode, Fault};
use ops_runtime::{FamilyConfig, Runtime, RuntimeConfig, UrlRules};
use relay::{
    Control, Labels, Pairing, Relay, RelayConfig, RoutingSetup, Timeouts, Token, Versions,
};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use supervisor::{BrowserSupervisor, Sandbox};
use tokio::time::timeout;

use crate::adapters::Adapters;
use crate::args::Args;
use crate::certificate::{Files, Served};
use crate::environment::{Environment, SystemClock};
use crate::failure::{EXECUTION, Failure};
use crate::files::{self, Terms};
use crate::home::{Home, random_hex};
use crate::logging;
use crate::pairing::Pairings;
use crate::replay::{self, ToldRules};
use crate::settings::{self, Layers, Settings};
use crate::signals::{Hangups, Signals};

/// How often what was counted goes to disk.
const FLUSH_EVERY: Duration = Duration::from_secs(10);

/// How long the end waits for the last of these writes: a disk that does not answer keeps nobody from ending the program.
const FLUSH_WITHIN: Duration = Duration::from_secs(5);

/// How long the end waits for the journal.
const JOURNAL_WITHIN: Duration = Duration::from_secs(2);

/// How long what still runs may take after everything was told to end.
const LAST_TASKS: Duration = Duration::from_millis(500);

/// Runs the program to its end.
///
/// # Errors
/// When the command line is wrong, or the relay can't start.
pub(crate) fn run(
    args: impl Iterator<Item = OsString>,
    environment: Environment,
) -> Result<(), Failure> {
    let args = Args::try_parse_from(args).map_err(Failure::Arguments)?;
    let layers = settings::layers(args, &environment)?;
    let settings = layers.settle(&environment)?;
    let home = Arc::new(Home::take(settings.home.clone())?);
    let _log = logging::start(settings.log_format, settings.log_level)
        .map_err(|error| Failure::start(format!("logging: {error}")))?;
    raise_descriptor_limit();
    let tasks = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(workers())
        .max_blocking_threads(8)
        .thread_stack_size(1024 * 1024)
        .enable_all()
        .build()
        .map_err(|error| Failure::start(format!("threads: {error}")))?;
    let served = tasks.block_on(serve(settings, layers, environment, home.clone()));
    home.withdraw();
    tasks.shutdown_timeout(LAST_TASKS);
    served
}

/// Threads that serve: half of the processors, for what is served is work for browsers, which need the others.
fn workers() -> usize {
    const MOST: usize = 4;
    std::thread::available_parallelism()
        .map_or(1, |processors| (processors.get() / 2).clamp(1, MOST))
}

/// Lets the process open as many descriptors as the system allows it: the default is less than the connections that the relay takes.
fn raise_descriptor_limit() {
    let limit = getrlimit(Resource::Nofile);
    if limit.current != limit.maximum
        && let Err(error) = setrlimit(
            Resource::Nofile,
            Rlimit {
                current: limit.maximum,
                ..limit
            },
        )
    {
        tracing::warn!(%error, "the limit of open descriptors can't be raised");
    }
}

async fn serve(
    settings: Settings,
    layers: Layers,
    environment: Environment,
    home: Arc<Home>,
) -> Result<(), Failure> {
    let hangups = Hangups::listen().map_err(signals_failed)?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let adapters = Adapters::new(&settings, environment, &home, clock.clone())?;
    sweep(&adapters.supervisor);
    let kept = Kept::open(&settings, &home, &clock).await?;
    let browsers = adapters.browsers(&settings);
    let (relay, warnings) = bind(&settings, layers, adapters, &home, &kept, clock).await?;
    // Before anything is announced: whoever reads the announcement may end us in order. And not before everything is read:
    // until then nothing waits for the signals, and the system's default ends us.
    let signals = Signals::listen().map_err(signals_failed)?;
    home.announce(&relay_file(&settings, &relay))?;
    announce(&settings, &home, relay.url(), &browsers, &warnings);
    tokio::spawn(reload_on_hangup(hangups, relay.control()));
    let flushing = tokio::spawn(keep_flushing(kept.ledger.clone(), SystemClock));
    let ended = relay.serve(until_signalled(signals, home.clone())).await;
    flushing.abort();
    kept.settle().await;
    tracing::info!(reason = ?ended, "relayd ends");
    Ok(())
}

/// What the clients of the home find the relay by.
fn relay_file(settings: &Settings, relay: &Relay) -> RelayFile {
    RelayFile {
        relay_url: relay.url().to_owned(),
        pid: std::process::id().cast_signed(),
        instance_id: relay.instance_id().to_owned(),
        started_at: Some(relay.started_at()),
        relay_version: Some(BINARY_VERSION.to_owned()),
        ops_contract_version: Some(OPS_CONTRACT_VERSION.to_owned()),
        ops_min_contract_version: Some(OPS_MIN_COMPAT_VERSION.to_owned()),
        limits_profile: Some(settings.limits.name.clone()),
        certificate_sha256: relay.certificate_sha256(),
    }
}

fn signals_failed(error: std::io::Error) -> Failure {
    Failure::start(format!("signals: {error}"))
}

/// What is kept on disk beyond one life of the program.
struct Kept {
    health: Arc<HealthStore>,
    ledger: Arc<RollupLedger>,
}

impl Kept {
    async fn open(
        settings: &Settings,
        home: &Home,
        clock: &Arc<dyn Clock>,
    ) -> Result<Self, Failure> {
        let ticks = Arc::new(SystemTicks::new(clock.clone()));
        let health = HealthStore::open(&settings.home, ticks);
        let health = health.map_err(|error| Failure::Coded(error.into()))?;
        Ok(Self {
            health: Arc::new(health),
            ledger: open_ledger(home, &**clock).await?,
        })
    }

    /// The health store, where the settings have health reported to it.
    fn reported(&self, settings: &Settings) -> Option<Arc<HealthStore>> {
        let reports = settings.health.is_none_or(|tuning| tuning.told);
        reports.then(|| self.health.clone())
    }

    /// Writes what is not on disk yet, within bounds.
    async fn settle(self) {
        let flushed = timeout(FLUSH_WITHIN, flush(self.ledger, SystemClock.now())).await;
        if flushed.is_err() {
            tracing::error!("the ledger could not be flushed in time");
        }
        // The sessions' ends belong into the journal as well.
        if !self.health.settle(JOURNAL_WITHIN) {
            tracing::warn!("the health journal could not be written to its end");
        }
    }
}

/// The relay with everything behind it, and what its operator should know of the settings.
async fn bind(
    settings: &Settings,
    layers: Layers,
    adapters: Adapters,
    home: &Arc<Home>,
    kept: &Kept,
    clock: Arc<dyn Clock>,
) -> Result<(Relay, Vec<String>), Failure> {
    let choices = replay::choices(
        settings.replay_seed.as_deref(),
        &random_hex(8)?,
        settings.decision_log.as_deref(),
    )?;
    let runtime = RuntimeConfig {
        choices: choices.clone(),
        ..runtime_config(settings, home)
    };
    let store = kept.reported(settings);
    let sink = store.clone().map(|store| -> Arc<dyn HealthSink> { store });
    let legacy = legacy_browsers(settings, &adapters);
    let runtime = Runtime::with_health(runtime, adapters.ranked(), clock.clone(), sink);
    let pairings = Arc::new(Pairings::open(home.clone(), clock.clone())?);
    let tls = settings.tls.as_ref().map(Files::load).transpose()?;
    let files = settings.tls.clone().zip(tls.clone());
    let certificate = files.map(|(files, tls)| Served::new(files, tls, home.clone()));
    let routing = routing_setup(layers, pairings.clone(), certificate, &choices);
    let warnings = warnings(settings, &kept.ledger);
    let all = routing.settings.warnings.iter().map(ToString::to_string);
    let all = all.chain(warnings.iter().cloned()).collect();
    let config = RelayConfig {
        tls,
        pairing: Pairing {
            required: settings.pairing,
            store: pairings,
        },
        ledger: Some(kept.ledger.clone()),
        health: store.map(|store| -> Arc<dyn AdapterHealthStore> { store }),
        ..relay_config(settings, home, warnings, routing)?
    };
    let listen = config.listen;
    let relay = Relay::bind(config, Arc::new(runtime), clock).await;
    let relay =
        relay.map_err(|error| Failure::start(format!("{listen} can't be listened on: {error}")))?;
    let relay = relay.with_legacy_browsers(Arc::new(legacy), Duration::from_millis(LEASE_TTL_MS));
    let relay = match settings.policy.clone() {
        Some(path) => relay.with_policy(Arc::new(move || read_policy(&path))),
        None => relay,
    };
    Ok((relay, all))
}

/// What starts the browsers of the legacy lane.
fn legacy_browsers(settings: &Settings, adapters: &Adapters) -> LegacyLauncher {
    LegacyLauncher::new(
        adapters.cdp.clone(),
        settings.browser.clone(),
        settings.browser_args.clone(),
    )
    .confined_to(settings.domains.clone(), Arc::new(LocalEgress))
}

/// The ledger of the home; blocking, so off the event loop.
async fn open_ledger(home: &Home, clock: &dyn Clock) -> Result<Arc<RollupLedger>, Failure> {
    let (artifacts, now) = (home.artifacts(), clock.now());
    let opened = tokio::task::spawn_blocking(move || RollupLedger::open(&artifacts, now)).await;
    let opened = opened.map_err(|error| Failure::start(format!("the ledger: {error}")))?;
    opened
        .map(Arc::new)
        .map_err(|error| Failure::start(format!("the artifacts can't be used: {error}")))
}

async fn keep_flushing(ledger: Arc<RollupLedger>, clock: SystemClock) {
    loop {
        tokio::time::sleep(FLUSH_EVERY).await;
        flush(ledger.clone(), clock.now()).await;
    }
}

async fn flush(ledger: Arc<RollupLedger>, now: Timestamp) {
    if tokio::task::spawn_blocking(move || ledger.flush(now))
        .await
        .is_err()
    {
        tracing::error!("the ledger could not be flushed");
    }
}

/// The policy about commands; blocking.
fn read_policy(path: &Path) -> Result<AccessPolicy, String> {
    let terms = Terms {
        readable: true,
        linked: false,
    };
    let text = files::read(path, terms)
        .and_then(|bytes| String::from_utf8(bytes).map_err(|_| "it is not UTF-8".to_owned()));
    text.and_then(|text| AccessPolicy::parse(&text).map_err(|invalid| invalid.to_string()))
        .map_err(|why| format!("{}: {why}", path.display()))
}

/// The token that the operator supplies; none where each start makes its own.
fn supplied_token(settings: &Settings) -> Result<Option<String>, Failure> {
    let Some(path) = &settings.token_file else {
        return Ok(None);
    };
    let refused = |why: &str| {
        let fault = Fault::new(
            ErrorCode::RelayConfigInvalid,
            format!("{}: {why}", path.display()),
        );
        Failure::Coded(fault.with("key", "tokenFile"))
    };
    let terms = Terms {
        readable: false,
        linked: true,
    };
    let bytes = files::read(path, terms).map_err(|why| refused(&why))?;
    let text = String::from_utf8(bytes).unwrap_or_default();
    let token = text.trim_end_matches('\n');
    if (32..=512).contains(&token.len()) && token.bytes().all(|byte| byte.is_ascii_graphic()) {
        Ok(Some(token.to_owned()))
    } else {
        Err(refused(
            "it does not hold one line of 32 to 512 visible ASCII characters",
        ))
    }
}

/// Ends what relays that died have left behind.
fn sweep(supervisor: &BrowserSupervisor) {
    match supervisor.sweep() {
        Ok(report) if report.removed.is_empty() && report.killed.is_empty() => (),
        Ok(report) => {
            tracing::info!(removed = report.removed.len(), killed = ?report.killed, "swept what an earlier relay left behind")
        }
        Err(error) => tracing::warn!(%error, "the profiles can't be swept"),
    }
}

fn warnings(settings: &Settings, ledger: &RollupLedger) -> Vec<String> {
    let sandbox = match settings.sandbox {
        sandbox if sandbox.is_on() => None,
        Sandbox::Auto => Some("the browsers' sandbox is off, because relayd runs as root"),
        _ => Some("the browsers' sandbox is off, because --sandbox off says so"),
    };
    let open = !settings.listen.ip().is_loopback() && settings.tls.is_none();
    let open = open.then_some("this relay listens beyond loopback, and nothing there is encrypted: tokens travel in the clear");
    let tuned = settings
        .health
        .map(|_| "adapter health is not kept in the plan's way, because --health-tuning says so");
    let replayed = settings
        .replay_seed
        .as_ref()
        .map(|_| "choices can be foretold, because OPENCODE_REPLAY_SEED is set");
    sandbox
        .into_iter()
        .chain(open)
        .chain(tuned)
        .chain(replayed)
        .chain(ledger.baseline_problem())
        .map(str::to_owned)
        .collect()
}

fn runtime_config(settings: &Settings, home: &Home) -> RuntimeConfig {
    RuntimeConfig {
        profiles: Some(home.profiles()),
        chrome: FamilyConfig {
            executable: settings.browser.clone(),
            args: settings.browser_args.clone(),
        },
        firefox: FamilyConfig {
            executable: settings.firefox.clone(),
            args: settings.firefox_args.clone(),
        },
        health: settings
            .health
            .map(|tuning| tuning.rules)
            .unwrap_or_default(),
        egress: Some(Arc::new(LocalEgress)),
        domains: settings.domains.clone(),
        urls: UrlRules {
            schemes: settings.schemes.clone(),
            hidden: vec![settings.home.clone()],
        },
        ..RuntimeConfig::default()
    }
}

/// The settings are read anew from the same layers, of which only the document can have changed.
fn routing_setup(
    layers: Layers,
    pairings: Arc<Pairings>,
    certificate: Option<Served>,
    choices: &Choices,
) -> RoutingSetup {
    let settings = layers.routing();
    let read = move || {
        // With the configuration the pairings are read anew: one that was taken back is over then. So is the certificate: it is
        // renewed long before it expires.
        pairings.refresh().map_err(Failure::into_fault)?;
        certificate
            .as_ref()
            .map_or(Ok(()), Served::refresh)
            .map_err(Failure::into_fault)?;
        layers.reread()
    };
    RoutingSetup {
        policy: Arc::new(ToldRules::new(choices)),
        settings,
        read: Arc::new(read),
    }
}

async fn reload_on_hangup(mut hangups: Hangups, control: Control) {
    loop {
        hangups.next().await;
        match control.reload().await {
            Ok(changed) => tracing::info!(changed, "the configuration was reloaded"),
            // Told by who refused it.
            Err(_) => continue,
        }
    }
}

fn relay_config(
    settings: &Settings,
    home: &Home,
    warnings: Vec<String>,
    routing: RoutingSetup,
) -> Result<RelayConfig, Failure> {
    let windows = ::routing::version::windows(BINARY_VERSION);
    Ok(RelayConfig {
        listen: settings.listen,
        insecure_listen: settings.insecure_listen,
        tls: None,
        pairing: Pairing::off(),
        token: Token::new(home.token(supplied_token(settings)?)?),
        admin_token: settings.admin_token.clone().map(Token::new),
        allowed_hosts: settings.allowed_hosts.clone(),
        allowed_extensions: settings.allowed_extensions.clone(),
        limits: settings.limits.clone(),
        timeouts: Timeouts::default(),
        idle_exit: settings.idle_exit,
        instance_id: random_hex(16)?,
        versions: Versions {
            relay: BINARY_VERSION.to_owned(),
            window_n: windows.n,
            window_n_minus1: windows.n_minus1,
        },
        routing,
        capabilities: Capability::ALL
            .iter()
            .map(|capability| capability.as_str().to_owned())
            .collect(),
        labels: Labels {
            adapter: AdapterKind::Cdp,
            mode: SessionMode::Managed,
        },
        health: None,
        warnings,
        signing: settings.signing.clone(),
        ledger: None,
        phase: settings.phase,
        demo: settings.demo,
    })
}

/// Tells people, or the log's reader, what has started.
fn announce(
    settings: &Settings,
    home: &Home,
    url: &str,
    browsers: &[(&str, String)],
    warnings: &[String],
) {
    if settings.log_format == LogFormat::Text {
        let (dir, token, limits) = (
            settings.home.display(),
            home.token_path(),
            &settings.limits.name,
        );
        let browsers: String = browsers
            .iter()
            .map(|(name, found)| format!("  {name:<8} {found}\n"))
            .collect();
        let text = format!(
            "relayd {BINARY_VERSION} serves {url}\n  home     {dir}\n  token    {}\n  limits   {limits}\n{browsers}",
            token.display()
        );
        // Nobody may be reading.
        let _ = std::io::stderr().write_all(text.as_bytes());
    } else {
        let (home, limits) = (settings.home.display(), &settings.limits.name);
        tracing::info!(version = BINARY_VERSION, url, %home, limits, ?browsers, "relayd serves");
    }
    for warning in warnings {
        tracing::warn!("{warning}");
    }
}

/// Ends with the first signal; the second one ends the program.
async fn until_signalled(mut signals: Signals, home: Arc<Home>) {
    let signal = signals.next().await;
    tracing::info!(signal, "told to end");
    tokio::spawn(async move {
        let signal = signals.next().await;
        tracing::warn!(signal, "told again: ending at once");
        home.withdraw();
        // The guards see our end and take the browsers with them.
        std::process::exit(EXECUTION.into());
    });
}
