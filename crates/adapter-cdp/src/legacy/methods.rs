//! Which raw commands the legacy lane lets through: a table, and nothing else. What is not in it is denied.
//!
//! Denied is what leaves the session's process: files and directories of the host, devices and networks beside the page's own,
//! other programs, other protocols' back doors, and the browser's own end by accident.

use ops_contracts::control::legacy::ConfinedParam;

/// What a command may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rule {
    /// It passes.
    Allow,
    /// It passes, and stands out in the audit log.
    Observe,
    /// It is refused, for this reason.
    Deny(&'static str),
    /// It passes where `downloadPath` is in the session's directory, or nothing is downloaded.
    Download,
    /// It passes where each of `files` is in the session's directory.
    Files,
    /// It passes where each of `data.files` is in the session's directory.
    DraggedFiles,
    /// It passes where `url` has a scheme that reads nothing of the host.
    Url,
    /// It passes, in a confined browser without a proxy of its own.
    Context,
    /// It passes without a configuration of the tracing service's own, which can name files.
    Trace,
}

use Rule::{Allow, Context, Deny, Download, DraggedFiles, Files, Observe, Trace, Url};

/// Schemes that a page may be sent to. The empty one is that of a URL without any, which browsers refuse themselves.
pub(super) const SCHEMES: &[&str] = &["", "http", "https", "about", "data", "blob"];

/// Domains that pass as a whole, their rows of [`METHODS`] aside: what they reach is the session's own process.
const DOMAINS: &[&str] = &[
    "Accessibility",
    "Animation",
    "Audits",
    "Autofill",
    "BackgroundService",
    "BluetoothEmulation",
    "Browser",
    "CSS",
    "CacheStorage",
    "Console",
    "CrashReportContext",
    "DOM",
    "DOMDebugger",
    "DOMSnapshot",
    "DOMStorage",
    "Debugger",
    "DeviceOrientation",
    "Emulation",
    "EventBreakpoints",
    "FedCm",
    "Fetch",
    "FileSystem",
    "HeadlessExperimental",
    "HeapProfiler",
    "IO",
    "IndexedDB",
    "Input",
    "Inspector",
    "LayerTree",
    "Log",
    "Media",
    "Memory",
    "Network",
    "Overlay",
    "Page",
    "Performance",
    "PerformanceTimeline",
    "Preload",
    "Profiler",
    "Runtime",
    "Schema",
    "Security",
    "ServiceWorker",
    "Storage",
    "Target",
    "Tracing",
    "WebAudio",
    "WebAuthn",
    "WebMCP",
];

const OTHER_PROCESSES: &str = "it ends or inspects the browser's processes";
const BACK_DOOR: &str = "it opens a way around this lane's checks";

/// Domains that are denied as a whole, and why.
const DENIED_DOMAINS: &[(&str, &str)] = &[
    ("SystemInfo", "it tells about the host"),
    ("Extensions", "it loads programs from the host's files"),
    ("PWA", "it installs programs on the host"),
    ("Tethering", "it opens ports on the host"),
    ("Cast", "it reaches other devices"),
    ("DeviceAccess", "it reaches devices of the host"),
    ("SmartCardEmulation", "it reaches devices of the host"),
];

