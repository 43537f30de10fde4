//! Targets and how they are attached.

use serde::Deserialize;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Version {
    pub(crate) product: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct BrowserContextCreated {
    pub(crate) browser_context_id: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TargetCreated {
    pub(crate) target_id: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AttachedToTarget<'a> {
    pub(crate) session_id: &'a str,
    #[serde(borrow)]
    pub(crate) target_info: TargetInfo<'a>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TargetInfo<'a> {
    pub(crate) target_id: &'a str,
    pub(crate) r#type: &'a str,
    pub(crate) url: String,
    pub(crate) opener_id: Option<&'a str>,
    pub(crate) browser_context_id: Option<&'a str>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DetachedFromTarget<'a> {
    pub(crate) session_id: &'a str,
}
