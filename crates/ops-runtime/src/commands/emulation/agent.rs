//! What a user agent's text says of its platform and its client hints, so that all of it agrees.
//!
//! Only Chromium's kin sends client hints: for other texts there are none.

use ops_contracts::seam::adapter::{ClientHints, UserAgent};

/// Operating systems: what the text has, `navigator.platform`, and the client hint.
const PLATFORMS: &[(&str, &str, &str)] = &[
    ("iPhone", "iPhone", "iOS"),
    ("iPad", "iPad", "iOS"),
    ("Android", "Linux armv81", "Android"),
    ("CrOS", "Linux x86_64", "Chrome OS"),
    ("Windows", "Win32", "Windows"),
    ("Macintosh", "MacIntel", "macOS"),
    ("Linux", "Linux x86_64", "Linux"),
];

/// The user agent of a text.
pub(super) fn user_agent(text: &str, platform: Option<&str>) -> UserAgent {
    let known = PLATFORMS.iter().find(|(sign, ..)| text.contains(sign));
    let own = known.map_or("", |(_, navigator, _)| *navigator);
    let hints = known.and_then(|(_, _, hint)| hints(text, hint));
    UserAgent {
        text: text.to_owned(),
        platform: platform.unwrap_or(own).to_owned(),
        hints,
    }
}

fn hints(text: &str, platform: &str) -> Option<ClientHints> {
    let version = version_after(text, "Chrome/")?;
    let product = if let Some(edge) = version_after(text, "Edg/") {
        ("Microsoft Edge", edge)
    } else if let Some(opera) = version_after(text, "OPR/") {
        ("Opera", opera)
    } else {
        ("Google Chrome", version)
    };
    let brands = [("Not)A;Brand", "8.0.0.0"), ("Chromium", version), product];
    let phone = text.contains("Mobile");
    Some(ClientHints {
        brands: brands
            .map(|(name, version)| (name.to_owned(), version.to_owned()))
            .to_vec(),
        platform: platform.to_owned(),
        platform_version: platform_version(text, platform),
        architecture: if platform == "Android" { "" } else { "x86" }.to_owned(),
        bitness: if platform == "Android" { "" } else { "64" }.to_owned(),
        model: model(text).unwrap_or_default(),
        mobile: phone,
    })
}

fn version_after<'a>(text: &'a str, sign: &str) -> Option<&'a str> {
    let rest = text.split_once(sign)?.1;
    let version = rest
        .split(|c: char| !(c.is_ascii_digit() || c == '.'))
        .next()?;
    (!version.is_empty()).then_some(version)
}

fn platform_version(text: &str, platform: &str) -> String {
    let sign = match platform {
        "Windows" => "Windows NT ",
        "macOS" => "Mac OS X ",
        "Android" => "Android ",
        _ => return String::new(),
    };
    let rest = text.split_once(sign).map_or("", |(_, rest)| rest);
    rest.split([';', ')'])
        .next()
        .unwrap_or_default()
        .trim()
        .replace('_', ".")
}

/// `Android 10; Pixel 7 Build/X)` names the device; the reduced text has a `K` there.
fn model(text: &str) -> Option<String> {
    let inside = text.split_once("Android ")?.1.split(')').next()?;
    let name = inside.split(';').nth(1)?.split(" Build/").next()?.trim();
    (name != "K").then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const PHONE: &str = "Mozilla/5.0 (Linux; Android 14; Pixel 8 Build/UQ1A) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.6099.43 Mobile Safari/537.36";

    #[test]
    fn everything_agrees_with_the_text() {
        let phone = user_agent(PHONE, None);
        assert_eq!(phone.platform, "Linux armv81");
        let hints = phone.hints.unwrap();
        assert_eq!(
            (
                hints.platform.as_str(),
                hints.platform_version.as_str(),
                hints.model.as_str()
            ),
            ("Android", "14", "Pixel 8")
        );
        assert!(hints.mobile);
        assert!(
            hints
                .brands
                .contains(&("Google Chrome".to_owned(), "120.0.6099.43".to_owned()))
        );
        let edge = user_agent(
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/130.0.0.0 Safari/537.36 Edg/130.1.0.0",
            None,
        );
        assert_eq!(edge.platform, "Win32");
        let hints = edge.hints.unwrap();
        assert_eq!(
            (hints.platform_version.as_str(), hints.mobile),
            ("10.0", false)
        );
        assert!(
            hints
                .brands
                .contains(&("Microsoft Edge".to_owned(), "130.1.0.0".to_owned()))
        );
    }

    #[test]
    fn what_is_not_of_chromiums_kin_has_no_hints() {
        for text in [
            "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
            "curl/8",
            "",
        ] {
            assert_eq!(user_agent(text, None).hints, None, "{text}");
        }
        assert_eq!(user_agent("curl/8", Some("Amiga")).platform, "Amiga");
    }
}
