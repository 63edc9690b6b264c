//! Looks at the files of TLS now and then, and takes over what they have become.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use spikard_middleware::{BuildContext, Clock, ConfigPath};
use tokio::task::spawn_blocking;
use tokio::time::sleep;

use super::Acceptance;
use super::files::{Stamps, named};
use super::metrics::Expiry;
use crate::config::TlsConfig;

/// How often files are looked at.
const EVERY: Duration = Duration::from_secs(2);

/// The files of one configuration, as they were when they were last read.
pub(super) struct Watched {
    config: TlsConfig,
    /// What the paths of the settings start from, and where the settings stand. Not their context:
    /// that would keep the work beside requests, and this is a part of it.
    origin: (PathBuf, ConfigPath),
    paths: Vec<PathBuf>,
    seen: Stamps,
    /// How the files were when they could not be used.
    doubted: Option<Stamps>,
    expiry: Expiry,
}

impl Watched {
    /// The files as they are now; to be made before they are read.
    pub(super) fn new(config: &TlsConfig, ctx: &BuildContext) -> Self {
        let paths = named(config, ctx);
        let origin = (ctx.path(""), ctx.place().clone());
        let (seen, expiry) = (Stamps::of(&paths), Expiry::of(ctx.metrics()));
        Self { config: config.clone(), origin, paths, seen, doubted: None, expiry }
    }

    /// Keeps `current` what the files say, for ever.
    pub(super) async fn follow(mut self, current: Arc<ArcSwap<Acceptance>>) {
        loop {
            // Again and again: whoever had the same files may have taken them back.
            self.expiry.show(&current.load().expiries);
            sleep(EVERY).await;
            let current = Arc::clone(&current);
            let look = spawn_blocking(move || {
                self.look(&current);
                self
            });
            match look.await {
                Ok(looked) => self = looked,
                Err(error) => {
                    tracing::error!("certificates are no longer watched: {error}");
                    return;
                }
            }
        }
    }

    /// Takes over what has changed, if it can be used.
    pub(super) fn look(&mut self, current: &ArcSwap<Acceptance>) {
        let now = Stamps::of(&self.paths);
        if now == self.seen {
            return;
        }
        let (directory, place) = &self.origin;
        let ctx = BuildContext::new(directory, Clock::system()).at(place.clone());
        let read = Acceptance::build(&self.config, &ctx);
        if Stamps::of(&self.paths) != now {
            // They are being written. The next look sees to it.
            return;
        }
        match read {
            Ok(read) => {
                current.store(Arc::new(read.after(&current.load())));
                tracing::info!("the certificates have changed, and hold from the next connection on");
                for warning in ctx.take_warnings() {
                    tracing::warn!("{}: {}", warning.at, warning.message);
                }
            }
            // A certificate and its key do not change at the same moment: they get another look.
            Err(_) if self.doubted.as_ref() != Some(&now) => {
                self.doubted = Some(now);
                return;
            }
            Err(error) => {
                for (at, message) in error.each() {
                    tracing::error!("the certificates have changed and cannot be used, the old ones go on: {at}: {message}");
                }
            }
        }
        self.seen = now;
    }
}
