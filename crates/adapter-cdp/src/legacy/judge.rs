//! Applies the table's rules to one command. Parameters that can't be read are denied: what is not understood may be a file.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use ops_contracts::control::legacy::{CdpDecision, CdpVerdict, LegacyCommand};
use ops_contracts::wire::domains::DomainPolicy;
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::methods::{self, Rule, SCHEMES};
use super::paths;

/// What a session may reach.
pub(super) struct Bounds {
    /// Its directory: the only one.
    pub(super) directory: PathBuf,
    /// The hosts. Its door holds it to them; here they are told at once, and before the door can be gone round.
    pub(super) policy: Arc<DomainPolicy>,
}

/// What the command may do in a session with these bounds.
pub(super) fn judge(command: &LegacyCommand<'_>, bounds: &Bounds) -> CdpVerdict {
    let directory = &bounds.directory;
    let (rule, label) = methods::rule(command.method);
    let params = command.params.map_or("{}", |params| params.get());
    let refusal = match rule {
        Rule::Allow | Rule::Observe => None,
        Rule::Deny(why) => Some(why.to_owned()),
        Rule::Download => download(params, directory),
        Rule::Files => files(params, directory),
        Rule::DraggedFiles => dragged(params, directory),
        Rule::Url => url(params, &bounds.policy),
        Rule::Context => context(params, &bounds.policy),
        Rule::Trace => trace(params),
    };
    let passes = if matches!(rule, Rule::Allow | Rule::Url | Rule::Trace) {
        CdpDecision::Allow
    } else {
        CdpDecision::Observe
    };
    match refusal {
        None => CdpVerdict {
            decision: passes,
            label,
            why: String::new(),
        },
        Some(why) => CdpVerdict {
            decision: CdpDecision::Deny,
            label,
            why,
        },
    }
}

/// The parameters, or why they are denied.
fn read<'a, T: Deserialize<'a>>(params: &'a str) -> Result<T, String> {
    // Serde reads a struct from an array as well, by position.
    let object = params.trim_start().starts_with('{');
    let read = object.then(|| serde_json::from_str(params).ok()).flatten();
    read.ok_or_else(|| "its parameters can't be read".to_owned())
}

fn outside(path: &str, directory: &Path) -> Option<String> {
    (!paths::is_inside(Path::new(path), directory)).then(|| {
        format!(
            "{path:?} is outside the session's directory {}",
            directory.display()
        )
    })
}

fn download(params: &str, directory: &Path) -> Option<String> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Download {
        behavior: String,
        download_path: Option<String>,
    }
    let Download {
        behavior,
        download_path,
    } = match read(params) {
        Ok(read) => read,
        Err(why) => return Some(why),
    };
    match (behavior.as_str(), download_path) {
        ("deny", _) => None,
        ("allow" | "allowAndName", Some(path)) => outside(&path, directory),
        _ => Some(format!(
            "downloads need a downloadPath in the session's directory {}",
            directory.display()
        )),
    }
}

#[derive(Deserialize)]
struct Files {
    #[serde(default)]
    files: Vec<String>,
}

fn files(params: &str, directory: &Path) -> Option<String> {
    match read::<Files>(params) {
        Ok(Files { files }) => files.iter().find_map(|path| outside(path, directory)),
        Err(why) => Some(why),
    }
}

fn dragged(params: &str, directory: &Path) -> Option<String> {
    #[derive(Deserialize)]
    struct Drag {
        data: Option<Files>,
    }
    match read::<Drag>(params) {
        Ok(Drag { data }) => data?.files.iter().find_map(|path| outside(path, directory)),
        Err(why) => Some(why),
    }
}

fn url(params: &str, policy: &DomainPolicy) -> Option<String> {
    #[derive(Deserialize)]
    struct To {
        url: Option<String>,
    }
    match read::<To>(params) {
        Ok(To { url }) => {
            let url = url.as_deref().unwrap_or_default();
            let scheme = scheme(url);
            if !SCHEMES.contains(&scheme.as_str()) {
                return Some(format!("the scheme {scheme:?} reads what is not the web's"));
            }
            policy.refusal_of_url(url).map(|refusal| refusal.sentence())
        }
        Err(why) => Some(why),
    }
}

