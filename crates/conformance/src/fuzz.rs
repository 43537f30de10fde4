//! Fuzzing of parsers on the stable toolchain: inputs grown from a corpus that is checked in, shrunk by proptest where one fails.
//!
//! There is no instrumentation. What an input came to, in a word, stands for the path that it took: an input that comes to
//! something new is worth keeping. `cargo xtask fuzz` runs for longer and keeps such inputs; a plain test run is bounded and
//! repeatable, and writes nothing.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use proptest::test_runner::{Config, RngAlgorithm, TestError, TestRng, TestRunner};

/// How long `cargo xtask fuzz` has each target run, in seconds; tells as well that new inputs are kept.
pub const SECONDS: &str = "ODB_FUZZ_SECONDS";

/// What a plain test run is bounded by, whichever comes first.
const CASES: u64 = 4_096;
const TIME: Duration = Duration::from_secs(3);

/// Inputs of one round; each round draws from the corpus as it is then.
const ROUND: u32 = 256;

/// Inputs above this are not made: parsers meet their caps elsewhere.
const LONGEST: usize = 4_096;

/// A parser, with the words of its language.
#[derive(Debug)]
pub struct Target {
    /// Its name, which is also that of its corpus.
    pub name: &'static str,
    /// The folder that holds the corpora.
    pub corpora: PathBuf,
    /// Words that mutations put in.
    pub words: &'static [&'static str],
}

#[derive(Debug, Clone)]
enum Change {
    Flip(Index, u8),
    Insert(Index, Vec<u8>),
    Cut(Index, Index),
    Double(Index, Index),
    Graft(Index, Index),
}

/// Runs `check` on the corpus and on what grows from it. `check` says in a word what an input came to, and panics where the
/// parser broke a promise.
///
/// # Panics
/// Where `check` does, with the smallest input that was found; and where the corpus is missing.
pub fn run(target: &Target, check: impl Fn(&[u8]) -> String) {
    let dir = target.corpora.join(target.name);
    let mut corpus = read(&dir);
    assert!(
        !corpus.is_empty(),
        "there is no corpus in {}",
        dir.display()
    );
    let mut seen: HashSet<String> = corpus.iter().map(|input| check(input)).collect();
    let longer = seconds();
    let (started, mut cases, mut round) = (Instant::now(), 0_u64, 0_u64);
    loop {
        let over = match longer {
            Some(seconds) => started.elapsed() >= Duration::from_secs(seconds),
            None => cases >= CASES || started.elapsed() >= TIME,
        };
        if over {
            break;
        }
        let fresh = Mutex::new(Vec::new());
        let mut seed = [0_u8; 32];
        seed[..8].copy_from_slice(&round.to_le_bytes());
        seed[8..16].copy_from_slice(
            &longer
                .map_or(0, |_| u64::from(std::process::id()))
                .to_le_bytes(),
        );
        let config = Config {
            cases: ROUND,
            failure_persistence: None,
            ..Config::default()
        };
        let mut runner =
            TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &seed));
        let failed = runner.run(&inputs(&corpus, target.words), |input| {
            let came_to = check(&input);
            if let Ok(mut fresh) = fresh.lock() {
                fresh.push((came_to, input));
            }
            Ok(())
        });
        if let Err(TestError::Fail(why, input)) = failed {
            let kept = longer.map(|_| keep(&dir, "broken", &input));
            panic!(
                "{}: {why}\ninput: {:?}\nkept as {kept:?}",
                target.name,
                String::from_utf8_lossy(&input)
            );
        }
        for (came_to, input) in fresh.into_inner().unwrap_or_default() {
            if seen.insert(came_to.clone()) {
                if longer.is_some() {
                    keep(&dir, &came_to, &input);
                }
                corpus.push(input);
            }
        }
        cases += u64::from(ROUND);
        round += 1;
    }
    println!(
        "{}: {cases} inputs, {} outcomes, corpus of {}",
        target.name,
        seen.len(),
        corpus.len()
    );
}

#[expect(
    clippy::disallowed_methods,
    reason = "the way by which cargo xtask fuzz talks to tests; nothing shipped reads it"
)]
fn seconds() -> Option<u64> {
    std::env::var(SECONDS).ok()?.parse().ok()
}

