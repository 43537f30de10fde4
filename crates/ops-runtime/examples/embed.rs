//! Drives a browser from a Rust program: no relay, no network of ours, no other process than the browser and its guard.
//!
//! Opens a page, clicks elements one after the other and shows the page:
//!
//! `cargo run -p ops-runtime --example embed -- https://example.com 'role=link[name="Learn more"]'`

use std::env;
use std::error::Error;
use std::process::ExitCode;
use std::sync::Arc;

use adapter_cdp::CdpAdapter;
use ops_runtime::api::{Browser, BrowserOptions, SystemClock};
use supervisor::guard::{self, GuardCommand};
use supervisor::{BrowserSupervisor, SupervisorConfig};

#[tokio::main]
async fn main() -> Result<ExitCode, Box<dyn Error>> {
    // The guard ends the browser even when this program is killed; it is this program itself.
    if let Some(code) = guard::dispatch(env::args_os()) {
        return Ok(code);
    }
    let guard = GuardCommand::new(env::current_exe()?);
    let config = SupervisorConfig::new(
        guard,
        env::temp_dir(),
        env::vars_os(),
        Arc::new(SystemClock),
    );
    let adapter = CdpAdapter::new(Arc::new(BrowserSupervisor::new(config)));
    let browser = Browser::launch(adapter, BrowserOptions::default()).await?;

    let mut args = env::args().skip(1);
    let page = browser
        .open(args.next().as_deref().unwrap_or("about:blank"))
        .await?;
    for element in args {
        let clicked = page.click(&element).await?;
        println!("{element}: clicks {}", clicked.receipt.clicks.unwrap_or(0));
    }
    println!("{}\n{}", page.url().await?, page.snapshot().await?.text);
    browser.close().await;
    Ok(ExitCode::SUCCESS)
}