/// Contexts of a confined browser go out as the browser does: a proxy of their own would be another way.
fn context(params: &str, policy: &DomainPolicy) -> Option<String> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Context {
        proxy_server: Option<IgnoredAny>,
        proxy_bypass_list: Option<IgnoredAny>,
    }
    if policy.is_open() {
        return None;
    }
    match read::<Context>(params) {
        Ok(Context {
            proxy_server: None,
            proxy_bypass_list: None,
        }) => None,
        Ok(_) => Some("a proxy of its own goes past the relay's domain rules".to_owned()),
        Err(why) => Some(why),
    }
}

/// The scheme as browsers read it: they pass over spaces and control characters before it, and over line breaks and tabs within.
fn scheme(url: &str) -> String {
    let seen = url
        .trim_start_matches(|c: char| c <= ' ')
        .chars()
        .filter(|c| !matches!(c, '\t' | '\n' | '\r'));
    let seen: String = seen
        .take_while(|c| !matches!(c, '/' | '?' | '#'))
        .take(256)
        .collect();
    seen.split_once(':')
        .map_or_else(String::new, |(scheme, _)| scheme.to_ascii_lowercase())
}

fn trace(params: &str) -> Option<String> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Trace {
        perfetto_config: Option<IgnoredAny>,
    }
    match read::<Trace>(params) {
        Ok(Trace { perfetto_config }) => {
            perfetto_config.map(|_| "perfettoConfig can name a file to write".to_owned())
        }
        Err(why) => Some(why),
    }
}

#[cfg(test)]
mod tests {
    use ops_contracts::wire::domains::DomainRules;
    use serde_json::value::RawValue;

    use super::*;

    fn decide(method: &str, params: &str, directory: &Path) -> CdpDecision {
        let bounds = Bounds {
            directory: directory.to_owned(),
            policy: Arc::default(),
        };
        decide_within(method, params, &bounds)
    }

    fn decide_within(method: &str, params: &str, bounds: &Bounds) -> CdpDecision {
        let params = RawValue::from_string(params.to_owned()).unwrap();
        judge(
            &LegacyCommand {
                id: 1,
                method,
                params: Some(&params),
                session: None,
            },
            bounds,
        )
        .decision
    }

