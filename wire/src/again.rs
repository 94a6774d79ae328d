//! When to ask again.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::Mutex;
use std::time::{Duration, SystemTime};
use tokio::time::Instant;

/// A longer wait than any that a caller would take; it keeps a service's number from overflowing a clock.
const LONGEST: Duration = Duration::from_hours(1);

/// New tokens are asked for no more often than this: where a new one is refused too, a third does not help.
const BETWEEN_TOKENS: Duration = Duration::from_mins(1);

/// How long a `Retry-After` header asks to wait, at most an hour. It holds seconds or a date; a date is compared with
/// the answer's own `Date` where there is one, as the clocks of two machines differ, else with `now`.
///
/// Source: RFC 9110, 10.2.3 and 5.6.7.
pub fn retry_after(value: &str, date: Option<&str>, now: SystemTime) -> Option<Duration> {
    let value = value.trim();
    let wait = if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
        value.parse().map_or(LONGEST, Duration::from_secs)
    } else {
        let until = httpdate::parse_http_date(value).ok()?;
        let now = date.and_then(|date| httpdate::parse_http_date(date.trim()).ok()).unwrap_or(now);
        until.duration_since(now).unwrap_or_default()
    };
    Some(wait.min(LONGEST))
}

/// Pauses between attempts: twice as long each time, each shortened by up to half so that callers spread.
#[derive(Clone, Debug)]
pub struct Backoff {
    next: Duration,
    longest: Duration,
}

impl Backoff {
    /// Begins with a pause of up to `first`; none is longer than `longest`.
    pub fn new(first: Duration, longest: Duration) -> Self {
        Self { next: first.min(longest), longest }
    }

    /// The next pause: what the service asks for, else ours.
    pub fn pause(&mut self, told: Option<Duration>) -> Duration {
        let whole = self.next;
        self.next = (whole * 2).min(self.longest);
        told.unwrap_or_else(|| whole.saturating_sub((whole / 2).mul_f64(random())))
    }
}

/// From 0 to 1. The standard library draws the keys of each hasher at random.
fn random() -> f64 {
    let drawn = RandomState::new().build_hasher().finish();
    f64::from(u32::try_from(drawn >> 32).unwrap_or_default()) / f64::from(u32::MAX)
}

/// Decides whether a refused token is worth another one.
#[derive(Debug, Default)]
pub struct Renewals(Mutex<Option<Instant>>);

impl Renewals {
    /// Returns true, and counts as a renewal, unless the last one was less than a minute ago.
    pub fn begin(&self) -> bool {
        let Ok(mut last) = self.0.lock() else { return false };
        let now = Instant::now();
        if last.is_some_and(|last| now.duration_since(last) < BETWEEN_TOKENS) {
            return false;
        }
        *last = Some(now);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sun, 06 Nov 1994 08:49:37 GMT, the example of RFC 9110.
    const THEN: Duration = Duration::from_secs(784_111_777);

    fn wait(value: &str, date: Option<&str>) -> Option<u64> {
        retry_after(value, date, SystemTime::UNIX_EPOCH + THEN).map(|wait| wait.as_secs())
    }

    #[test]
    fn reads_seconds_and_every_form_of_date() {
        for (value, seconds) in [
            ("0", 0),
            (" 7 ", 7),
            ("Sun, 06 Nov 1994 08:49:39 GMT", 2),
            ("Sunday, 06-Nov-94 08:50:37 GMT", 60),
            ("Sun Nov  6 08:49:38 1994", 1),
            ("Sun, 06 Nov 1994 08:49:30 GMT", 0),
        ] {
            assert_eq!(wait(value, None), Some(seconds), "{value}");
        }
        for none in ["", "soon", "-1", "1.5", "Sun, 06 Nov 1994", "Sun, 31 Feb 1994 08:49:37 GMT"] {
            assert_eq!(wait(none, None), None, "{none}");
        }
    }

    #[test]
    fn dates_count_from_the_services_own_clock() {
        let date = Some("Sun, 06 Nov 1994 08:00:00 GMT");
        assert_eq!(wait("Sun, 06 Nov 1994 08:00:05 GMT", date), Some(5));
        assert_eq!(wait("Sun, 06 Nov 1994 08:49:42 GMT", Some("no date")), Some(5));
    }

    #[test]
    fn waits_are_bounded() {
        let hour = Some(3600);
        assert_eq!(wait("86400", None), hour);
        assert_eq!(wait("99999999999999999999999", None), hour);
        assert_eq!(wait("Fri, 31 Dec 9999 23:59:59 GMT", None), hour);
    }

    #[test]
    fn pauses_double_and_spread() {
        let ms = Duration::from_millis;
        let mut backoff = Backoff::new(ms(200), ms(500));
        for whole in [200, 400, 500, 500] {
            let pause = backoff.pause(None);
            assert!(pause >= ms(whole / 2) && pause <= ms(whole), "{pause:?} of {whole}");
        }
        assert_eq!(backoff.pause(Some(ms(3))), ms(3));
        let mut seen: Vec<_> = (0..20).map(|_| Backoff::new(ms(200), ms(200)).pause(None)).collect();
        seen.dedup();
        assert!(seen.len() > 1);
    }

    #[tokio::test(start_paused = true)]
    async fn tokens_are_renewed_once_a_minute() {
        let renewals = Renewals::default();
        assert!(renewals.begin());
        assert!(!renewals.begin());
        tokio::time::advance(BETWEEN_TOKENS).await;
        assert!(renewals.begin());
    }
}
