//! What a verb is. [`VERBS`] has one row for each; help, completions, dispatch and batches loop over it.
//!
//! A new verb is a row and a struct of arguments with [`OneCommand`]. A verb that is more, or other, than one command of a
//! session implements [`Verb`] itself.

use std::pin::Pin;

use clap::{ArgMatches, Args, FromArgMatches, Subcommand};
use client_core::{Failure, Outcome, Request};
use ops_contracts::wire::command::{CommandName, Params};
use ops_contracts::wire::ids::TargetId;

use crate::context::Context;
use crate::output::Output;
use crate::request::Command;
use crate::view::View;

mod programs;
mod table;

pub(crate) use table::VERBS;

/// Takes a verb from its row's matches.
type Parse = fn(&Row, &mut ArgMatches) -> Result<Box<dyn Verb>, clap::Error>;

/// A verb's run; the exit code.
pub(crate) type Run<'a> = Pin<Box<dyn Future<Output = Outcome<u8>> + 'a>>;

/// What a verb's arguments stand for.
pub(crate) enum Task<'a> {
    /// One command of a session: all that a batch takes.
    Command(Command),
    /// Anything else.
    Program(Box<dyn FnOnce(&'a Context<'a>) -> Run<'a> + 'a>),
    /// What needs no home: it prints what the binary knows.
    Print(Box<dyn FnOnce(Output) -> Outcome<u8> + 'a>),
}

impl<'a> Task<'a> {
    pub(crate) fn program<F>(run: impl FnOnce(&'a Context<'a>) -> F + 'a) -> Self
    where
        F: Future<Output = Outcome<u8>> + 'a,
    {
        Self::Program(Box::new(move |context| Box::pin(run(context))))
    }

    pub(crate) fn print(print: impl FnOnce(Output) -> Outcome<u8> + 'a) -> Self {
        Self::Print(Box::new(print))
    }
}

/// A verb with its arguments.
pub(crate) trait Verb {
    /// Takes from stdin what the arguments say stands there.
    fn read_stdin(&mut self) -> Outcome<()> {
        Ok(())
    }

    /// Whether it makes a session, or tells where one would go.
    fn takes_routing(&self) -> bool {
        false
    }

    /// What the arguments stand for, on the page that `--tab` names.
    fn task<'a>(&'a self, tab: Option<&TargetId>) -> Outcome<Task<'a>>;
}

/// Arguments of a verb that always stands for one command, which its row names.
pub(crate) trait OneCommand: Args {
    type Params: Params;

    /// The command's parameters, on the page that `--tab` names.
    fn params(&self, target_id: Option<TargetId>) -> Outcome<Self::Params>;

    /// How the result is shown: as its command's results are, unless a verb says otherwise.
    fn view(&self) -> View {
        View::Plain
    }

    /// Takes from stdin what the arguments say stands there.
    fn read_stdin(&mut self) -> Outcome<()> {
        Ok(())
    }
}

struct Single<A> {
    command: CommandName,
    arguments: A,
}

impl<A: OneCommand> Verb for Single<A> {
    fn read_stdin(&mut self) -> Outcome<()> {
        self.arguments.read_stdin()
    }

    fn task<'a>(&'a self, tab: Option<&TargetId>) -> Outcome<Task<'a>> {
        let params = self.arguments.params(tab.cloned())?;
        Ok(Task::Command(Command {
            request: Request::new(self.command, &params)?,
            view: self.arguments.view(),
        }))
    }
}

/// What a verb is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scope {
    /// A page of the session, or it says itself why `--tab` has no meaning.
    Page,
    /// The session as a whole.
    Session,
    /// The relay, its home or its configuration.
    Relay,
    /// Nothing that runs.
    Nothing,
}

impl Scope {
    /// A flag is never passed over in silence where it could have had a meaning.
    pub(crate) fn refuses_tab(self) -> bool {
        matches!(self, Self::Session | Self::Relay)
    }
}

/// The commands that a verb can send.
#[derive(Debug, Clone, Copy)]
enum Commands {
    One(CommandName),
    Several(&'static [CommandName]),
}

/// A verb of the command line.
#[derive(Clone, Copy)]
pub(crate) struct Row {
    pub(crate) name: &'static str,
    alias: Option<&'static str>,
    /// One sentence, without a full stop.
    about: &'static str,
    /// The synopsis, where the one that follows from the arguments misleads.
    usage: Option<&'static str>,
    /// Stands below the arguments in the verb's help.
    pub(crate) examples: &'static str,
    pub(crate) scope: Scope,
    commands: Commands,
    grammar: fn(clap::Command) -> clap::Command,
    parse: Parse,
}

impl Row {
    /// A verb that stands for one command, on a page.
    const fn command<A: OneCommand + 'static>(name: &'static str, command: CommandName) -> Self {
        Self::with(
            name,
            Scope::Page,
            Commands::One(command),
            A::augment_args,
            |row, matches| {
                let Commands::One(command) = row.commands else {
                    return Err(clap::Error::new(clap::error::ErrorKind::InvalidSubcommand));
                };
                Ok(Box::new(Single {
                    command,
                    arguments: A::from_arg_matches_mut(matches)?,
                }))
            },
        )
    }

