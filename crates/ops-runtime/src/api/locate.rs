//! What names an element.

use ops_contracts::wire::ids::ElementRef;
use ops_contracts::wire::locator::{InvalidLocator, Locator};
use ops_contracts::{ErrorCode, Fault};

use super::Result;

/// What an element can be named by: a [`Locator`], a ref out of a snapshot, or a text such as `role=button[name=Save]`, `label=Email`,
/// `text=More`, `@e12` or a CSS selector.
///
/// ```
/// # use ops_runtime::api::{ErrorCode, IntoLocator, Locator};
/// let save: Locator = "role=button[name=Save]".parse()?;
/// assert_eq!("role=button[name=Save]".into_locator()?, save);
/// assert_eq!("".into_locator().unwrap_err().code, ErrorCode::OpsInvalidRequest);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait IntoLocator {
    /// The locator.
    ///
    /// # Errors
    /// `ops_invalid_request` for a text that is no locator.
    fn into_locator(self) -> Result<Locator>;
}

impl IntoLocator for &str {
    fn into_locator(self) -> Result<Locator> {
        self.parse().map_err(|invalid: InvalidLocator| {
            Fault::new(ErrorCode::OpsInvalidRequest, invalid.to_string()).with("field", "element")
        })
    }
}

impl IntoLocator for &String {
    fn into_locator(self) -> Result<Locator> {
        self.as_str().into_locator()
    }
}

impl IntoLocator for Locator {
    fn into_locator(self) -> Result<Locator> {
        Ok(self)
    }
}

impl IntoLocator for &Locator {
    fn into_locator(self) -> Result<Locator> {
        Ok(self.clone())
    }
}

impl IntoLocator for ElementRef {
    fn into_locator(self) -> Result<Locator> {
        Ok(self.into())
    }
}
