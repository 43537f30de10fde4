//! Devices that can be emulated: a table of presets. In a user agent, `{chrome}` stands for the browser's own major version.

use crate::wire::command::Viewport;

/// A preset.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Device {
    /// Its name.
    pub name: &'static str,
    /// Its viewport, held upright.
    pub viewport: Viewport,
    /// As on a phone: the viewport meta element counts.
    pub mobile: bool,
    /// With a touch screen.
    pub touch: bool,
    /// Its user agent.
    pub user_agent: &'static str,
}

const IPHONE: &str = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1";
const IPAD: &str = "Mozilla/5.0 (iPad; CPU OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1";
const ANDROID: &str = "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{chrome}.0.0.0 Mobile Safari/537.36";
const TABLET: &str = "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{chrome}.0.0.0 Safari/537.36";
const WINDOWS: &str = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{chrome}.0.0.0 Safari/537.36";
const MAC: &str = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{chrome}.0.0.0 Safari/537.36";
const SAFARI: &str = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Safari/605.1.15";

const fn device(
    name: &'static str,
    width: u32,
    height: u32,
    scale: f64,
    user_agent: &'static str,
) -> Device {
    Device {
        name,
        viewport: Viewport {
            width,
            height,
            scale,
        },
        mobile: true,
        touch: true,
        user_agent,
    }
}

const fn desktop(
    name: &'static str,
    width: u32,
    height: u32,
    scale: f64,
    user_agent: &'static str,
) -> Device {
    Device {
        name,
        viewport: Viewport {
            width,
            height,
            scale,
        },
        mobile: false,
        touch: false,
        user_agent,
    }
}

/// Every preset.
pub const DEVICES: &[Device] = &[
    device("iPhone SE", 375, 667, 2.0, IPHONE),
    device("iPhone 13", 390, 844, 3.0, IPHONE),
    device("iPhone 14", 390, 844, 3.0, IPHONE),
    device("iPhone 14 Pro Max", 430, 932, 3.0, IPHONE),
    device("iPhone 15", 393, 852, 3.0, IPHONE),
    device("iPhone 15 Pro Max", 430, 932, 3.0, IPHONE),
    device("iPhone 16", 393, 852, 3.0, IPHONE),
    device("iPad", 810, 1080, 2.0, IPAD),
    device("iPad Mini", 768, 1024, 2.0, IPAD),
    device("iPad Pro 11", 834, 1194, 2.0, IPAD),
    device("Pixel 5", 393, 851, 2.75, ANDROID),
    device("Pixel 7", 412, 915, 2.625, ANDROID),
    device("Pixel 8", 412, 915, 2.625, ANDROID),
    device("Pixel 9", 412, 923, 2.625, ANDROID),
    device("Galaxy S9+", 320, 658, 4.5, ANDROID),
    device("Galaxy S23", 360, 780, 3.0, ANDROID),
    device("Galaxy S24", 360, 780, 3.0, ANDROID),
    device("Galaxy Tab S9", 800, 1280, 2.0, TABLET),
    device("Moto G4", 360, 640, 3.0, ANDROID),
    desktop("Desktop Chrome", 1280, 720, 1.0, WINDOWS),
    desktop("Desktop Chrome HiDPI", 1280, 720, 2.0, WINDOWS),
    desktop("Desktop Full HD", 1920, 1080, 1.0, WINDOWS),
    desktop("Laptop", 1366, 768, 1.0, WINDOWS),
    desktop("MacBook Air", 1440, 900, 2.0, MAC),
    desktop("Desktop Safari", 1280, 720, 2.0, SAFARI),
];

/// The preset of a name, whatever its case.
#[must_use]
pub fn find(name: &str) -> Option<&'static Device> {
    DEVICES
        .iter()
        .find(|device| device.name.eq_ignore_ascii_case(name.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_whatever_their_case_and_are_unique() {
        for (at, device) in DEVICES.iter().enumerate() {
            let found = find(&device.name.to_uppercase());
            assert_eq!(found, Some(device));
            assert!(
                DEVICES[..at].iter().all(|other| other.name != device.name),
                "{}",
                device.name
            );
        }
        assert_eq!(find("Nokia 3310"), None);
    }
}
