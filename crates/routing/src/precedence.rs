//! Which control decides: the plan's chain of precedence as a table, and the routing mode, percentage, allow list and
//! active-session policy that follow.
//!
//! A rollout control that is set is an explicit opt-in to `auto` at its rank. So a percentage on the command line outranks a
//! kill switch of the configuration; a kill switch of the environment outranks everything.

use ops_contracts::wire::routing::{
    ActiveSessionPolicy, AllowlistSource, AllowlistValidation, CliControls, DecisionReason,
    KillSwitchSource, RolloutAllowlist, RolloutPercent, RoutingControls, RoutingMode,
};

/// The control that decides the mode, from the highest to the lowest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rank {
    /// `OPENDEVBROWSER_OPS_KILL_SWITCH`.
    EnvKillSwitch,
    /// `--ops-routing`, `--force-legacy-cdp`.
    CliRoute,
    /// `--ops-rollout-percent`, `--ops-rollout-allowlist`.
    CliRollout,
    /// `ops.killSwitch`, and a configuration that can't be interpreted.
    ConfigKillSwitch,
    /// `ops.routingMode`.
    ConfigRoute,
    /// `ops.rolloutPercent`, `ops.rolloutAllowlist`.
    ConfigRollout,
    /// None.
    Default,
}

type Rule = fn(&RoutingControls) -> Option<RoutingMode>;

/// The chain: the first rule that has a mode decides.
const CHAIN: &[(Rank, Rule)] = &[
    (Rank::EnvKillSwitch, |controls| {
        controls.env_kill_switch.then_some(RoutingMode::LegacyCdp)
    }),
    (Rank::CliRoute, |controls| controls.cli.routing_mode),
    (Rank::CliRollout, |controls| {
        rollout_is_set(&controls.cli).then_some(RoutingMode::Auto)
    }),
    (Rank::ConfigKillSwitch, |controls| {
        config_forces_legacy(controls).then_some(RoutingMode::LegacyCdp)
    }),
    (Rank::ConfigRoute, |controls| controls.config.routing_mode),
    (Rank::ConfigRollout, |controls| {
        (controls.config.rollout_percent.is_some() || controls.config.rollout_allowlist.is_some())
            .then_some(RoutingMode::Auto)
    }),
];

fn rollout_is_set(cli: &CliControls) -> bool {
    cli.rollout_percent.is_some() || cli.rollout_allowlist.is_some()
}

fn config_forces_legacy(controls: &RoutingControls) -> bool {
    controls.config.kill_switch == Some(true) || controls.config.downgrade.is_some()
}

/// What is in force after precedence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Effective<'a> {
    /// The mode.
    pub mode: RoutingMode,
    /// The control that decides it.
    pub rank: Rank,
    /// Which control forces the legacy lane.
    pub kill_switch_source: KillSwitchSource,
    /// The percentage: of the command line, else of the configuration, else 100.
    pub percent: RolloutPercent,
    /// The allow list: of the command line, else of the configuration.
    pub allowlist: Option<&'a RolloutAllowlist>,
    /// Where the allow list comes from.
    pub allowlist_source: AllowlistSource,
    /// What its check gave.
    pub allowlist_validation: AllowlistValidation,
    /// What becomes of active sessions: of the command line, else of the configuration, else `continue`.
    pub active_session_policy: ActiveSessionPolicy,
}

impl Effective<'_> {
    /// Why a session goes where an explicit mode sends it; `None` in `auto`.
    #[must_use]
    pub const fn explicit_reason(&self) -> Option<DecisionReason> {
        match (self.mode, self.rank) {
            (RoutingMode::Auto, _) => None,
            (_, Rank::EnvKillSwitch | Rank::ConfigKillSwitch) => Some(DecisionReason::KillSwitch),
            _ => Some(DecisionReason::ExplicitMode),
        }
    }
}

/// What is in force under these controls.
#[must_use]
pub fn effective(controls: &RoutingControls) -> Effective<'_> {
    let (rank, mode) = decide(controls);
    let (allowlist, allowlist_source, allowlist_validation) = allowlist(controls);
    Effective {
        mode,
        rank,
        kill_switch_source: kill_switch_source(mode, rank),
        percent: controls
            .cli
            .rollout_percent
            .or(controls.config.rollout_percent)
            .unwrap_or_default(),
        allowlist,
        allowlist_source,
        allowlist_validation,
        active_session_policy: controls
            .cli
            .active_session_policy
            .or(controls.config.active_session_policy)
            .unwrap_or_default(),
    }
}

