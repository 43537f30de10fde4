//! Closed shadow roots: no world of a page sees them, the protocol does. The bridge says which elements may have one; what
//! the protocol tells of those is handed back to it.

use chromiumoxide_cdp::cdp::browser_protocol::dom::{
    BackendNodeId, DescribeNodeParams, ResolveNodeParams,
};
use chromiumoxide_cdp::cdp::js_protocol::runtime::{
    ExecutionContextId, GetPropertiesParams, ReleaseObjectGroupParams, RemoteObjectId,
};
use futures_util::future::join_all;
use ops_contracts::seam::adapter::{Effect, FrameKey, Performed, ShadowRoots, TargetKey};
use serde::Serialize;

use super::{CdpContext, failed};
use crate::connection::{Route, decode};
use crate::wire;

/// The handles of one look; released together.
const GROUP: &str = "odb-roots";

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Hosts<'a> {
    expression: &'a str,
    unique_context_id: &'a str,
    object_group: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Reveal<'a> {
    function_declaration: &'a str,
    object_id: &'a str,
    arguments: Vec<Argument>,
    return_by_value: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Argument {
    object_id: Box<str>,
}

impl ShadowRoots for CdpContext {
    async fn reveal_shadow_roots(&self, target: TargetKey, frame: FrameKey) -> Performed {
        const CALL: &str = "reveal shadow roots";
        let (world, scope) = self.bridge_world(target, frame).await?;
        let (connection, route) = (
            &self.browser.connection,
            Route::scoped(&world.session, scope),
        );
        let params = Hosts {
            expression: "__odb.hosts()",
            unique_context_id: &world.unique,
            object_group: GROUP,
        };
        let reply = connection
            .call("Runtime.evaluate", &params, route)
            .await
            .map_err(failed(CALL))?;
        let list: wire::Evaluation<'_> = decode(&reply).map_err(failed(CALL))?;
        let Some(list) = list.result.object_id else {
            return Ok(Effect::Revealed(0));
        };
        let params = GetPropertiesParams {
            own_properties: Some(true),
            ..GetPropertiesParams::new(RemoteObjectId::from(list.clone()))
        };
        let reply = connection
            .exec(&params, route)
            .await
            .map_err(failed(CALL))?;
        let hosts: wire::Properties<'_> = decode(&reply).map_err(failed(CALL))?;
        let describe = |host: &str| {
            let object_id = Some(RemoteObjectId::from(host.to_owned()));
            connection.exec(
                &DescribeNodeParams {
                    object_id,
                    depth: Some(0),
                    ..Default::default()
                },
                route,
            )
        };
        let described = join_all(hosts.nodes().map(describe)).await;
        let mut roots = Vec::new();
        // A host that went away meanwhile has nothing to show.
        for reply in described.into_iter().flatten() {
            let described: wire::DescribedNode<'_> = decode(&reply).map_err(failed(CALL))?;
            let closed = described
                .node
                .shadow_roots
                .iter()
                .filter(|root| root.shadow_root_type == Some("closed"));
            roots.extend(closed.map(|root| root.backend_node_id));
        }
        let resolve = |root: &i64| {
            let params = ResolveNodeParams {
                backend_node_id: Some(BackendNodeId::new(*root)),
                execution_context_id: Some(ExecutionContextId::new(world.id)),
                object_group: Some(GROUP.to_owned()),
                ..Default::default()
            };
            connection.exec(&params, route)
        };
        let resolved = join_all(roots.iter().map(resolve)).await;
        let mut arguments = Vec::with_capacity(resolved.len());
        for reply in resolved.into_iter().flatten() {
            let resolved: wire::ResolvedNode<'_> = decode(&reply).map_err(failed(CALL))?;
            arguments.extend(resolved.object.object_id.map(|id| Argument {
                object_id: id.into(),
            }));
        }
        let given = u32::try_from(arguments.len()).unwrap_or(u32::MAX);
        if given > 0 {
            let params = Reveal {
                function_declaration: "function(...roots){__odb.reveal(roots)}",
                object_id: &list,
                arguments,
                return_by_value: true,
            };
            connection
                .call("Runtime.callFunctionOn", &params, route)
                .await
                .map_err(failed(CALL))?;
        }
        connection
            .exec(&ReleaseObjectGroupParams::new(GROUP), route)
            .forget();
        Ok(Effect::Revealed(given))
    }
}
