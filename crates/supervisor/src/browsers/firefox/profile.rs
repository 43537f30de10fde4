//! The profile's directory and preferences: no first run, no traffic and no prompts of the browser's own, every window
//! as active as if it had the focus, and nothing that brings a document back without its events.

use std::fs;
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

const BEGIN: &str = "// odb: written at every launch";
const END: &str = "// odb: end";
/// Says that a launch was confined.
const CONFINED_MARK: &str = "// odb: confined";

/// Names and values as a preference file writes them.
const PREFERENCES: &[(&str, &str)] = &[
    // Several windows act as focused, and none is put to sleep.
    ("focusmanager.testmode", "true"),
    ("browser.tabs.unloadOnLowMemory", "false"),
    ("dom.min_background_timeout_value", "4"),
    ("dom.timeout.enable_budget_timer_throttling", "false"),
    ("widget.windows.window_occlusion_tracking.enabled", "false"),
    // Mouse events take the way of real ones, into frames of other processes too.
    ("remote.events.async.mouse.enabled", "true"),
    ("remote.events.async.wheel.enabled", "true"),
    // Popups are the page's business.
    ("dom.disable_open_during_load", "false"),
    ("dom.disable_beforeunload", "false"),
    ("dom.require_user_interaction_for_beforeunload", "false"),
    ("prompts.tab_modal.enabled", "true"),
    ("dom.successive_dialog_time_limit", "0"),
    // A page that comes back out of this cache brings no new realms and no events.
    ("fission.bfcacheInParent", "false"),
    ("browser.sessionhistory.max_total_viewers", "0"),
    // A script that takes long is the caller's.
    ("dom.max_script_run_time", "0"),
    ("dom.max_chrome_script_run_time", "0"),
    ("dom.ipc.reportProcessHangs", "false"),
    ("hangmonitor.timeout", "0"),
    // Starts with one blank page, and makes no others ahead.
    ("browser.startup.page", "0"),
    ("browser.startup.homepage", "\"about:blank\""),
    ("browser.newtabpage.enabled", "false"),
    ("browser.newtab.preload", "false"),
    ("browser.sessionstore.resume_from_crash", "false"),
    ("browser.shell.checkDefaultBrowser", "false"),
    ("browser.aboutwelcome.enabled", "false"),
    ("browser.startup.homepage_override.mstone", "\"ignore\""),
    ("startup.homepage_welcome_url", "\"\""),
    ("datareporting.policy.dataSubmissionEnabled", "false"),
    (
        "datareporting.policy.dataSubmissionPolicyBypassNotification",
        "true",
    ),
    ("datareporting.healthreport.uploadEnabled", "false"),
    ("termsofuse.bypassNotification", "true"),
    ("trailhead.firstrun.didSeeAboutWelcome", "true"),
    ("browser.tabs.warnOnClose", "false"),
    ("browser.warnOnQuit", "false"),
    ("browser.tabs.closeWindowWithLastTab", "true"),
    ("browser.translations.enable", "false"),
    ("signon.rememberSignons", "false"),
    ("signon.autofillForms", "false"),
    ("extensions.formautofill.addresses.enabled", "false"),
    ("extensions.formautofill.creditCards.enabled", "false"),
    ("toolkit.cosmeticAnimations.enabled", "false"),
    // No traffic of its own.
    ("app.update.disabledForTesting", "true"),
    ("app.update.enabled", "false"),
    ("app.normandy.enabled", "false"),
    ("app.shield.optoutstudies.enabled", "false"),
    ("toolkit.telemetry.enabled", "false"),
    ("toolkit.telemetry.unified", "false"),
    ("toolkit.telemetry.server", "\"\""),
    ("browser.safebrowsing.malware.enabled", "false"),
    ("browser.safebrowsing.phishing.enabled", "false"),
    ("browser.safebrowsing.downloads.enabled", "false"),
    ("browser.safebrowsing.downloads.remote.enabled", "false"),
    ("browser.safebrowsing.update.enabled", "false"),
    ("browser.region.network.url", "\"\""),
    ("browser.region.update.enabled", "false"),
    ("browser.search.update", "false"),
    ("browser.topsites.contile.enabled", "false"),
    (
        "browser.newtabpage.activity-stream.feeds.system.topstories",
        "false",
    ),
    ("browser.newtabpage.activity-stream.feeds.topsites", "false"),
    ("browser.ping-centre.telemetry", "false"),
    ("browser.contentblocking.introCount", "99"),
    ("dom.push.connection.enabled", "false"),
    ("extensions.update.enabled", "false"),
    ("extensions.getAddons.cache.enabled", "false"),
    ("extensions.systemAddon.update.enabled", "false"),
    ("extensions.blocklist.enabled", "false"),
    ("geo.provider.network.url", "\"\""),
    ("media.gmp-manager.url", "\"\""),
    ("media.gmp-manager.updateEnabled", "false"),
    ("media.gmp-provider.enabled", "false"),
    ("messaging-system.rsexperimentloader.enabled", "false"),
    ("network.captive-portal-service.enabled", "false"),
    ("network.connectivity-service.enabled", "false"),
    ("network.dns.disablePrefetch", "true"),
    ("network.http.speculative-parallel-limit", "0"),
    ("network.prefetch-next", "false"),
    ("network.trr.mode", "5"),
    ("security.OCSP.enabled", "0"),
    ("services.settings.server", "\"data:,\""),
    ("signon.management.page.breach-alerts.enabled", "false"),
    ("nimbus.rollouts.enabled", "false"),
    // Names that point to this machine are this machine, as in other browsers.
    ("network.proxy.allow_hijacking_localhost", "true"),
    // Errors of networks and certificates, and nothing that asks to go on.
    ("browser.xul.error_pages.expert_bad_cert", "false"),
    ("dom.security.https_only_mode", "false"),
    ("dom.security.https_first", "false"),
    ("dom.security.https_first_schemeless", "false"),
    ("browser.fixup.alternate.enabled", "false"),
    ("keyword.enabled", "false"),
    ("pdfjs.disabled", "false"),
    // JSON is shown as the text that it is.
    ("devtools.jsonview.enabled", "false"),
    ("remote.active-protocols", "1"),
    // A page that asks for files is told of, and no window opens.
    ("remote.bidi.dismiss_file_pickers.enabled", "true"),
    // Downloads are kept without a question.
    (
        "browser.download.always_ask_before_handling_new_types",
        "false",
    ),
    ("browser.download.useDownloadDir", "true"),
    ("browser.download.manager.addToRecentDocs", "false"),
];