fn decide(controls: &RoutingControls) -> (Rank, RoutingMode) {
    let first = CHAIN
        .iter()
        .find_map(|(rank, rule)| rule(controls).map(|mode| (*rank, mode)));
    match first {
        Some((_, RoutingMode::Auto)) if auto_needs_what_cannot_be_read(controls) => {
            (Rank::ConfigKillSwitch, RoutingMode::LegacyCdp)
        }
        Some(decided) => decided,
        None => (Rank::Default, RoutingMode::Ops),
    }
}

/// Whether `auto`, asked for by the command line, would take its percentage or allow list from a configuration that can't
/// be interpreted: whom the allow list names is then unknown, and nobody may be sent to `/ops` against it.
fn auto_needs_what_cannot_be_read(controls: &RoutingControls) -> bool {
    let complete =
        controls.cli.rollout_percent.is_some() && controls.cli.rollout_allowlist.is_some();
    controls.config.downgrade.is_some() && !complete
}

const fn kill_switch_source(mode: RoutingMode, rank: Rank) -> KillSwitchSource {
    match (mode, rank) {
        (RoutingMode::LegacyCdp, Rank::EnvKillSwitch) => KillSwitchSource::Env,
        (RoutingMode::LegacyCdp, Rank::CliRoute) => KillSwitchSource::Cli,
        (RoutingMode::LegacyCdp, Rank::ConfigKillSwitch | Rank::ConfigRoute) => {
            KillSwitchSource::Config
        }
        _ => KillSwitchSource::Default,
    }
}

fn allowlist(
    controls: &RoutingControls,
) -> (
    Option<&RolloutAllowlist>,
    AllowlistSource,
    AllowlistValidation,
) {
    if let Some(list) = &controls.cli.rollout_allowlist {
        return (Some(list), AllowlistSource::Cli, AllowlistValidation::Valid);
    }
    if controls.config.allowlist_invalid {
        return (None, AllowlistSource::Config, AllowlistValidation::Invalid);
    }
    match &controls.config.rollout_allowlist {
        Some(list) => (
            Some(list),
            AllowlistSource::Config,
            AllowlistValidation::Valid,
        ),
        None => (None, AllowlistSource::Default, AllowlistValidation::NotSet),
    }
}

#[cfg(test)]
mod tests {
    use ops_contracts::wire::routing::ConfigControls;
    use proptest::prelude::*;

    use super::*;
    use crate::strategies;

    fn percent(number: u8) -> Option<RolloutPercent> {
        RolloutPercent::try_from(number).ok()
    }

    #[track_caller]
    fn check(controls: &RoutingControls, mode: RoutingMode, rank: Rank, source: KillSwitchSource) {
        let effective = effective(controls);
        assert_eq!(
            (effective.mode, effective.rank, effective.kill_switch_source),
            (mode, rank, source),
            "{controls:?}"
        );
    }

    #[test]
    fn each_control_decides_when_nothing_above_it_is_set() {
        let mut controls = RoutingControls::default();
        check(
            &controls,
            RoutingMode::Ops,
            Rank::Default,
            KillSwitchSource::Default,
        );
        controls.config.rollout_percent = percent(20);
        check(
            &controls,
            RoutingMode::Auto,
            Rank::ConfigRollout,
            KillSwitchSource::Default,
        );
        controls.config.routing_mode = Some(RoutingMode::Ops);
        check(
            &controls,
            RoutingMode::Ops,
            Rank::ConfigRoute,
            KillSwitchSource::Default,
        );
        controls.config.routing_mode = Some(RoutingMode::LegacyCdp);
        check(
            &controls,
            RoutingMode::LegacyCdp,
            Rank::ConfigRoute,
            KillSwitchSource::Config,
        );
        controls.config.kill_switch = Some(true);
        check(
            &controls,
            RoutingMode::LegacyCdp,
            Rank::ConfigKillSwitch,
            KillSwitchSource::Config,
        );
        controls.cli.rollout_percent = percent(50);
        check(
            &controls,
            RoutingMode::Auto,
            Rank::CliRollout,
            KillSwitchSource::Default,
        );
        controls.cli.routing_mode = Some(RoutingMode::LegacyCdp);
        check(
            &controls,
            RoutingMode::LegacyCdp,
            Rank::CliRoute,
            KillSwitchSource::Cli,
        );
        controls.cli.routing_mode = Some(RoutingMode::Ops);
        check(
            &controls,
            RoutingMode::Ops,
            Rank::CliRoute,
            KillSwitchSource::Default,
        );
        controls.env_kill_switch = true;
        check(
            &controls,
            RoutingMode::LegacyCdp,
            Rank::EnvKillSwitch,
            KillSwitchSource::Env,
        );
    }

