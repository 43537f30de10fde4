//! Shows the control plane at work: a real relay and a real browser order from the bundled shop, command by command as a person
//! would type them, and the shop's own record tells whether the order arrived.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, bail, ensure};
use conformance::site::{Order, Site};

use crate::relay::{Relay, private_folder};
use xtask::build::Programs;
use xtask::environment::Environment;
use xtask::setup;
use xtask::workspace::Workspace;

mod shell;

use shell::Shell;

/// How to show it.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Keeps the relay's home, to look at afterwards
    #[arg(long)]
    keep: bool,
    // `cargo xtask` builds; here it is for the help.
    /// Builds without optimisation, beside what the tests have built: quicker to make, slower to watch
    #[arg(long)]
    debug: bool,
}

pub(crate) fn run(
    options: &Options,
    workspace: &Workspace,
    environment: &Environment,
) -> Result<()> {
    let browser = setup::find(&setup::CHROME, environment)?
        .context("there is no browser: cargo xtask demo finds or installs one")?;
    // `cargo xtask demo` has built them together with this program.
    let own = std::env::current_exe().context("this program has no path")?;
    let programs = Programs::of(own.parent().context("this program lies in no folder")?);
    let pictures = workspace.target().join("pictures");
    fs::create_dir_all(&pictures)?;
    let picture = pictures.join("order.png");
    // As short as a person in the root would type it.
    let picture = picture
        .strip_prefix(&workspace.root)
        .map(Path::to_path_buf)
        .unwrap_or(picture);
    let _ = fs::remove_file(workspace.root.join(&picture));

    let home = private_folder("odb-demo-")?;
    let site = Site::start().context("the bundled shop could not be started")?;
    // What is read of it says that it is a demonstration.
    let relay = Relay::start_with(&programs.relayd, home.path(), &browser, &["--demo"])?;
    let mut shell = Shell::new(&programs.odb_cli, home.path(), &workspace.root, environment);
    shell.say(&format!(
        "relayd (pid {}) serves {}, the shop {}",
        relay.info.pid,
        relay.info.relay_url,
        site.url("/shop/")
    ));

    let shown = shop(&mut shell, &site, workspace, &picture);
    let processes = relay.processes();
    if shown.is_ok() {
        shell.say("Good night");
        shell.run(&["stop"])?;
    }
    relay.end(processes.clone())?;
    if options.keep {
        println!("\nhome: {}", home.keep().display());
    }
    shown?;
    println!(
        "\nrelayd and the {} processes below it have ended; none is left.",
        processes.len()
    );
    println!("\nWhole processes, in milliseconds:\n{}", shell.latencies());
    println!("screenshot: {}", picture.display());
    Ok(())
}

/// From the front page to the order, and the look into the shop's record.
fn shop(shell: &mut Shell, site: &Site, workspace: &Workspace, picture: &Path) -> Result<()> {
    search(shell, site)?;
    fill_cart(shell, site)?;
    change_cart(shell)?;
    check_out(shell)?;
    shell.run(&["screenshot", &picture.to_string_lossy(), "--full"])?;
    let size = fs::metadata(workspace.root.join(picture))
        .context("the screenshot was not written")?
        .len();
    ensure!(size > 10_000, "the screenshot has only {size} bytes");
    shell.run(&["close"])?;
    let order = the_order(&site.orders())?;
    shell.say(&format!("The shop's own record: {order}"));
    Ok(())
}

