//! Nodes and what they own.

use serde::Deserialize;

use super::RemoteObject;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct FrameOwner {
    pub(crate) backend_node_id: i64,
}

#[derive(Deserialize)]
pub(crate) struct ResolvedNode<'a> {
    #[serde(borrow)]
    pub(crate) object: RemoteObject<'a>,
}

#[derive(Deserialize)]
pub(crate) struct DescribedNode<'a> {
    #[serde(borrow)]
    pub(crate) node: NodeRoots<'a>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct NodeRoots<'a> {
    #[serde(borrow, default)]
    pub(crate) shadow_roots: Vec<ShadowRoot<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ShadowRoot<'a> {
    pub(crate) backend_node_id: i64,
    pub(crate) shadow_root_type: Option<&'a str>,
}
