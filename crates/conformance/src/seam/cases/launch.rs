//! Starting a browser, what it says of itself, and what its adapter says that it can do.

use ops_contracts::seam::adapter::{
    AdapterError, ClientHints, Emulation, InputAction, LaunchSpec, Modifiers, NetworkConditions,
    NetworkPolicy, Primitive, UserAgent,
};
use ops_contracts::wire::capability::{BrowserKind, Capability};
use ops_contracts::wire::command::Viewport;
use ops_contracts::wire::command::emulation::{ColorScheme, MediaParams};

use super::super::fixture::Fixture;
use super::super::page::Page;
use super::scripts::lost;
use crate::suite::Failure;
use crate::suite::check::{Outcome, contains, equal, holds};

pub(super) async fn a_browser_says_what_it_is_and_answers_until_it_is_closed(
    f: &Fixture,
) -> Outcome {
    let browser = f.launch().await?;
    let info = browser.info();
    holds(
        !info.product.is_empty() && info.version.starts_with(|c: char| c.is_ascii_digit()),
        format!("{info:?}"),
    )?;
    holds(info.pid.is_some(), "a browser of ours has a pid")?;
    browser.ping().await?;
    holds(browser.is_connected(), "it is connected")?;
    browser.close().await;
    holds(!browser.is_connected(), "a closed browser is not connected")?;
    let outcome = browser.ping().await;
    holds(
        matches!(outcome, Err(AdapterError::BrowserLost { .. })),
        format!("{outcome:?}"),
    )
}

/// The error of a launch that must fail.
async fn refused(f: &Fixture, spec: LaunchSpec) -> Result<AdapterError, Failure> {
    match f.try_launch(spec).await {
        Err(error) => Ok(error),
        Ok(browser) => {
            browser.close().await;
            Err(Failure::new("the launch succeeded"))
        }
    }
}

pub(super) async fn a_missing_browser_is_an_error_that_names_it(f: &Fixture) -> Outcome {
    let spec = LaunchSpec {
        executable: Some("/no/such/browser".into()),
        ..f.subject().launch.clone()
    };
    match refused(f, spec).await? {
        AdapterError::BrowserMissing { searched, install } => {
            contains(&searched.join(" "), "/no/such/browser")?;
            holds(!install.is_empty(), "it says what to install")
        }
        other => Err(other.into()),
    }
}

pub(super) async fn an_argument_for_the_debugging_connection_is_refused(f: &Fixture) -> Outcome {
    let argument = "--remote-debugging-port=9222".to_owned();
    let mut spec = f.subject().launch.clone();
    spec.args.push(argument.clone());
    lost(
        Err::<(), _>(refused(f, spec).await?),
        AdapterError::ArgumentForbidden { argument },
    )
}

/// For each capability that one primitive shows: that primitive.
fn shown_by_one(page: &Page) -> Vec<(Capability, Primitive)> {
    use Capability as C;
    let target = page.target;
    let emulate = |setting: Emulation| (setting.capability(), Primitive::Emulate { setting });
    let user_agent = |hints| {
        Emulation::UserAgent(Some(UserAgent {
            text: "Seam/1.0".to_owned(),
            platform: "Linux x86_64".to_owned(),
            hints,
        }))
    };
    let hints = ClientHints {
        brands: vec![("Seam".to_owned(), "1.0.0.0".to_owned())],
        platform: "Linux".to_owned(),
        platform_version: "6.0".to_owned(),
        architecture: "x86".to_owned(),
        bitness: "64".to_owned(),
        model: String::new(),
        mobile: false,
    };
    let viewport = Viewport {
        width: 640,
        height: 480,
        scale: 1.0,
    };
    let screen = |touch| Emulation::Screen {
        viewport,
        mobile: false,
        touch,
    };
    let tap = InputAction::Tap {
        x: 10.0,
        y: 10.0,
        modifiers: Modifiers::default(),
    };
    let mut shown = vec![
        (C::Cookies, Primitive::ReadCookies),
        emulate(screen(false)),
        (
            C::Touch,
            Primitive::Emulate {
                setting: screen(true),
            },
        ),
        (
            C::Touch,
            Primitive::Input {
                target,
                actions: vec![tap],
            },
        ),
        emulate(Emulation::Locale(Some("de-DE".to_owned()))),
        emulate(Emulation::Timezone(Some("Asia/Tokyo".to_owned()))),
        emulate(Emulation::Media(MediaParams {
            color_scheme: Some(ColorScheme::Dark),
            ..MediaParams::default()
        })),
        emulate(user_agent(None)),
        (
            C::ClientHints,
            Primitive::Emulate {
                setting: user_agent(Some(hints)),
            },
        ),
        emulate(Emulation::PermissionsReset),
        emulate(Emulation::Geolocation(None)),
        emulate(Emulation::CertificateErrors(true)),
        (
            C::Print,
            Primitive::Print {
                target,
                options: Box::default(),
            },
        ),
        (
            C::Trace,
            Primitive::StartTrace {
                categories: Vec::new(),
                max_bytes: 1 << 20,
            },
        ),
    ];
    shown.extend(shown_by_policy());
    shown
}

/// The same for those that the policy of the network shows.
fn shown_by_policy() -> [(Capability, Primitive); 2] {
    let policy = |policy| Primitive::SetNetworkPolicy { policy };
    let slow = NetworkConditions {
        offline: false,
        latency_ms: 5.0,
        download: Some(1e6),
        upload: Some(1e6),
    };
    let headers = NetworkPolicy {
        headers: vec![("x-seam".to_owned(), "1".to_owned())],
        ..NetworkPolicy::default()
    };
    let speed = NetworkPolicy {
        conditions: Some(slow),
        ..NetworkPolicy::default()
    };
    [
        (Capability::NetworkHeaders, policy(headers)),
        (Capability::NetworkSpeed, policy(speed)),
    ]
}

pub(super) async fn what_is_not_declared_is_unsupported_and_nothing_else(f: &Fixture) -> Outcome {
    let page = f.page_in(f.launch().await?).await?;
    page.goto(&f.site.url("/plain")).await?;
    let (adapter, browser) = (&f.subject().adapter, f.subject().launch.browser);
    let declared = adapter.capabilities(browser);
    for (capability, primitive) in shown_by_one(&page) {
        let told = format!("{}, by {primitive:?}", capability.as_str());
        let outcome = page.perform(primitive).await;
        let unsupported = matches!(outcome, Err(AdapterError::Unsupported { .. }));
        equal(unsupported, !declared.has(capability))
            .map_err(|wrong| Failure::new(format!("{told}: {wrong}: {outcome:?}")))?;
        holds(
            unsupported || outcome.is_ok(),
            format!("{told}: {outcome:?}"),
        )?;
    }
    // A family that it can do nothing with, it does not start either.
    let other = match browser {
        BrowserKind::Chrome => BrowserKind::Firefox,
        BrowserKind::Firefox => BrowserKind::Chrome,
    };
    if adapter.capabilities(other).iter().next().is_some() {
        return Ok(());
    }
    let spec = LaunchSpec {
        browser: other,
        ..f.subject().launch.clone()
    };
    let error = refused(f, spec).await?;
    holds(
        matches!(error, AdapterError::Unsupported { .. }),
        format!("{error:?}"),
    )
}
