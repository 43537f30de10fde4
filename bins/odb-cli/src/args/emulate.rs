//! The verbs of emulation: what each takes.

use clap::Subcommand;
use ops_contracts::wire::command::Viewport;
use ops_contracts::wire::command::emulation::{
    ColorScheme, Contrast, ForcedColors, MediaType, Permission, ReducedMotion,
};

use super::{numbers, viewport, word};

/// What to emulate.
#[derive(Debug, Clone, Subcommand)]
pub(crate) enum Emulate {
    /// Sets the viewport.
    Viewport {
        /// Width and height, as 390x844, or with a pixel ratio, as 390x844@3.
        #[arg(value_name = "WxH", value_parser = scaled)]
        size: Viewport,
        /// As on a phone.
        #[arg(long)]
        mobile: bool,
        /// With a touch screen.
        #[arg(long)]
        touch: bool,
    },
    /// Emulates a device; lists them without a name.
    Device {
        /// Its name.
        name: Option<String>,
        /// Held sideways.
        #[arg(long, requires = "name")]
        landscape: bool,
    },
    /// Sets where the device is; back to the browser's own without a place.
    Geolocation {
        /// Degrees north and east, as 52.52,13.405.
        #[arg(value_name = "LAT,LON", value_parser = place, allow_hyphen_values = true)]
        place: Option<(f64, f64)>,
        /// Metres.
        #[arg(long, default_value_t = 10.0)]
        accuracy: f64,
    },
    /// Sets the locale; back to the browser's own without one.
    Locale {
        /// A tag, as de-DE.
        locale: Option<String>,
    },
    /// Sets the timezone; back to the browser's own without one.
    Timezone {
        /// A name, as Europe/Berlin.
        timezone: Option<String>,
    },
    /// Sets media features; what is not named stays as it is.
    Media {
        /// The colour scheme.
        #[arg(long, value_parser = word::<ColorScheme>(&["light", "dark"]))]
        color_scheme: Option<ColorScheme>,
        /// Less motion or not.
        #[arg(long, value_parser = word::<ReducedMotion>(&["reduce", "no-preference"]))]
        reduced_motion: Option<ReducedMotion>,
        /// The user's own colours or not.
        #[arg(long, value_parser = word::<ForcedColors>(&["active", "none"]))]
        forced_colors: Option<ForcedColors>,
        /// More or less contrast.
        #[arg(long, value_parser = word::<Contrast>(&["more", "less", "no-preference"]))]
        contrast: Option<Contrast>,
        /// Screen or paper.
        #[arg(long, value_parser = word::<MediaType>(&["screen", "print"]))]
        media: Option<MediaType>,
        /// Forgets what was set before.
        #[arg(long)]
        reset: bool,
    },
    /// Sets the user agent with its client hints; back to the browser's own without one.
    UserAgent {
        /// The text.
        text: Option<String>,
        /// navigator.platform, where it is to be another than the text says.
        #[arg(long, requires = "text")]
        platform: Option<String>,
    },
    /// Allows and refuses permissions without a question.
    Permissions {
        /// What is allowed; may be repeated.
        #[arg(long, value_name = "NAME", value_parser = word::<Permission>(PERMISSIONS))]
        grant: Vec<Permission>,
        /// What is refused; may be repeated.
        #[arg(long, value_name = "NAME", value_parser = word::<Permission>(PERMISSIONS))]
        deny: Vec<Permission>,
        /// The origin that it is about; all without one.
        #[arg(long)]
        origin: Option<String>,
        /// Forgets what was allowed and refused before.
        #[arg(long)]
        reset: bool,
    },
}

pub(crate) const PERMISSIONS: &[&str] = &[
    "geolocation",
    "notifications",
    "camera",
    "microphone",
    "clipboard-read",
    "clipboard-write",
    "midi",
    "background-sync",
    "persistent-storage",
    "accelerometer",
    "gyroscope",
    "magnetometer",
];

pub(crate) fn scaled(text: &str) -> Result<Viewport, String> {
    let Some((size, scale)) = text.split_once('@') else {
        return viewport(text);
    };
    let scale = scale
        .parse()
        .map_err(|_| "a pixel ratio behind the @, as 390x844@3, is expected".to_owned())?;
    Ok(Viewport {
        scale,
        ..viewport(size)?
    })
}

pub(crate) fn place(text: &str) -> Result<(f64, f64), String> {
    let numbers = numbers(text, ',', 2)?;
    Ok((numbers[0], numbers[1]))
}
