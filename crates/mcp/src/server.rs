//! The server itself: what the protocol asks, and the end.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use client_core::{Client, Failure, Outcome};
use ops_contracts::ErrorCode;
use ops_contracts::wire::command::{CommandName, Empty};
use ops_contracts::wire::version::BINARY_VERSION;
use rmcp::handler::server::ServerHandler;
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, ErrorData, Implementation, ListToolsResult,
    PaginatedRequestParams, ServerCapabilities, ServerConfig,
};
use rmcp::service::{RequestContext, RoleServer, ServerInitializeError, ServiceExt};
use rmcp::transport::io::stdio_pipes;
use tokio::sync::Mutex;

use crate::answer::Answer;
use crate::args::{Args, raw};
use crate::call::Cx;
use crate::fence::Fence;
use crate::handle::Sessions;
use crate::link::{Link, Sending};
use crate::trouble::Trouble;
use crate::{tool, tools};

/// How long closing the sessions may take when the server ends.
const END: Duration = Duration::from_secs(5);

/// What a server needs.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The client of a home, whose relay is used.
    pub client: Client,
    /// The directory that files are saved in.
    pub saved: PathBuf,
}

/// What the calls of a server share.
#[derive(Debug)]
pub(crate) struct Core {
    client: Client,
    /// Where files are saved.
    pub(crate) saved: PathBuf,
    /// The sessions that are open.
    pub(crate) sessions: Sessions,
    fence: Fence,
    link: Mutex<Option<Arc<Link>>>,
}

impl Core {
    /// Random bits from the operating system.
    pub(crate) fn random(&self) -> Result<u128, Trouble> {
        Ok(self.client.surroundings.random_bits()?)
    }

    /// The connection that new sessions are made over.
    pub(crate) async fn link(&self) -> Result<Arc<Link>, Trouble> {
        let mut link = self.link.lock().await;
        if let Some(link) = link.as_ref().filter(|link| !link.is_closed()) {
            return Ok(link.clone());
        }
        let new = Arc::new(Link::connect(&self.client).await?);
        *link = Some(new.clone());
        Ok(new)
    }

    /// Lets go of that connection.
    pub(crate) async fn unlink(&self) {
        self.link.lock().await.take();
    }

    /// Closes every session: nobody can name them any more.
    async fn close_all(&self) {
        let Ok(params) = raw(&Empty {}) else { return };
        let closing: Vec<_> = self
            .sessions
            .take_all()
            .into_iter()
            .map(|held| {
                let params = params.clone();
                tokio::spawn(async move {
                    let sending = Sending {
                        request_id: held.link.next_id(),
                        ids: Some(held.ids.clone()),
                        command: CommandName::SessionClose,
                        params,
                        timeout: Some(END),
                    };
                    drop(held.link.call(&sending).await);
                })
            })
            .collect();
        let all = async {
            for one in closing {
                drop(one.await);
            }
        };
        drop(tokio::time::timeout(END, all).await);
    }
}

/// What answers the protocol.
#[derive(Debug, Clone)]
struct Server(Arc<Core>);

impl ServerHandler for Server {
    fn get_info(&self) -> ServerConfig {
        ServerConfig::new(ServerCapabilities::builder().enable_tools().build())
            .with_server_info(Implementation::new("odb", BINARY_VERSION))
            .with_instructions(self.0.fence.instructions())
    }

    async fn list_tools(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        Ok(ListToolsResult::with_all_items(tool::list()))
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let Some(name) = tool::find(&request.name) else {
            return Err(ErrorData::invalid_params("there is no such tool", None));
        };
        let cx = Cx::new(&self.0);
        let answer = tokio::select! {
            answer = tools::run(&cx, name, Args::new(request.arguments)) => answer,
            () = context.ct.cancelled() => {
                cx.cancel().await;
                Err(Trouble::new(ErrorCode::OpsCancelled, "the call was cancelled"))
            }
        };
        let answer = answer.unwrap_or_else(Answer::from);
        Ok(answer.fenced(&self.0.fence).into())
    }
}

/// Serves over stdin and stdout until stdin ends or `end` does; then closes what it opened.
///
/// # Errors
/// A system without random bits; a malformed first message.
pub async fn serve_stdio(settings: Settings, end: impl Future<Output = ()>) -> Outcome<()> {
    let fence = Fence::new(settings.client.surroundings.random_bits()?);
    let core = Arc::new(Core {
        client: settings.client,
        saved: settings.saved,
        sessions: Sessions::default(),
        fence,
        link: Mutex::default(),
    });
    let served = async {
        let running = match Server(core.clone()).serve(stdio_pipes()).await {
            Ok(running) => running,
            // A client that leaves without a word has done nothing wrong.
            Err(ServerInitializeError::ConnectionClosed(_)) => return Ok(()),
            Err(error) => return Err(Failure::usage(error.to_string())),
        };
        drop(running.waiting().await);
        Ok(())
    };
    let outcome = tokio::select! {
        outcome = served => outcome,
        () = end => Ok(()),
    };
    core.close_all().await;
    outcome
}