    #[test]
    fn a_configuration_that_cannot_be_interpreted_forces_the_legacy_lane_below_explicit_flags() {
        let config = ConfigControls {
            downgrade: Some("newer".to_owned()),
            ..ConfigControls::default()
        };
        let mut controls = RoutingControls {
            config,
            ..RoutingControls::default()
        };
        check(
            &controls,
            RoutingMode::LegacyCdp,
            Rank::ConfigKillSwitch,
            KillSwitchSource::Config,
        );
        controls.cli.routing_mode = Some(RoutingMode::Auto);
        check(
            &controls,
            RoutingMode::LegacyCdp,
            Rank::ConfigKillSwitch,
            KillSwitchSource::Config,
        );
        controls.cli.rollout_percent = percent(50);
        check(
            &controls,
            RoutingMode::LegacyCdp,
            Rank::ConfigKillSwitch,
            KillSwitchSource::Config,
        );
        controls.cli.rollout_allowlist = Some(RolloutAllowlist::default());
        check(
            &controls,
            RoutingMode::Auto,
            Rank::CliRoute,
            KillSwitchSource::Default,
        );
        controls.cli.routing_mode = Some(RoutingMode::Ops);
        check(
            &controls,
            RoutingMode::Ops,
            Rank::CliRoute,
            KillSwitchSource::Default,
        );
    }

    /// The chain once more, spelled as prose would spell it.
    fn as_the_plan_says(controls: &RoutingControls) -> RoutingMode {
        let (cli, config) = (&controls.cli, &controls.config);
        let mode = if controls.env_kill_switch {
            RoutingMode::LegacyCdp
        } else if let Some(mode) = cli.routing_mode {
            mode
        } else if cli.rollout_percent.is_some() || cli.rollout_allowlist.is_some() {
            RoutingMode::Auto
        } else if config.kill_switch == Some(true) || config.downgrade.is_some() {
            RoutingMode::LegacyCdp
        } else if let Some(mode) = config.routing_mode {
            mode
        } else if config.rollout_percent.is_some() || config.rollout_allowlist.is_some() {
            RoutingMode::Auto
        } else {
            RoutingMode::Ops
        };
        let unread = config.downgrade.is_some()
            && (cli.rollout_percent.is_none() || cli.rollout_allowlist.is_none());
        if mode == RoutingMode::Auto && unread {
            RoutingMode::LegacyCdp
        } else {
            mode
        }
    }

    proptest! {
        #[test]
        fn the_mode_is_what_the_chain_says(controls in strategies::controls()) {
            prop_assert_eq!(effective(&controls).mode, as_the_plan_says(&controls));
        }

        #[test]
        fn a_lower_control_never_changes_what_a_higher_one_decides(controls in strategies::controls(), other in strategies::controls()) {
            let decided = effective(&controls);
            if decided.rank < Rank::ConfigKillSwitch {
                let mixed = RoutingControls { config: ConfigControls { downgrade: None, ..other.config }, ..controls.clone() };
                prop_assert_eq!(effective(&mixed).mode, decided.mode);
            }
            if decided.rank == Rank::EnvKillSwitch {
                prop_assert_eq!(effective(&RoutingControls { cli: other.cli, ..controls.clone() }).mode, RoutingMode::LegacyCdp);
            }
        }

        #[test]
        fn a_source_is_named_for_the_kill_switch_exactly_when_an_explicit_control_forces_legacy(controls in strategies::controls()) {
            let effective = effective(&controls);
            prop_assert_eq!(effective.kill_switch_source != KillSwitchSource::Default, effective.mode == RoutingMode::LegacyCdp);
        }
    }
}
