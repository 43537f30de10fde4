//! Durations measured many times, and the two figures that are told of them.

use std::time::Duration;

/// Durations in milliseconds.
#[derive(Debug, Clone, Default, serde::Deserialize)]
pub(crate) struct Samples(Vec<f64>);

impl Samples {
    pub(crate) fn add(&mut self, duration: Duration) {
        self.0.push(duration.as_secs_f64() * 1000.0);
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = f64> + '_ {
        self.0.iter().copied()
    }

    /// The value that half of them do not exceed; 0 where there are none.
    pub(crate) fn p50(&self) -> f64 {
        self.quantile(0.50)
    }

    /// The value that 95 of 100 do not exceed.
    pub(crate) fn p95(&self) -> f64 {
        self.quantile(0.95)
    }

    /// Nearest rank: always one of the values.
    fn quantile(&self, share: f64) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "a rank within a short list"
        )]
        let rank = (share * sorted.len() as f64).ceil() as usize;
        sorted.get(rank.max(1) - 1).copied().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_values_of_the_list() {
        let mut samples = Samples::default();
        assert_eq!(samples.p50().to_bits(), 0.0_f64.to_bits());
        for ms in (1..=20).rev() {
            samples.add(Duration::from_millis(ms));
        }
        assert_eq!((samples.p50() * 10.0).round(), 100.0);
        assert_eq!((samples.p95() * 10.0).round(), 190.0);
    }
}
