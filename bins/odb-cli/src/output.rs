//! Writes answers, notes and errors in the format that was asked for.

use std::borrow::Cow;
use std::io::{IsTerminal, Write};

use clap::ValueEnum;
use clap::builder::styling::{AnsiColor, Style};

use client_core::render;
use client_core::{Correlation, Failure};

/// The form of the output.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people and agents.
    #[default]
    Text,
    /// The frame as it came, on one line.
    Json,
    /// A frame a line.
    Ndjson,
}

/// Where and how to write.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Output {
    /// The form.
    pub(crate) format: Format,
    quiet: bool,
    terminal: bool,
    color_errors: bool,
}

impl Output {
    pub(crate) fn new(format: Format, quiet: bool, color: bool) -> Self {
        let terminal = std::io::stdout().is_terminal();
        Self {
            format,
            quiet,
            terminal,
            color_errors: color && std::io::stderr().is_terminal(),
        }
    }

    /// Whether frames are printed instead of text.
    pub(crate) fn is_json(self) -> bool {
        self.format != Format::Text
    }

    /// Prints text and ends the line.
    pub(crate) fn line(self, text: &str) {
        let text = if self.terminal {
            clean(text)
        } else {
            Cow::Borrowed(text)
        };
        let mut out = std::io::stdout().lock();
        // A reader that has gone away has seen enough.
        let _ = out
            .write_all(text.as_bytes())
            .and_then(|()| out.write_all(b"\n"))
            .and_then(|()| out.flush());
    }

    /// Tells people what happens beside the answer.
    pub(crate) fn note(self, text: &str) {
        if !self.quiet {
            let _ = writeln!(std::io::stderr().lock(), "{}", clean(text));
        }
    }

    /// Prints an error: the frame on stdout, or text on stderr.
    pub(crate) fn failure(self, failure: &Failure, run: &Correlation) {
        if self.is_json() {
            self.line(&failure.frame(run));
        } else {
            let text = render::error::text(failure);
            let (red, cyan) = (
                AnsiColor::Red.on_default().bold(),
                AnsiColor::Cyan.on_default(),
            );
            let painted = clean(&text)
                .lines()
                .map(|line| match line.split_once(' ') {
                    Some(("error:", rest)) => format!("{} {rest}", self.paint("error:", red)),
                    Some(("hint:", rest)) => format!("{} {rest}", self.paint("hint:", cyan)),
                    _ => line.to_owned(),
                })
                .collect::<Vec<_>>()
                .join("\n");
            let _ = writeln!(std::io::stderr().lock(), "{painted}");
        }
    }

    fn paint(self, text: &str, style: Style) -> String {
        if self.color_errors {
            format!("{style}{text}{style:#}")
        } else {
            text.to_owned()
        }
    }
}

/// The text without control characters: a page must not be able to steer the terminal that its text is shown on.
pub(crate) fn clean(text: &str) -> Cow<'_, str> {
    let bad = |c: char| c.is_control() && c != '\n' && c != '\t';
    if text.contains(bad) {
        Cow::Owned(text.replace(bad, "\u{fffd}"))
    } else {
        Cow::Borrowed(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pages_text_can_not_steer_the_terminal() {
        assert_eq!(clean("a\tb\nc"), "a\tb\nc");
        assert_eq!(
            clean("\u{1b}[31mred\u{9b}x\r"),
            "\u{fffd}[31mred\u{fffd}x\u{fffd}"
        );
    }
}