/// Commands with a rule of their own, and those that are counted by name. In alphabetical order.
const METHODS: &[(&str, Rule)] = &[
    ("Accessibility.getFullAXTree", Allow),
    ("Browser.close", Observe),
    ("Browser.crash", Deny(OTHER_PROCESSES)),
    ("Browser.crashGpuProcess", Deny(OTHER_PROCESSES)),
    (
        "Browser.executeBrowserCommand",
        Deny("it acts on the browser's own windows"),
    ),
    (
        "Browser.getBrowserCommandLine",
        Deny("it tells about the host"),
    ),
    ("Browser.getVersion", Allow),
    ("Browser.getWindowForTarget", Allow),
    ("Browser.grantPermissions", Observe),
    ("Browser.setDockTile", Deny("it acts on the user's desktop")),
    ("Browser.setDownloadBehavior", Download),
    ("Browser.setPermission", Observe),
    ("DOM.describeNode", Allow),
    ("DOM.getBoxModel", Allow),
    ("DOM.getContentQuads", Allow),
    ("DOM.getDocument", Allow),
    ("DOM.querySelector", Allow),
    ("DOM.resolveNode", Allow),
    ("DOM.scrollIntoViewIfNeeded", Allow),
    ("DOM.setFileInputFiles", Files),
    ("Emulation.setDeviceMetricsOverride", Allow),
    ("Emulation.setEmulatedMedia", Allow),
    ("Emulation.setFocusEmulationEnabled", Allow),
    ("Fetch.continueRequest", Url),
    ("Fetch.disable", Allow),
    ("Fetch.enable", Observe),
    ("IO.close", Allow),
    ("IO.read", Allow),
    ("Input.dispatchDragEvent", DraggedFiles),
    ("Input.dispatchKeyEvent", Allow),
    ("Input.dispatchMouseEvent", Allow),
    ("Input.insertText", Allow),
    ("Log.enable", Allow),
    ("Network.continueInterceptedRequest", Url),
    ("Network.disable", Allow),
    ("Network.enable", Allow),
    ("Network.getAllCookies", Observe),
    ("Network.getCookies", Observe),
    ("Network.getResponseBody", Allow),
    ("Network.loadNetworkResource", Url),
    ("Network.setCacheDisabled", Allow),
    ("Network.setExtraHTTPHeaders", Allow),
    ("Page.addScriptToEvaluateOnNewDocument", Allow),
    ("Page.bringToFront", Allow),
    ("Page.captureScreenshot", Allow),
    ("Page.close", Allow),
    ("Page.crash", Observe),
    ("Page.createIsolatedWorld", Allow),
    ("Page.enable", Allow),
    ("Page.getFrameTree", Allow),
    ("Page.getLayoutMetrics", Allow),
    ("Page.getNavigationHistory", Allow),
    ("Page.handleFileChooser", Files),
    ("Page.handleJavaScriptDialog", Allow),
    ("Page.navigate", Url),
    ("Page.printToPDF", Allow),
    ("Page.reload", Allow),
    ("Page.setDownloadBehavior", Download),
    ("Page.setInterceptFileChooserDialog", Allow),
    ("Page.setLifecycleEventsEnabled", Allow),
    ("Performance.enable", Allow),
    ("Runtime.addBinding", Allow),
    ("Runtime.callFunctionOn", Allow),
    ("Runtime.enable", Allow),
    ("Runtime.evaluate", Allow),
    ("Runtime.getProperties", Allow),
    ("Runtime.releaseObject", Allow),
    ("Runtime.runIfWaitingForDebugger", Allow),
    ("Security.setIgnoreCertificateErrors", Observe),
    ("Storage.getCookies", Observe),
    ("Target.activateTarget", Allow),
    ("Target.attachToTarget", Allow),
    ("Target.closeTarget", Allow),
    ("Target.createBrowserContext", Context),
    ("Target.createTarget", Url),
    ("Target.detachFromTarget", Allow),
    ("Target.disposeBrowserContext", Allow),
    ("Target.exposeDevToolsProtocol", Deny(BACK_DOOR)),
    ("Target.getTargetInfo", Allow),
    ("Target.getTargets", Allow),
    ("Target.openDevTools", Deny(BACK_DOOR)),
    ("Target.sendMessageToTarget", Deny(BACK_DOOR)),
    ("Target.setAutoAttach", Allow),
    ("Target.setDiscoverTargets", Allow),
    (
        "Target.setRemoteLocations",
        Deny("it connects to other hosts"),
    ),
    ("Tracing.end", Allow),
    ("Tracing.start", Trace),
];

/// The name under which a method that is not well known is counted.
pub(super) const OTHER: &str = "other";

/// The rule for a method and the name under which it is counted.
pub(super) fn rule(method: &str) -> (Rule, &'static str) {
    if let Ok(at) = METHODS.binary_search_by_key(&method, |(name, _)| name) {
        let (name, rule) = METHODS[at];
        return (rule, name);
    }
    let domain = method.split('.').next().unwrap_or_default();
    if DOMAINS.contains(&domain) {
        return (Allow, OTHER);
    }
    let denied = DENIED_DOMAINS.iter().find(|(name, _)| *name == domain);
    (
        Deny(denied.map_or("this lane does not know what it reaches", |(_, why)| why)),
        OTHER,
    )
}

/// The parameters that must name the session's directory and that a client can't know how to set.
pub(super) fn confined(directory: &str) -> Vec<ConfinedParam> {
    let downloads = METHODS.iter().filter(|(_, rule)| *rule == Download);
    downloads
        .map(|(method, _)| ConfinedParam {
            method: (*method).to_owned(),
            param: "downloadPath".to_owned(),
            path: directory.to_owned(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_order_and_names_each_method_once() {
        assert!(METHODS.windows(2).all(|pair| pair[0].0 < pair[1].0));
        assert!(
            METHODS
                .iter()
                .all(|(name, _)| DOMAINS.contains(&name.split('.').next().unwrap()))
        );
        assert!(
            DOMAINS
                .iter()
                .all(|domain| DENIED_DOMAINS.iter().all(|(denied, _)| denied != domain))
        );
    }

    #[test]
    fn what_nobody_knows_is_denied() {
        assert_eq!(rule("Page.enable"), (Allow, "Page.enable"));
        assert_eq!(rule("Page.somethingNew"), (Allow, OTHER));
        for method in [
            "SystemInfo.getInfo",
            "Extensions.loadUnpacked",
            "Quantum.entangle",
            "",
            "page.enable",
            "Browser",
        ] {
            let known = method == "Browser";
            assert_eq!(matches!(rule(method).0, Deny(_)), !known, "{method}");
        }
    }
}