fn search(shell: &mut Shell, site: &Site) -> Result<()> {
    shell.say("Open the shop and look around");
    shell.run(&["open", &site.url("/shop/")])?;
    let page = shell.run(&["snapshot", "-i"])?;
    let field = reference(&page, "searchbox").or_else(|_| reference(&page, "Search products"))?;
    shell.say("Search, by the ref that the snapshot gave");
    shell.run(&["fill", &field, "mug"])?;
    shell.run(&["press", "Enter"])?;
    shell.run(&["wait", "--url", "/shop/search"])?;
    shell.run(&["get", "text", "#found"])?;
    shell.run(&["click", r#"role=link[name="Speckled Mug"]"#])?;
    shell.run(&["wait", r#"role=heading[name="Speckled Mug"]"#])?;
    shell.run(&["get", "text", ".price"])?;
    Ok(())
}

fn fill_cart(shell: &mut Shell, site: &Site) -> Result<()> {
    shell.say("Choose and add to the cart, twice");
    shell.run(&["select", "label=Glaze", "Oatmeal"])?;
    shell.run(&["fill", "label=Quantity", "2"])?;
    shell.run(&["click", r#"role=button[name="Add to cart"]"#])?;
    shell.run(&["wait", "--text", "Added 2 × Speckled Mug, Oatmeal."])?;
    shell.run(&["select", "label=Glaze", "Charcoal"])?;
    shell.run(&["fill", "label=Quantity", "1"])?;
    shell.run(&["click", "testid=add-to-cart"])?;
    shell.run(&["wait", "--text", "Added 1 × Speckled Mug, Charcoal."])?;
    shell.say("The reviews are in an iframe: their refs begin with its frame");
    let page = shell.run(&["snapshot", "-i"])?;
    let helpful = reference(&page, "Helpful: review by Ines")?;
    shell.run(&["click", &helpful])?;
    shell.run(&["wait", &helpful])?;
    let votes = site.hits("/shop/api/helpful");
    ensure!(
        votes == 1,
        "the button in the iframe was clicked once, and the shop saw {votes} votes"
    );
    Ok(())
}

fn change_cart(shell: &mut Shell) -> Result<()> {
    shell.say("The cart asks before it removes: a dialog blocks the page until it is answered");
    shell.run(&["click", "testid=cart-link"])?;
    shell.run(&["wait", "--url", "/shop/cart"])?;
    shell.run(&[
        "click",
        r#"role=button[name="Remove Speckled Mug, Oatmeal"]"#,
    ])?;
    shell.run(&["dialog"])?;
    shell.run(&["dialog", "dismiss"])?;
    shell.run(&["get", "text", "#badge"])?;
    shell.run(&[
        "click",
        r#"role=button[name="Remove Speckled Mug, Charcoal"]"#,
    ])?;
    shell.run(&["dialog", "accept"])?;
    shell.run(&["wait", "--text", "Removed Speckled Mug."])?;
    shell.run(&["get", "text", "#total"])?;
    Ok(())
}

fn check_out(shell: &mut Shell) -> Result<()> {
    shell.say("Check out: first without a word, so that the form objects");
    shell.run(&["click", r#"role=link[name="Checkout"]"#])?;
    shell.run(&["wait", "--url", "/shop/checkout"])?;
    shell.run(&["click", "testid=place-order"])?;
    shell.run(&["get", "text", "#problems"])?;
    shell.say("Then as it should be");
    shell.run(&["fill", "label=Email", "ada@example.org"])?;
    shell.run(&["fill", "label=Full name", "Ada Lovelace"])?;
    shell.run(&["select", "label=Country", "United Kingdom"])?;
    shell.run(&["check", "label=Express"])?;
    shell.run(&["check", "label=I accept the terms"])?;
    shell.run(&["is", "checked", "label=I accept the terms"])?;
    shell.run(&["click", r#"role=button[name="Place order"]"#])?;
    shell.run(&["wait", "--text", "Your order number is"])?;
    shell.run(&["get", "title"])?;
    shell.run(&["get", "text", "#total"])?;
    Ok(())
}

/// The ref on the line of a snapshot that holds a text.
fn reference(snapshot: &str, text: &str) -> Result<String> {
    let line = snapshot
        .lines()
        .find(|line| line.contains(text))
        .with_context(|| format!("the snapshot shows no {text:?}"))?;
    let words = line.split(|c: char| !c.is_ascii_alphanumeric());
    let reference = words
        .rev()
        .find(|word| word.parse::<ops_contracts::wire::ids::ElementRef>().is_ok());
    reference
        .map(|word| format!("@{word}"))
        .with_context(|| format!("this line of the snapshot has no ref: {line}"))
}

/// The one order, in a sentence, where it is what was entered.
fn the_order(orders: &[Order]) -> Result<String> {
    let [order] = orders else {
        bail!("one order was placed, and the shop has {}", orders.len())
    };
    let line = match &order.lines[..] {
        [line]
            if line.slug == "speckled-mug" && line.variant == "Oatmeal" && line.quantity == 2 =>
        {
            line
        }
        lines => bail!("the shop has other lines than were ordered: {lines:?}"),
    };
    let rest = (
        order.email.as_str(),
        order.name.as_str(),
        order.country.as_str(),
        order.delivery.as_str(),
        order.total_cents,
    );
    ensure!(
        rest == ("ada@example.org", "Ada Lovelace", "GB", "express", 5_700),
        "the shop has another order: {order:?}"
    );
    Ok(format!(
        "order {}, {} × {} ({}), {} delivery, €{}.{:02}, for {} <{}>",
        order.number,
        line.quantity,
        line.slug,
        line.variant,
        order.delivery,
        order.total_cents / 100,
        order.total_cents % 100,
        order.name,
        order.email
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ref_is_found_on_its_line() {
        let page =
            "- heading \"Reviews\" [ref=e3]\n  - button \"Helpful: review by Ines\" [ref=f2e5]\n";
        assert_eq!(reference(page, "review by Ines").unwrap(), "@f2e5");
        assert!(reference(page, "review by Paul").is_err());
    }
}