/// Of a confined launch. A proxy resolves names by itself; with these the browser can't, whatever asks it to. What is in no context
/// with a proxy has one that nobody can be: an address for datagrams to all, which no connection is made to. WebRTC asks the
/// context's proxy or nobody.
const CONFINED: &[(&str, &str)] = &[
    ("network.dns.disabled", "true"),
    ("network.dns.disablePrefetchFromHTTPS", "true"),
    ("network.dns.native_https_query", "false"),
    ("network.proxy.type", "1"),
    ("network.proxy.http", "\"255.255.255.255\""),
    ("network.proxy.http_port", "1"),
    ("network.proxy.ssl", "\"255.255.255.255\""),
    ("network.proxy.ssl_port", "1"),
    // WebSockets would prefer it.
    ("network.proxy.socks", "\"\""),
    ("network.proxy.no_proxies_on", "\"\""),
    // Neither the browser's own requests nor those that a proxy refuses go without one.
    ("network.proxy.failover_direct", "false"),
    ("network.proxy.allow_bypass", "false"),
    ("network.predictor.enabled", "false"),
    ("network.preconnect", "false"),
    ("network.early-hints.preconnect.enabled", "false"),
    // A connection is one host's alone.
    ("network.http.http2.coalesce-hostnames", "false"),
    // Datagrams know no proxy.
    ("network.http.http3.enable", "false"),
    ("network.webtransport.enabled", "false"),
    ("media.peerconnection.ice.proxy_only", "true"),
    ("media.peerconnection.disable_http_proxy", "false"),
    ("network.allow_raw_sockets_in_content_processes", "false"),
    // Extensions choose proxies.
    ("xpinstall.enabled", "false"),
    ("extensions.enabledScopes", "1"),
    ("extensions.sideloadScopes", "0"),
    ("extensions.installDistroAddons", "false"),
];

/// Writes the preferences of a profile that is there.
///
/// # Errors
/// Also where a profile that is to be confined brings extensions.
pub(super) fn prepare(profile: &Path, confined: bool) -> io::Result<()> {
    if confined && has_extensions(profile)? {
        return Err(io::Error::other(
            "it has extensions, which can lead past the rules of a confined session",
        ));
    }
    let file = profile.join("user.js");
    let before = read(&file)?;
    if !confined && before.lines().any(|line| line == CONFINED_MARK) {
        release(&profile.join("prefs.js"))?;
    }
    write(&file, &rewritten(&before, confined))
}

