//! Keeps a store connected: makes the connection, looks whether it is alive, makes it anew.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior, interval_at, sleep};

use super::connection::{Connection, Connector};
use super::link::{Failure, Link};

/// How long after a failure the next try begins; it doubles with each further one.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(3);
/// How often a connection is looked at that nobody complains of. It is in use for whoever closes
/// connections without work, too.
const LOOK: Duration = Duration::from_secs(5);
/// How long a store may take to say that it is alive.
const ALIVE: Duration = Duration::from_millis(250);

/// Does so until it is dropped.
pub(super) async fn keep(link: Arc<Link>, connector: Connector) {
    link.begin();
    let mut pause = FIRST_PAUSE;
    let mut refused = false;
    for number in 0.. {
        let failure = match connector.connect().await {
            Ok(mut connection) => {
                link.up(connection.clone(), number);
                if !refused {
                    link.answered();
                }
                watch(&link, &mut connection, number).await
            }
            Err(error) => Failure::broken(error.to_string()),
        };
        if link.serves() {
            pause = FIRST_PAUSE;
        }
        refused = failure.is_refusal;
        link.away(&failure);
        sleep(pause).await;
        pause = LONGEST_PAUSE.min(pause * 2);
    }
}

/// Looks at a connection until it is of no use any more.
async fn watch(link: &Link, connection: &mut Connection, number: u64) -> Failure {
    let mut looks = interval_at(Instant::now() + LOOK, LOOK);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut told: Option<Instant> = None;
    loop {
        let failure = tokio::select! {
            _ = looks.tick() => None,
            failure = link.doubted(number) => failure,
        };
        match (failure, &connection) {
            (Some(failure), Connection::Node(_)) => return failure,
            // A cluster mends itself: it is away when none of its nodes answers.
            (Some(failure), Connection::Cluster(_)) if told.is_none_or(|told| told.elapsed() > LOOK) => {
                tracing::warn!(store = link.shown, "a part of the store is away, `on_error` decides: {}", failure.reason);
                told = Some(Instant::now());
            }
            _ => {}
        }
        if let Err(reason) = connection.answers(ALIVE).await {
            return Failure::broken(reason);
        }
    }
}