fn read(dir: &Path) -> Vec<Vec<u8>> {
    let Ok(entries) = std::fs::read_dir(dir) else {
        return Vec::new();
    };
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    // The order decides what a seed gives.
    paths.sort();
    paths
        .iter()
        .filter_map(|path| std::fs::read(path).ok())
        .collect()
}

/// Writes an input under a name that follows from what it came to.
fn keep(dir: &Path, came_to: &str, input: &[u8]) -> PathBuf {
    let word: String = came_to
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
        .take(48)
        .collect();
    let sum = came_to
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |sum, byte| {
            (sum ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
    let path = dir.join(format!("{word}-{sum:016x}"));
    if let Err(error) = std::fs::write(&path, input) {
        eprintln!("{}: {error}", path.display());
    }
    path
}

fn inputs(
    corpus: &[Vec<u8>],
    words: &'static [&'static str],
) -> impl Strategy<Value = Vec<u8>> + use<> {
    let (whole, grafts) = (corpus.to_vec(), corpus.to_vec());
    let grown = (select(whole), vec(change(words), 1..6)).prop_map(move |(input, changes)| {
        changes
            .into_iter()
            .fold(input, |input, change| apply(input, change, &grafts))
    });
    prop_oneof![9 => grown, 1 => vec(any::<u8>(), 0..64)]
}

fn change(words: &'static [&'static str]) -> impl Strategy<Value = Change> {
    let part = || (any::<Index>(), any::<Index>());
    prop_oneof![
        1 => (any::<Index>(), any::<u8>()).prop_map(|(at, byte)| Change::Flip(at, byte)),
        3 => (any::<Index>(), select(words)).prop_map(|(at, word)| Change::Insert(at, word.as_bytes().to_vec())),
        1 => (any::<Index>(), vec(any::<u8>(), 1..4)).prop_map(|(at, bytes)| Change::Insert(at, bytes)),
        1 => part().prop_map(|(from, to)| Change::Cut(from, to)),
        1 => part().prop_map(|(from, to)| Change::Double(from, to)),
        1 => part().prop_map(|(which, at)| Change::Graft(which, at)),
    ]
}

fn apply(mut input: Vec<u8>, change: Change, corpus: &[Vec<u8>]) -> Vec<u8> {
    let range = |from: Index, to: Index, length: usize| {
        let (from, to) = (from.index(length + 1), to.index(length + 1));
        from.min(to)..from.max(to)
    };
    match change {
        Change::Flip(at, byte) if !input.is_empty() => {
            let at = at.index(input.len());
            input[at] = byte;
        }
        Change::Flip(_, byte) => input.push(byte),
        Change::Insert(at, bytes) => {
            let at = at.index(input.len() + 1);
            input.splice(at..at, bytes);
        }
        Change::Cut(from, to) => drop(input.drain(range(from, to, input.len()))),
        Change::Double(from, to) => {
            let part = input[range(from, to, input.len())].to_vec();
            input.extend(part);
        }
        Change::Graft(which, at) => {
            let other = &corpus[which.index(corpus.len())];
            input.truncate(at.index(input.len() + 1));
            input.extend_from_slice(&other[at.index(other.len() + 1)..]);
        }
    }
    input.truncate(LONGEST);
    input
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broken_promise_is_found_and_made_small() {
        let scratch = tempfile::tempdir().unwrap();
        std::fs::create_dir(scratch.path().join("toy")).unwrap();
        std::fs::write(scratch.path().join("toy/seed"), "harmless").unwrap();
        let target = Target {
            name: "toy",
            corpora: scratch.path().to_path_buf(),
            words: &["fatal", "other"],
        };
        let broken = std::panic::catch_unwind(|| {
            run(&target, |input| {
                let text = String::from_utf8_lossy(input);
                assert!(!text.contains("fatal"), "the promise");
                text.len().to_string()
            });
        });
        let why = broken.unwrap_err().downcast::<String>().unwrap();
        assert!(
            why.contains("the promise") && why.contains("fatal"),
            "{why}"
        );
        assert_eq!(
            std::fs::read_dir(scratch.path().join("toy"))
                .unwrap()
                .count(),
            1,
            "a plain run keeps nothing"
        );
    }
}
