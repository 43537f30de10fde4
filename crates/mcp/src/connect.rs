//! What a client wants in its configuration, so that it starts this server.

use serde_json::{Value, json};

/// A client of the protocol whose configuration is known here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum McpClient {
    /// Claude Code and Claude Desktop.
    Claude,
    /// Cursor.
    Cursor,
    /// Visual Studio Code.
    Vscode,
    /// Zed.
    Zed,
    /// Codex.
    Codex,
}

impl McpClient {
    /// Every client, with its word.
    pub const ALL: &'static [(&'static str, Self)] = &[
        ("claude", Self::Claude),
        ("cursor", Self::Cursor),
        ("vscode", Self::Vscode),
        ("zed", Self::Zed),
        ("codex", Self::Codex),
    ];

    /// The file that the snippet belongs into.
    #[must_use]
    pub const fn file(self) -> &'static str {
        match self {
            Self::Claude => ".mcp.json of a project, or claude_desktop_config.json",
            Self::Cursor => ".cursor/mcp.json of a project, or ~/.cursor/mcp.json",
            Self::Vscode => ".vscode/mcp.json of a project",
            Self::Zed => "settings.json",
            Self::Codex => "~/.codex/config.toml",
        }
    }

    /// The snippet, for a program and its arguments.
    #[must_use]
    pub fn snippet(self, program: &str, arguments: &[String]) -> String {
        let server = json!({"command": program, "args": arguments});
        match self {
            Self::Claude | Self::Cursor => pretty(&json!({"mcpServers": {"odb": server}})),
            Self::Vscode => pretty(&json!({"servers": {"odb": {
                "type": "stdio", "command": program, "args": arguments
            }}})),
            Self::Zed => pretty(&json!({"context_servers": {"odb": server}})),
            // A basic string of TOML takes the escapes of JSON as they are written here.
            Self::Codex => format!(
                "[mcp_servers.odb]\ncommand = {}\nargs = {}",
                json!(program),
                json!(arguments)
            ),
        }
    }
}

fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_snippet_names_the_program_and_its_arguments() {
        let arguments = ["mcp".to_owned(), "--home".to_owned(), "/h".to_owned()];
        for (word, client) in McpClient::ALL {
            let text = client.snippet("/opt/odb-cli", &arguments);
            let all = ["/opt/odb-cli", "mcp", "--home", "/h", "odb"];
            assert!(all.iter().all(|part| text.contains(part)), "{word}: {text}");
            if *client != McpClient::Codex {
                serde_json::from_str::<Value>(&text).unwrap();
            }
        }
    }
}
