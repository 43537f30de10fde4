//! The example of every command, as it is documented: on the command line, and with its JSON, in a real browser. A command
//! without one does not compile.

use std::path::Path;
use std::process::Command;

use odb_tests::relay::program;
use odb_tests::tour::Tour;
use ops_contracts::wire::command::{CommandName, Lane, Repeat};

/// Runs a script as a person's shell does; what it printed, or what went wrong.
fn shell(tour: &Tour, script: &str) -> Result<String, String> {
    let programs = program("odb-cli")
        .parent()
        .map(Path::to_path_buf)
        .unwrap_or_default();
    let output = Command::new("sh")
        .args(["-euc", script])
        .current_dir(tour.scratch.path())
        .env_clear()
        .env(
            "PATH",
            format!("{}:/usr/local/bin:/usr/bin:/bin", programs.display()),
        )
        .env("ODB_HOME", tour.scratch.path().join("home"))
        .env("SITE", tour.site.url(""))
        .output()
        .expect("there is a shell");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    if output.status.success() {
        Ok(out)
    } else {
        Err(format!("{script}\n{out}\n{err}"))
    }
}

/// The example's last line as `call` with its JSON, in the session that the line names.
fn as_call(name: CommandName, tour: &Tour) -> String {
    let example = name.example();
    let session = example
        .shell
        .split_once("--session ")
        .map(|(_, rest)| rest.split(' ').next().unwrap_or_default());
    // A session that is made by `call` is under no name.
    let session = session
        .filter(|_| name != CommandName::SessionCreate)
        .map(|name| format!(" --session {name}"))
        .unwrap_or_default();
    let params = example.params_at(&tour.site.url("")).replace('\'', r"'\''");
    let call = format!("odb-cli call {name} --params '{params}'{session}");
    // What only reads finds everything as the lines before it have left it.
    let before = if name.spec().repeat == Repeat::Read && name.spec().lane == Lane::Page {
        &[]
    } else {
        example.before
    };
    before
        .iter()
        .copied()
        .chain([call.as_str()])
        .collect::<Vec<_>>()
        .join("\n")
}

#[test]
fn the_example_of_every_command_runs_on_the_command_line_and_as_json() {
    let tour = Tour::start();
    let (mut group, mut failed) = ("", Vec::new());
    for &name in CommandName::ALL {
        if std::mem::replace(
            &mut group,
            name.as_str().split('.').next().unwrap_or_default(),
        ) != group
        {
            // What one group leaves behind is no business of the next one's.
            tour.output(&["close"]);
        }
        for script in [name.example().script(), as_call(name, &tour)] {
            if group == "pointer" {
                // A button that one example leaves pressed can't be pressed by the next.
                tour.output(&["close"]);
            }
            if let Err(error) = shell(&tour, &script) {
                failed.push(format!("{name}: {error}"));
            }
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n\n"));
}

#[test]
fn every_example_is_in_the_documentation_and_in_the_help() {
    let tour = Tour::start();
    let page = include_str!("../../docs/commands.md");
    for &name in CommandName::ALL {
        assert!(
            page.contains(&format!("```sh\n{}\n```", name.example().script())),
            "{name}"
        );
    }
    let help = tour.run(&["commands", "interact.fill"]);
    assert!(
        help.contains("odb-cli fill 'label=Email' ada@example.com"),
        "{help}"
    );
}
