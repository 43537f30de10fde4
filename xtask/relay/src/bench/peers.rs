//! Beside others: Playwright's click and fill on the same page, with a browser of the same file and flags; and twenty commands in
//! one request beside twenty processes.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use ops_contracts::wire::command::{InteractFill, interact};
use serde_json::{Value, json};

use super::report::{Bound, Row};
use super::{Bench, commands, page};
use crate::samples::Samples;
use xtask::environment::Environment;
use xtask::setup;
use xtask::workspace::Workspace;

/// Takes lines of JSON, `{action, times}`, and answers each with the milliseconds that each time took.
const DRIVER: &str = "
const { chromium } = require('playwright-core');
const [executablePath, flags, url] = process.argv.slice(1);
(async () => {
  const browser = await chromium.launch({ executablePath, headless: true, args: JSON.parse(flags), ignoreDefaultArgs: ['--enable-automation'] });
  const page = await browser.newPage({ viewport: { width: 1280, height: 720 } });
  await page.goto(url);
  let number = 0;
  const actions = {
    click: () => page.click('#hit'),
    fill: () => page.fill('#field', `value ${++number}`),
  };
  console.log(JSON.stringify({ version: browser.version() }));
  for await (const line of require('node:readline').createInterface({ input: process.stdin })) {
    const { action, times } = JSON.parse(line);
    const took = [];
    for (let i = 0; i < times; i++) {
      const began = process.hrtime.bigint();
      await actions[action]();
      took.push(Number(process.hrtime.bigint() - began) / 1e6);
    }
    console.log(JSON.stringify({ took, clicks: await page.evaluate('clicks'), field: await page.inputValue('#field') }));
  }
  await browser.close();
})().catch((error) => { console.error(error); process.exit(1); });
";

/// Flags that every launch of Playwright's has of its own, or that are none of a browser that it drives.
const OURS_ALONE: &[&str] = &[
    "--remote-debugging-pipe",
    "--headless",
    "--no-startup-window",
];

const ROUNDS: u32 = 10;
const TIMES: u32 = 15;
/// Commands of a batch.
const BATCH: usize = 20;

