use proptest::prelude::*;

use super::*;

fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn opened(at: Instant) -> Breaker {
    let mut breaker = Breaker::new(BreakerRules::default());
    for _ in 0..5 {
        breaker.fault(at);
    }
    assert_eq!(breaker.state(), CircuitState::Open);
    breaker
}

#[test]
fn adapter_circuit_breaker_thresholds() {
    let start = Instant::now();
    let mut breaker = Breaker::new(BreakerRules::default());
    for second in 0..4 {
        assert!(!breaker.fault(start + secs(second)));
    }
    assert!(breaker.admit(start + secs(4)).is_ok());
    assert!(
        breaker.fault(start + secs(59)),
        "the fifth fault within 60 s opens the circuit"
    );
    let opened = start + secs(59);
    assert_eq!(
        breaker.admit(opened),
        Err(Refused {
            retry_after: Some(secs(120))
        })
    );
    assert_eq!(
        breaker.admit(opened + secs(119)),
        Err(Refused {
            retry_after: Some(secs(1))
        })
    );
    assert_eq!(
        breaker.admit(opened + secs(120)),
        Ok(Admitted {
            probe: true,
            transition: true
        })
    );
    assert_eq!(
        breaker.admit(opened + secs(120)),
        Err(Refused { retry_after: None }),
        "one command at a time"
    );
    for success in 1..10 {
        assert!(!breaker.succeed(), "{success}");
        breaker.release();
        assert_eq!(
            breaker.admit(opened + secs(121)),
            Ok(Admitted {
                probe: true,
                transition: false
            })
        );
    }
    assert!(breaker.succeed(), "the tenth success closes it");
    assert_eq!(
        (breaker.state(), breaker.faults(opened + secs(121))),
        (CircuitState::Closed, 0)
    );
}

#[test]
fn faults_that_are_a_minute_apart_never_open_the_circuit() {
    let start = Instant::now();
    let mut breaker = Breaker::new(BreakerRules::default());
    for number in 0..100 {
        assert!(
            !breaker.fault(start + secs(15 * number)),
            "four fit into a window of a minute"
        );
        assert!(breaker.faults(start + secs(15 * number)) <= 4);
    }
}

#[test]
fn any_fault_while_half_open_opens_it_for_the_whole_cooldown() {
    let start = Instant::now();
    let mut breaker = opened(start);
    let probe = start + secs(300);
    breaker.admit(probe).unwrap();
    for _ in 0..9 {
        breaker.succeed();
    }
    assert!(breaker.fault(probe));
    assert_eq!(
        (breaker.cooldown_until(), breaker.successes()),
        (Some(probe + secs(120)), 0)
    );
}

#[test]
fn a_probe_that_says_nothing_about_the_adapter_leaves_the_circuit_half_open() {
    let start = Instant::now();
    let mut breaker = opened(start);
    breaker.admit(start + secs(120)).unwrap();
    breaker.release();
    assert_eq!(
        (breaker.state(), breaker.successes()),
        (CircuitState::HalfOpen, 0)
    );
    assert!(breaker.admit(start + secs(120)).is_ok());
}

#[test]
fn a_success_that_comes_in_while_it_is_open_does_not_count() {
    let start = Instant::now();
    let mut breaker = opened(start);
    for _ in 0..100 {
        assert!(!breaker.succeed());
    }
    assert_eq!(
        (breaker.state(), breaker.successes()),
        (CircuitState::Open, 0)
    );
}

#[derive(Debug, Clone, Copy)]
enum Step {
    Wait(u64),
    Admit,
    Succeed,
    Fault,
    Release,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        (0_u64..200_000).prop_map(Step::Wait),
        Just(Step::Admit),
        Just(Step::Succeed),
        Just(Step::Fault),
        Just(Step::Fault),
        Just(Step::Release),
    ];
    proptest::collection::vec(step, 0..200)
}

proptest! {
    /// Against a model that keeps every fault for ever.
    #[test]
    fn whatever_happens_the_rules_hold(steps in steps()) {
        let rules = BreakerRules::default();
        let (mut breaker, mut now) = (Breaker::new(rules), Instant::now());
        let (mut all, mut since_half_open, mut opened_at, mut probes) = (Vec::new(), 0_u32, None, 0_u32);
        for step in steps {
            let before = breaker.state();
            match step {
                Step::Wait(millis) => now += Duration::from_millis(millis),
                Step::Admit => match breaker.admit(now) {
                    Ok(admitted) => {
                        prop_assert_eq!(admitted.probe, before != CircuitState::Closed);
                        prop_assert_eq!(admitted.transition, before == CircuitState::Open);
                        prop_assert!(opened_at.is_none_or(|at: Instant| now >= at + rules.cooldown), "no leave within the cooldown");
                        if admitted.transition { since_half_open = 0; probes = 0; }
                        if admitted.probe { probes += 1; }
                        prop_assert!(probes <= 1, "one probe at a time");
                        opened_at = None;
                    }
                    Err(refused) => prop_assert!(before != CircuitState::Closed && refused.retry_after.is_none_or(|left| left <= rules.cooldown)),
                },
                Step::Succeed => {
                    let closed = breaker.succeed();
                    since_half_open += 1;
                    prop_assert_eq!(closed, before == CircuitState::HalfOpen && since_half_open == rules.successes);
                    if closed { all.clear(); probes = 0; }
                }
                Step::Fault => {
                    all.push(now);
                    since_half_open = 0;
                    let recent = all.iter().filter(|at| now - **at < rules.window).count();
                    let opens = breaker.fault(now);
                    prop_assert_eq!(opens, before == CircuitState::HalfOpen || (before == CircuitState::Closed && recent >= 5));
                    if opens { opened_at = Some(now); probes = 0; }
                }
                Step::Release => { breaker.release(); probes = 0; }
            }
            prop_assert_eq!(breaker.cooldown_until().is_some(), breaker.state() == CircuitState::Open);
            let recent = all.iter().filter(|at| now - **at < rules.window).count();
            prop_assert_eq!(usize::try_from(breaker.faults(now)).unwrap(), recent, "the window counts");
        }
    }
}
