//! The profile's directory and preferences: no first run, no traffic and no prompts of the browser's own, every window
//! as active as if it had the focus, and nothing that brings a document back without its events.

use std::fs;
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// Where a launch keeps what.
pub(super) struct Places {
    pub(super) profile: PathBuf,
    /// Stands for the user's home.
    pub(super) home: PathBuf,
}

const BEGIN: &str = "// odb: written at every launch";
const END: &str = "// odb: end";

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
    ("datareporting.policy.dataSubmissionPolicyBypassNotification", "true"),
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
    ("browser.newtabpage.activity-stream.feeds.system.topstories", "false"),
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
    ("browser.download.always_ask_before_handling_new_types", "false"),
    ("browser.download.useDownloadDir", "true"),
    ("browser.download.manager.addToRecentDocs", "false"),
];

/// Makes what is missing below `directory` and writes the preferences.
pub(super) fn prepare(directory: &Path, persistent: bool) -> io::Result<Places> {
    let profile = if persistent { directory.to_owned() } else { directory.join("profile") };
    let home = directory.join("home");
    for path in [&profile, &home] {
        fs::DirBuilder::new().mode(0o700).recursive(true).create(path)?;
    }
    let file = profile.join("user.js");
    let before = match fs::read_to_string(&file) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(error),
    };
    let text = rewritten(&before);
    let mut open = fs::OpenOptions::new();
    open.write(true).create(true).truncate(true).mode(0o600);
    io::Write::write_all(&mut open.open(&file)?, text.as_bytes())?;
    Ok(Places { profile, home })
}

/// The user's own preferences, with ours in place of those of an earlier launch.
fn rewritten(before: &str) -> String {
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
    for (name, value) in PREFERENCES {
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
        let once = rewritten(own);
        assert!(once.starts_with(own) && once.contains("focusmanager.testmode"));
        assert_eq!(rewritten(&once), once);
    }

    #[test]
    fn a_fresh_profile_is_beside_the_home_and_private() {
        use std::os::unix::fs::PermissionsExt;
        let directory = tempfile::tempdir().unwrap();
        let places = prepare(directory.path(), false).unwrap();
        assert!(places.profile.join("user.js").is_file() && places.home.is_dir());
        assert_eq!(fs::metadata(&places.profile).unwrap().permissions().mode() & 0o777, 0o700);
        let kept = prepare(&directory.path().join("kept"), true).unwrap();
        assert_eq!(kept.profile, directory.path().join("kept"));
    }
}