/// A page that Playwright drives; its browser ends with it.
struct Playwright {
    child: Child,
    requests: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl Playwright {
    fn start(bench: &Bench, workspace: &Workspace, url: &str) -> Result<Self> {
        let flags: Vec<&String> = bench
            .flags
            .iter()
            .filter(|flag| !OURS_ALONE.iter().any(|ours| flag.starts_with(ours)))
            .collect();
        let mut child = Command::new("node")
            .args(["-e", DRIVER])
            .arg(&bench.browser)
            .args([&serde_json::to_string(&flags)?, url])
            .env("NODE_PATH", workspace.target().join("clients/node_modules"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("node can't be started")?;
        let requests = child.stdin.take();
        let answers = BufReader::new(child.stdout.take().context("its answers are piped")?);
        let mut playwright = Self {
            child,
            requests,
            answers,
        };
        let version = playwright.answer()?;
        println!(
            "playwright-core drives {}",
            version["version"].as_str().unwrap_or_default()
        );
        Ok(playwright)
    }

    fn answer(&mut self) -> Result<Value> {
        let mut line = String::new();
        ensure!(
            self.answers.read_line(&mut line)? > 0,
            "Playwright has ended"
        );
        Ok(serde_json::from_str(&line)?)
    }

    fn run(&mut self, action: &str, samples: &mut Samples) -> Result<Value> {
        let requests = self.requests.as_mut().context("Playwright still listens")?;
        writeln!(requests, "{}", json!({ "action": action, "times": TIMES }))?;
        let answer = self.answer()?;
        for millis in answer["took"].as_array().context("it answers with times")? {
            samples.add(Duration::from_secs_f64(
                millis.as_f64().context("a time is a number")? / 1_000.0,
            ));
        }
        Ok(answer)
    }
}

impl Drop for Playwright {
    fn drop(&mut self) {
        // The end of its input ends it, and the browser with it.
        drop(self.requests.take());
        if self.child.wait().is_err() {
            let _ = self.child.kill();
        }
    }
}

pub(super) fn measure(
    bench: &mut Bench,
    workspace: &Workspace,
    environment: &Environment,
) -> Result<Vec<Row>> {
    setup::clients(workspace, environment)?;
    let url = bench.site.url(page::PATH);
    commands::ours_goto(&bench.ours, &bench.session, &url)?;
    let mut playwright = Playwright::start(bench, workspace, &url)?;
    let click = {
        let params = commands::click_params()?;
        let (samples, last) = beside(bench, &mut playwright, "click", |bench| {
            commands::ours_click(&bench.ours, &bench.session, &params)
        })?;
        let clicks = u64::from((ROUNDS * bench.rounds + 1) * TIMES);
        ensure!(
            last["clicks"] == json!(clicks),
            "Playwright's page counted {}",
            last["clicks"]
        );
        Row::pair("click, beside Playwright's", Bound::Times(0.3), samples)
    };
    let mut number = 0;
    let (samples, last) = beside(bench, &mut playwright, "fill", |bench| {
        number += 1;
        let params = interact::FillParams {
            element: "css=#field".parse()?,
            value: format!("value {number}").into(),
            target_id: None,
        };
        let filled = bench
            .ours
            .call::<InteractFill>(Some(&bench.session), &params)?;
        ensure!(
            *filled.value == *params.value,
            "the field holds {:?}",
            filled.value
        );
        Ok(())
    })?;
    ensure!(
        last["field"] == json!(format!("value {number}")),
        "Playwright's field holds {}",
        last["field"]
    );
    let fill = Row::pair("fill, beside Playwright's", Bound::Times(0.5), samples);
    drop(playwright);
    Ok(vec![click, fill, batch(bench)?])
}

/// Both in turns; the first round is for warming up.
fn beside(
    bench: &Bench,
    playwright: &mut Playwright,
    action: &str,
    mut ours: impl FnMut(&Bench) -> Result<()>,
) -> Result<((Samples, Samples), Value)> {
    let (mut of_ours, mut of_peer, mut last) =
        (Samples::default(), Samples::default(), Value::Null);
    for round in 0..=ROUNDS * bench.rounds {
        for turn in 0..2 {
            let mut warming = Samples::default();
            if (round + turn) % 2 == 0 {
                for _ in 0..TIMES {
                    let began = Instant::now();
                    ours(bench)?;
                    if round > 0 {
                        of_ours.add(began.elapsed());
                    }
                }
            } else {
                last = playwright.run(
                    action,
                    if round > 0 {
                        &mut of_peer
                    } else {
                        &mut warming
                    },
                )?;
            }
        }
    }
    Ok(((of_ours, of_peer), last))
}

/// Twenty commands in one process and one request, beside the same in twenty processes.
fn batch(bench: &Bench) -> Result<Row> {
    let url = bench.site.url(page::PATH);
    let cli = |words: &[&str], input: &str| cli(bench, words, input);
    cli(&["open", &url], "")?;
    let pairs = |round: u32| (0..BATCH / 2).map(move |at| format!("value {round}-{at}"));
    let (mut together, mut apart) = (Samples::default(), Samples::default());
    for round in 0..=8 * bench.rounds {
        let lines: Vec<String> = pairs(round)
            .flat_map(|value| {
                [
                    json!(["fill", "#field", value]).to_string(),
                    json!(["click", "#hit"]).to_string(),
                ]
            })
            .collect();
        let began = Instant::now();
        cli(&["batch"], &(lines.join("\n") + "\n"))?;
        let took = began.elapsed();
        let began = Instant::now();
        for value in pairs(round) {
            cli(&["fill", "#field", &value], "")?;
            cli(&["click", "#hit"], "")?;
        }
        if round > 0 {
            together.add(took);
            apart.add(began.elapsed());
        }
    }
    let clicks = cli(&["eval", "clicks"], "")?;
    ensure!(
        clicks.trim() == ((8 * bench.rounds + 1) * 20).to_string(),
        "the page counted {clicks} clicks"
    );
    cli(&["close"], "")?;
    Ok(Row::pair(
        "batch of 20 by odb-cli, beside 20 processes",
        Bound::Times(0.5),
        (together, apart),
    ))
}

fn cli(bench: &Bench, words: &[&str], input: &str) -> Result<String> {
    let mut child = Command::new(&bench.programs.odb_cli)
        .arg("--home")
        .arg(&bench.home)
        .args(words)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    child
        .stdin
        .take()
        .context("its input is piped")?
        .write_all(input.as_bytes())?;
    let output = child.wait_with_output()?;
    ensure!(
        output.status.success(),
        "odb-cli {words:?} failed: {}",
        String::from_utf8_lossy(&output.stdout)
    );
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
