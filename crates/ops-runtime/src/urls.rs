//! URLs beyond the web: the refusal of their schemes, and files that are never shown, whatever schemes a session is allowed: those
//! below directories that the program which embeds us names.
//!
//! A `file:` URL names a file in many ways: escapes, dots, links, mounts, the links of `/proc`. What it leads to is compared.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Component, Path, PathBuf};

use ops_contracts::wire::command::session::UrlScheme;
use ops_contracts::{ErrorCode, Fault, Outcome};

/// The refusal of a scheme, which names the setting that allows it where one can.
pub(crate) fn not_allowed(scheme: &str, place: &str) -> Fault {
    let fault = Fault::new(
        ErrorCode::OpsUrlForbidden,
        format!("the scheme {scheme}: is not allowed in {place}"),
    )
    .with("scheme", scheme);
    match scheme.parse::<UrlScheme>() {
        Ok(_) => fault.with("setting", "browser.allowSchemes"),
        Err(_) => fault,
    }
}

/// Refuses the URL of a file below one of the directories. Other URLs pass.
///
/// # Errors
/// `ops_url_forbidden`.
pub(crate) fn check_file(url: &str, hidden: &[PathBuf]) -> Outcome<()> {
    let Some(path) = path_of(url).filter(|_| !hidden.is_empty()) else {
        return Ok(());
    };
    // Browsers take dots out by their words, before a link or a missing directory could matter; escaped slashes they leave to
    // the system, which follows each step.
    let paths = [without_dots(&path), path];
    let is_hidden = |path: &PathBuf| hidden.iter().any(|directory| is_below(path, directory));
    if paths.iter().any(is_hidden) {
        let why = "the file is one of the relay's own, which are never shown";
        return Err(Fault::new(ErrorCode::OpsUrlForbidden, why));
    }
    Ok(())
}

/// The path that a `file:` URL names, as browsers read it: any number of slashes, backslashes as slashes, escapes, a host or none.
fn path_of(url: &str) -> Option<PathBuf> {
    // Inner URLs as well: `view-source:file:///etc/passwd` shows the file.
    let at = url.to_ascii_lowercase().find("file:")?;
    let rest = &url[at + "file:".len()..];
    let rest = rest.split(['?', '#']).next().unwrap_or_default();
    let bytes: Vec<u8> = unescaped(rest)
        .into_iter()
        .filter(|byte| !matches!(byte, b'\t' | b'\n' | b'\r' | 0))
        .map(|byte| if byte == b'\\' { b'/' } else { byte })
        .collect();
    let slashes = bytes.iter().take_while(|byte| **byte == b'/').count();
    let path = match slashes {
        // `file://host/path`
        2 => bytes[2..]
            .iter()
            .position(|byte| *byte == b'/')
            .map_or(&[][..], |at| &bytes[2 + at..]),
        _ => &bytes[slashes.saturating_sub(1)..],
    };
    let path = PathBuf::from(OsString::from_vec(path.to_vec()));
    Some(Path::new("/").join(path))
}

/// A path whose `..` have taken the step before them away.
fn without_dots(path: &Path) -> PathBuf {
    let mut short = PathBuf::new();
    for step in path.components() {
        match step {
            Component::ParentDir => {
                short.pop();
            }
            step => short.push(step),
        }
    }
    short
}

fn unescaped(text: &str) -> Vec<u8> {
    let bytes = text.as_bytes();
    let digit = |at: usize| {
        bytes
            .get(at)
            .and_then(|byte| char::from(*byte).to_digit(16))
    };
    let (mut out, mut at) = (Vec::with_capacity(bytes.len()), 0);
    while at < bytes.len() {
        match (bytes[at], digit(at + 1), digit(at + 2)) {
            (b'%', Some(high), Some(low)) => {
                out.push(u8::try_from(high * 16 + low).unwrap_or_default());
                at += 3;
            }
            (byte, ..) => {
                out.push(byte);
                at += 1;
            }
        }
    }
    out
}

/// Whether a path leads into a directory. One that can't be followed is judged by its words.
fn is_below(path: &Path, directory: &Path) -> bool {
    let followed = |path: &Path| std::fs::canonicalize(path);
    let directory = followed(directory).unwrap_or_else(|_| directory.to_owned());
    let same = std::fs::metadata(&directory)
        .map(|found| (found.dev(), found.ino()))
        .ok();
    let known = |place: &Path| {
        let found = std::fs::metadata(place).ok();
        same.is_some() && found.map(|found| (found.dev(), found.ino())) == same
    };
    match followed(path) {
        // The same directory can be mounted in several places.
        Ok(path) => path.starts_with(&directory) || path.ancestors().any(known),
        Err(_) => {
            path.starts_with(&directory)
                || path
                    .ancestors()
                    .filter(|place| place.exists())
                    .any(|place| followed(place).is_ok_and(|place| place.starts_with(&directory)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hidden_file_is_refused_however_it_is_named() {
        let scratch = tempfile::tempdir().unwrap();
        let home = scratch.path().join("home");
        std::fs::create_dir(&home).unwrap();
        std::fs::write(home.join("relay.token"), "secret").unwrap();
        std::fs::write(scratch.path().join("open.txt"), "open").unwrap();
        std::os::unix::fs::symlink(&home, scratch.path().join("link")).unwrap();
        std::os::unix::fs::symlink(home.join("relay.token"), scratch.path().join("file")).unwrap();
        let hidden = [home.clone()];
        let root = scratch.path().display();
        let name = home.display();
        for url in [
            format!("file://{name}/relay.token"),
            format!("FILE:{name}/relay.token"),
            format!("file:{name}/relay.token"),
            format!("file://localhost{name}/relay.token"),
            format!("file:////{name}/relay.token"),
            format!("file://{name}/%72elay.token?x#y"),
            format!("file://{root}/other/../home/relay.token"),
            format!(
                "file://{root}/%2e%2e/{}/home/",
                scratch.path().file_name().unwrap().display()
            ),
            format!(
                "file:\\\\{}\\relay.token",
                name.to_string().replace('/', "\\")
            ),
            format!("file://{root}/link/relay.token"),
            format!("file://{root}/link/missing"),
            format!("file://{root}/file"),
            format!("file:///proc/self/root{name}/relay.token"),
            format!("view-source:file://{name}/relay.token"),
            format!("file://{name}"),
        ] {
            let refused = check_file(&url, &hidden).map_err(|fault| fault.code);
            assert_eq!(refused, Err(ErrorCode::OpsUrlForbidden), "{url}");
        }
        for url in [
            format!("file://{root}/open.txt"),
            format!("file://{root}/home-of-another"),
            "https://example.com/file".to_owned(),
            "about:blank".to_owned(),
        ] {
            assert!(check_file(&url, &hidden).is_ok(), "{url}");
        }
        assert!(check_file(&format!("file://{name}/relay.token"), &[]).is_ok());
    }
}