/// A file's text; none where there is no file.
fn read(file: &Path) -> io::Result<String> {
    match fs::read_to_string(file) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(String::new()),
        read => read,
    }
}

fn write(file: &Path, text: &str) -> io::Result<()> {
    let mut open = fs::OpenOptions::new();
    open.write(true).create(true).truncate(true).mode(0o600);
    io::Write::write_all(&mut open.open(file)?, text.as_bytes())
}

fn has_extensions(profile: &Path) -> io::Result<bool> {
    match fs::read_dir(profile.join("extensions")) {
        Ok(mut entries) => entries.next().transpose().map(|entry| entry.is_some()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// Takes away what a confined launch has left: Firefox keeps every preference that it was ever given.
fn release(file: &Path) -> io::Result<()> {
    let kept = read(file)?;
    let confining = |line: &&str| {
        CONFINED
            .iter()
            .any(|(name, _)| line.starts_with(&format!("user_pref(\"{name}\",")))
    };
    let rest: String = kept
        .lines()
        .filter(|line| !confining(line))
        .flat_map(|line| [line, "\n"])
        .collect();
    write(file, &rest)
}

/// The user's own preferences, with ours in place of those of an earlier launch.
fn rewritten(before: &str, confined: bool) -> String {
    let mut ours = false;
    let mut text = String::with_capacity(8 * 1024);
    for line in before.lines() {
        ours |= line == BEGIN;
        if !ours {
            text.push_str(line);
            text.push('\n');
        }
        ours &= line != END;
    }
    text.push_str(BEGIN);
    text.push('\n');
    if confined {
        text.push_str(CONFINED_MARK);
        text.push('\n');
    }
    // The last one counts.
    for (name, value) in PREFERENCES
        .iter()
        .chain(CONFINED.iter().filter(|_| confined))
    {
        text.push_str(&format!("user_pref(\"{name}\", {value});\n"));
    }
    text.push_str(END);
    text.push('\n');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_users_own_preferences_stay_and_ours_are_written_once() {
        let own = "user_pref(\"intl.accept_languages\", \"de\");\n";
        let once = rewritten(own, false);
        assert!(once.starts_with(own) && once.contains("focusmanager.testmode"));
        assert_eq!(rewritten(&once, false), once);
    }

    #[test]
    fn a_confined_profile_is_as_free_as_before_in_the_next_launch() {
        let directory = tempfile::tempdir().unwrap();
        let own = "user_pref(\"network.proxy.type\", 0);\n";
        fs::write(directory.path().join("user.js"), own).unwrap();
        let text = |name: &str| fs::read_to_string(directory.path().join(name)).unwrap();
        prepare(directory.path(), true).unwrap();
        let confined = text("user.js");
        assert!(
            CONFINED
                .iter()
                .all(|(name, value)| confined
                    .contains(&format!("user_pref(\"{name}\", {value});\n")))
        );
        assert!(
            confined.rfind("network.proxy.type\", 1)") > confined.rfind(own.trim_end()),
            "ours is the last and counts"
        );
        // What Firefox has kept of it.
        let kept = "user_pref(\"network.dns.disabled\", true);\nuser_pref(\"network.dns.disabledNot\", 1);\n";
        fs::write(directory.path().join("prefs.js"), kept).unwrap();
        prepare(directory.path(), false).unwrap();
        assert!(
            text("user.js").starts_with(own) && !text("user.js").contains("network.dns.disabled")
        );
        assert_eq!(
            text("prefs.js"),
            "user_pref(\"network.dns.disabledNot\", 1);\n"
        );
        // From here on it is the user's.
        fs::write(directory.path().join("prefs.js"), kept).unwrap();
        prepare(directory.path(), false).unwrap();
        assert_eq!(text("prefs.js"), kept);
    }

    #[test]
    fn a_profile_with_extensions_is_not_confined() {
        let directory = tempfile::tempdir().unwrap();
        let extensions = directory.path().join("extensions");
        fs::create_dir(&extensions).unwrap();
        assert!(prepare(directory.path(), true).is_ok());
        fs::write(extensions.join("way@out.xpi"), "").unwrap();
        assert!(prepare(directory.path(), true).is_err());
        assert!(prepare(directory.path(), false).is_ok());
    }
}