    /// A verb with flags and values.
    const fn verb<A: Args + Verb + 'static>(
        name: &'static str,
        scope: Scope,
        commands: &'static [CommandName],
    ) -> Self {
        Self::with(
            name,
            scope,
            Commands::Several(commands),
            A::augment_args,
            |_, matches| Ok(Box::new(A::from_arg_matches_mut(matches)?)),
        )
    }

    /// A verb that is followed by a verb of its own.
    const fn group<S: Subcommand + Verb + 'static>(
        name: &'static str,
        scope: Scope,
        commands: &'static [CommandName],
    ) -> Self {
        Self::with(
            name,
            scope,
            Commands::Several(commands),
            Followed::<S>::augment_args,
            |_, matches| Ok(Box::new(Followed::<S>::from_arg_matches_mut(matches)?.verb)),
        )
    }

    /// The same, with one that is meant where none follows.
    const fn optional_group<S: Subcommand + Verb + Default + 'static>(
        name: &'static str,
        scope: Scope,
        commands: &'static [CommandName],
    ) -> Self {
        Self::with(
            name,
            scope,
            Commands::Several(commands),
            PerhapsFollowed::<S>::augment_args,
            |_, matches| {
                let verb = PerhapsFollowed::<S>::from_arg_matches_mut(matches)?.verb;
                Ok(Box::new(verb.unwrap_or_default()))
            },
        )
    }

    const fn with(
        name: &'static str,
        scope: Scope,
        commands: Commands,
        grammar: fn(clap::Command) -> clap::Command,
        parse: Parse,
    ) -> Self {
        Self {
            name,
            alias: None,
            about: "",
            usage: None,
            examples: "",
            scope,
            commands,
            grammar,
            parse,
        }
    }

    const fn help(self, about: &'static str, examples: &'static str) -> Self {
        Self {
            about,
            examples,
            ..self
        }
    }

    const fn alias(self, alias: &'static str) -> Self {
        Self {
            alias: Some(alias),
            ..self
        }
    }

    const fn usage(self, usage: &'static str) -> Self {
        Self {
            usage: Some(usage),
            ..self
        }
    }

    /// The commands that the verb can send.
    pub(crate) fn commands(&self) -> &[CommandName] {
        match &self.commands {
            Commands::One(command) => std::slice::from_ref(command),
            Commands::Several(commands) => commands,
        }
    }

    /// The verb in the grammar. What the row says goes before what a shared struct says of itself.
    fn grammar(&self) -> clap::Command {
        let verb = (self.grammar)(clap::Command::new(self.name))
            .about(self.about)
            .long_about(None::<&str>)
            .after_help(self.examples);
        let verb = match self.alias {
            Some(alias) => verb.visible_alias(alias),
            None => verb,
        };
        match self.usage {
            Some(usage) => verb.override_usage(usage),
            None => verb,
        }
    }
}

#[derive(Args)]
struct Followed<S: Subcommand> {
    #[command(subcommand)]
    verb: S,
}

#[derive(Args)]
struct PerhapsFollowed<S: Subcommand> {
    #[command(subcommand)]
    verb: Option<S>,
}

/// The verb of a command line, with its row.
pub(crate) struct Chosen {
    pub(crate) row: &'static Row,
    pub(crate) verb: Box<dyn Verb>,
}

impl FromArgMatches for Chosen {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        Self::from_arg_matches_mut(&mut matches.clone())
    }

    fn from_arg_matches_mut(matches: &mut ArgMatches) -> Result<Self, clap::Error> {
        let missing = || clap::Error::new(clap::error::ErrorKind::MissingSubcommand);
        let (name, mut matches) = matches.remove_subcommand().ok_or_else(missing)?;
        let row = VERBS.iter().find(|row| row.name == name);
        let row = row.ok_or_else(missing)?;
        let verb = (row.parse)(row, &mut matches)?;
        Ok(Self { row, verb })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

impl Subcommand for Chosen {
    fn augment_subcommands(command: clap::Command) -> clap::Command {
        command.subcommands(VERBS.iter().map(Row::grammar))
    }

    fn augment_subcommands_for_update(command: clap::Command) -> clap::Command {
        Self::augment_subcommands(command)
    }

    fn has_subcommand(name: &str) -> bool {
        VERBS.iter().any(|row| row.name == name)
    }
}

impl Chosen {
    /// What the verb stands for, on the page that `--tab` names.
    pub(crate) fn task<'a>(&'a self, tab: Option<&TargetId>) -> Outcome<Task<'a>> {
        let task = self.verb.task(tab)?;
        if let Task::Command(command) = &task {
            debug_assert!(
                self.row.commands().contains(&command.request.command),
                "{} sends a command that its row does not name",
                self.row.name
            );
        }
        Ok(task)
    }

    /// The one command that it stands for, as a batch takes it.
    pub(crate) fn one_command(&self, tab: Option<&TargetId>) -> Outcome<Command> {
        match self.task(tab)? {
            Task::Command(command) => Ok(command),
            Task::Program(_) | Task::Print(_) => Err(Failure::usage(
                "this verb is more, or other, than one command of a session",
            )),
        }
    }
}

#[cfg(test)]
mod tests;
