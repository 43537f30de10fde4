//! The verbs that move through pages, and wait.

use client_core::request::complete_url;
use client_core::{Failure, Outcome};
use ops_contracts::wire::command::nav;
use ops_contracts::wire::ids::TargetId;

use super::locator;
use crate::args::verb::{Goto, Reload, Until, Wait};
use crate::verb::OneCommand;

impl OneCommand for Goto {
    type Params = nav::GotoParams;

    fn params(&self, target_id: Option<TargetId>) -> Outcome<Self::Params> {
        Ok(nav::GotoParams {
            url: complete_url(&self.url),
            wait_until: self.until.wait_until,
            target_id,
        })
    }
}

impl OneCommand for Until {
    type Params = nav::TraverseParams;

    fn params(&self, target_id: Option<TargetId>) -> Outcome<Self::Params> {
        Ok(nav::TraverseParams {
            wait_until: self.wait_until,
            target_id,
        })
    }
}

impl OneCommand for Reload {
    type Params = nav::ReloadParams;

    fn params(&self, target_id: Option<TargetId>) -> Outcome<Self::Params> {
        Ok(nav::ReloadParams {
            wait_until: self.until.wait_until,
            ignore_cache: self.ignore_cache,
            target_id,
        })
    }
}

impl OneCommand for Wait {
    type Params = nav::WaitParams;

    fn params(&self, target_id: Option<TargetId>) -> Outcome<Self::Params> {
        let mut params = nav::WaitParams {
            load_state: self.load,
            state: self.state,
            text: self.text.clone(),
            url: self.url.clone(),
            function: self.function.clone(),
            time_ms: self.time,
            target_id,
            ..nav::WaitParams::default()
        };
        match self.locator.as_deref() {
            Some(number) if number.bytes().all(|b| b.is_ascii_digit()) && !number.is_empty() => {
                params.time_ms = Some(
                    number
                        .parse()
                        .map_err(|_| Failure::usage(format!("{number} is too long a time")))?,
                );
            }
            Some(text) => params.element = Some(locator(text)?),
            None => {}
        }
        let awaited = [
            self.locator.is_some(),
            self.load.is_some(),
            self.text.is_some(),
            self.url.is_some(),
            self.function.is_some(),
            self.time.is_some(),
        ];
        if awaited.iter().filter(|given| **given).count() != 1 {
            return Err(Failure::usage(
                "wait takes exactly one of LOCATOR, MILLISECONDS, --load, --text, --url, --function and --time",
            ));
        }
        Ok(params)
    }
}
