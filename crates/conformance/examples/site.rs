//! Runs the test site to look at it: prints the addresses and serves until stdin ends.

use std::io::{self, Read as _};

use conformance::site::Site;

fn main() -> io::Result<()> {
    let site = Site::start()?;
    println!(
        "all pages  {}\nshop       {}\ncross-site {}",
        site.url("/"),
        site.url("/shop/"),
        site.cross_url("/")
    );
    io::stdin().read_to_end(&mut Vec::new())?;
    println!(
        "{} requests, {} orders",
        site.requests().len(),
        site.orders().len()
    );
    Ok(())
}