    #[test]
    fn files_outside_the_sessions_directory_are_denied() {
        let scratch = tempfile::tempdir().unwrap();
        let directory = scratch.path().join("files");
        std::fs::create_dir(&directory).unwrap();
        std::fs::write(directory.join("a"), "").unwrap();
        let within = directory.join("a").display().to_string();
        let of = |files: &str| format!(r#"{{"files":[{files}],"objectId":"1"}}"#);
        let check = |params: &str, expected| {
            assert_eq!(
                decide("DOM.setFileInputFiles", params, &directory),
                expected,
                "{params}"
            );
        };
        check(&of(&format!("{within:?}")), CdpDecision::Observe);
        check(&of(""), CdpDecision::Observe);
        check(
            &of(&format!("{within:?},\"/etc/passwd\"")),
            CdpDecision::Deny,
        );
        check(
            &of(&format!("\"{}/../../x\"", directory.display())),
            CdpDecision::Deny,
        );
        check(r#"{"f\u0069les":["/etc/passwd"]}"#, CdpDecision::Deny);
        check(r#"{"files":[],"files":["/etc/passwd"]}"#, CdpDecision::Deny);
        check(r#"[["/etc/passwd"]]"#, CdpDecision::Deny);
        let drag = r#"{"type":"drop","x":1,"y":1,"data":{"items":[],"files":["/etc/passwd"],"dragOperationsMask":1}}"#;
        assert_eq!(
            decide("Input.dispatchDragEvent", drag, &directory),
            CdpDecision::Deny
        );
    }

    #[test]
    fn downloads_need_the_sessions_directory() {
        let scratch = tempfile::tempdir().unwrap();
        let directory = scratch.path();
        let check = |params: &str, expected| {
            assert_eq!(
                decide("Browser.setDownloadBehavior", params, directory),
                expected,
                "{params}"
            );
        };
        check(r#"{"behavior":"deny"}"#, CdpDecision::Observe);
        check(r#"{"behavior":"default"}"#, CdpDecision::Deny);
        check(r#"{"behavior":"allow"}"#, CdpDecision::Deny);
        check(
            r#"{"behavior":"allow","downloadPath":"/tmp"}"#,
            CdpDecision::Deny,
        );
        check(
            &format!(
                r#"{{"behavior":"allowAndName","downloadPath":"{}/new"}}"#,
                directory.display()
            ),
            CdpDecision::Observe,
        );
    }

    #[test]
    fn urls_of_the_host_are_denied_however_they_are_written() {
        let check = |url: &str, expected| {
            let params = serde_json::json!({ "url": url }).to_string();
            assert_eq!(
                decide("Page.navigate", &params, Path::new("/nowhere")),
                expected,
                "{url:?}"
            );
        };
        for url in [
            "https://a.example/x?y=file:",
            "about:blank",
            "data:text/html,x",
            "",
            "a.example/x:y",
            "HTTP://a",
        ] {
            check(url, CdpDecision::Allow);
        }
        for url in [
            "file:///etc/passwd",
            " \tFi\nle:/etc",
            "view-source:file:///x",
            "chrome://settings",
            "\u{1}file:x",
            "filesystem:x",
        ] {
            check(url, CdpDecision::Deny);
        }
    }

    #[test]
    fn in_a_confined_browser_refused_urls_and_proxies_of_contexts_are_denied() {
        let only = DomainRules {
            allow: vec!["only.example".parse().unwrap()],
            deny: Vec::new(),
        };
        let confined = Bounds {
            directory: "/nowhere".into(),
            policy: Arc::new(DomainPolicy::of([only])),
        };
        let check = |method: &str, params: &str, expected| {
            assert_eq!(
                decide_within(method, params, &confined),
                expected,
                "{method} {params}"
            );
        };
        let proxied = r#"{"proxyServer":"http://127.0.0.1:1"}"#;
        for (method, params) in [
            ("Page.navigate", r#"{"url":"http://other.example/"}"#),
            ("Target.createTarget", r#"{"url":"https://127.0.0.1:1/"}"#),
            ("Target.createBrowserContext", proxied),
            (
                "Target.createBrowserContext",
                r#"{"proxyBypassList":"*","proxyServer":null}"#,
            ),
            (
                "Target.createBrowserContext",
                r#"{"proxyS\u0065rver":"direct://"}"#,
            ),
            ("Target.createBrowserContext", "[]"),
        ] {
            check(method, params, CdpDecision::Deny);
        }
        check(
            "Page.navigate",
            r#"{"url":"http://only.example/"}"#,
            CdpDecision::Allow,
        );
        check(
            "Target.createBrowserContext",
            r#"{"disposeOnDetach":true}"#,
            CdpDecision::Observe,
        );
        assert_eq!(
            decide(
                "Target.createBrowserContext",
                proxied,
                Path::new("/nowhere")
            ),
            CdpDecision::Observe
        );
    }

    #[test]
    fn what_leaves_the_process_is_denied() {
        let nowhere = Path::new("/nowhere");
        for method in [
            "Browser.crash",
            "SystemInfo.getProcessInfo",
            "Extensions.loadUnpacked",
            "Target.sendMessageToTarget",
        ] {
            assert_eq!(decide(method, "{}", nowhere), CdpDecision::Deny, "{method}");
        }
        assert_eq!(decide("Tracing.start", "{}", nowhere), CdpDecision::Allow);
        assert_eq!(
            decide("Tracing.start", r#"{"perfettoConfig":"AA=="}"#, nowhere),
            CdpDecision::Deny
        );
        assert_eq!(decide("Browser.close", "{}", nowhere), CdpDecision::Observe);
    }
}
