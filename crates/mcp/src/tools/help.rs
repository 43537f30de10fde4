//! `browser_help`: the registry, as much of it as is asked for.

use ops_contracts::wire::command::CommandName;
use serde_json::Value;

use crate::answer::Answer;
use crate::args::Args;
use crate::trouble::Trouble;

/// Lists commands, or describes a group or one of them. No page has a hand in it.
pub(super) fn run(mut args: Args) -> Result<Answer, Trouble> {
    let about = args.text("about")?;
    args.finish()?;
    let Some(about) = about.filter(|about| !about.is_empty()) else {
        return Ok(Answer::new(index()));
    };
    if let Some(command) = CommandName::find(&about) {
        return Ok(Answer::new(describe(command)));
    }
    let rows: Vec<String> = CommandName::ALL
        .iter()
        .filter(|name| name.spec().group() == about)
        .map(|name| format!("{name}: {}", name.spec().meaning))
        .collect();
    if rows.is_empty() {
        return Err(Trouble::usage(format!(
            "about: {:?} is neither a command nor a group of commands",
            about.chars().take(60).collect::<String>()
        )));
    }
    Ok(Answer::new(rows.join("\n")))
}

/// Every command, a line a group.
fn index() -> String {
    let mut lines: Vec<(&str, Vec<&str>)> = Vec::new();
    for name in CommandName::ALL {
        let text = name.as_str();
        let (group, rest) = text.split_once('.').unwrap_or((text, ""));
        match lines.iter_mut().find(|(known, _)| *known == group) {
            Some((_, names)) => names.push(rest),
            None => lines.push((group, vec![rest])),
        }
    }
    let lines: Vec<String> = lines
        .iter()
        .map(|(group, names)| format!("{group}.: {}", names.join(" ")))
        .collect();
    lines.join("\n")
}

fn describe(command: CommandName) -> String {
    let (params, _) = command.schemas();
    let mut schema = params.to_value();
    if let Value::Object(fields) = &mut schema {
        fields.remove("$schema");
        fields.remove("title");
    }
    let example = command.example();
    format!(
        "{command}: {}\nexample: {}\nparams: {schema}",
        command.spec().meaning,
        example.params
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_index_names_every_command_and_is_short() {
        let index = index();
        assert!(index.len() < 2_500, "{}", index.len());
        for name in CommandName::ALL {
            let rest = name.as_str().split_once('.').unwrap().1;
            assert!(index.contains(rest), "{name}");
        }
    }

    #[test]
    fn a_command_is_told_with_meaning_example_and_parameters() {
        let text = describe(CommandName::InteractFill);
        assert!(
            text.contains("\"value\"") && text.contains("example: {"),
            "{text}"
        );
    }
}
