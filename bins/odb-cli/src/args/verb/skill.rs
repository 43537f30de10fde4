//! The verb that teaches agents with a shell.

use clap::{Args, Subcommand};

/// What to do with the guide; it is printed where nothing is said.
#[derive(Debug, Clone, Default, Subcommand)]
pub(crate) enum Skill {
    /// Prints the guide.
    #[default]
    Show,
    /// Writes the guide to where an agent of the project in the current directory looks for it.
    Install(Places),
}

/// Where to.
#[derive(Debug, Clone, Args)]
#[group(required = true, multiple = true)]
pub(crate) struct Places {
    /// To .claude/skills/odb/SKILL.md.
    #[arg(long)]
    pub(crate) claude: bool,
    /// To .cursor/rules/odb.mdc.
    #[arg(long)]
    pub(crate) cursor: bool,
    /// Into AGENTS.md, whose other text stays.
    #[arg(long)]
    pub(crate) agents_md: bool,
}
