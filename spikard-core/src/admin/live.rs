//! What the live page shows, as server-sent events: every second the lines of `/metrics` that have
//! changed. So the page knows what a scraper knows, and nothing is counted for it.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use tokio::time::{Interval, MissedTickBehavior, interval};

use super::endpoints::Source;

const PERIOD: Duration = Duration::from_secs(1);

/// A stream of events, for one page.
pub(super) fn events(source: Arc<impl Source>) -> Response {
    let mut ticks = interval(PERIOD);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let stream = stream::unfold((source, ticks, Seen::default()), next);
    Sse::new(stream).keep_alive(KeepAlive::default()).into_response()
}

type State<S> = (Arc<S>, Interval, Seen);

async fn next<S: Source>((source, mut ticks, mut seen): State<S>) -> Option<(Result<Event, Infallible>, State<S>)> {
    ticks.tick().await;
    let event = Event::default().event("metrics").data(seen.changes(&source.metrics().await));
    Some((Ok(event), (source, ticks, seen)))
}

/// The samples that a page has been told: the text of each before its value, and the value.
#[derive(Default)]
struct Seen(HashMap<String, String>);

impl Seen {
    /// The lines of samples that are not as they were.
    fn changes(&mut self, text: &str) -> String {
        let mut changed = String::new();
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let Some((sample, value)) = line.rsplit_once(' ') else { continue };
            match self.0.get_mut(sample) {
                Some(known) if known == value => continue,
                Some(known) => value.clone_into(known),
                None => drop(self.0.insert(sample.to_owned(), value.to_owned())),
            }
            changed.push_str(line);
            changed.push('\n');
        }
        changed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_has_changed_is_told_again() {
        let mut seen = Seen::default();
        assert_eq!(seen.changes("# TYPE a counter\na_total{x=\"y z\"} 1\nb 2\n# EOF\n"), "a_total{x=\"y z\"} 1\nb 2\n");
        assert_eq!(seen.changes("a_total{x=\"y z\"} 1\nb 3\nc 1\n"), "b 3\nc 1\n");
        assert_eq!(seen.changes("b 3\n"), "");
    }
}
