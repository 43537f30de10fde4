//! The verb that serves agents over their own protocol.

use clap::Subcommand;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use mcp::connect::McpClient;

/// What to do about the Model Context Protocol; it is served where nothing is said.
#[derive(Debug, Clone, Default, Subcommand)]
pub(crate) enum Mcp {
    /// Serves over stdin and stdout until stdin ends.
    #[default]
    Serve,
    /// Prints the snippet that makes a client start this server, with the global flags that stand here.
    Config {
        /// The client: claude, cursor, vscode, zed or codex.
        #[arg(long, value_name = "CLIENT", value_parser = client())]
        client: McpClient,
    },
}

fn client() -> impl TypedValueParser<Value = McpClient> {
    let words = McpClient::ALL.iter().map(|(word, _)| *word);
    PossibleValuesParser::new(words).try_map(|text| {
        let found = McpClient::ALL.iter().find(|(word, _)| *word == text);
        found
            .map(|(_, client)| *client)
            .ok_or_else(|| format!("{text:?} is no client that is known here"))
    })
}
