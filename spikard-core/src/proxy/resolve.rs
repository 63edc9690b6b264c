//! Names of targets that are resolved again and again: each address becomes a target of its own.
//!
//! A name that does not resolve keeps the addresses that it had. Before it is resolved for the first
//! time, the name itself is the target, which connections resolve.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Weak};
use std::time::Duration;

use futures_util::future::join_all;
use tokio::net::lookup_host;
use tokio::time::{sleep, timeout};

use super::Shared;
use super::balance::{Target, jittered};

/// The targets of an upstream as they are written, and what became of them.
struct Entry {
    target: Arc<Target>,
    /// None: it is no name, or was not resolved yet.
    resolved: Option<Vec<(SocketAddr, Arc<Target>)>>,
}

/// Resolves the names of an upstream again and again, for as long as there is one.
pub(super) async fn repeat(upstream: Weak<Shared>, interval: Duration) {
    let Some(entries) = upstream.upgrade().map(|upstream| upstream.balancer.targets()) else { return };
    let mut entries: Vec<Entry> = entries.into_iter().map(|target| Entry { target, resolved: None }).collect();
    loop {
        let lookups = join_all(entries.iter().map(|entry| lookup(&entry.target, interval))).await;
        let Some(upstream) = upstream.upgrade() else { return };
        let mut is_changed = false;
        for (entry, found) in entries.iter_mut().zip(lookups) {
            is_changed |= found.is_some_and(|found| entry.update(&upstream, found));
        }
        if is_changed {
            upstream.balancer.replace(entries.iter().flat_map(Entry::targets).cloned().collect());
        }
        drop(upstream);
        sleep(jittered(interval)).await;
    }
}

impl Entry {
    /// Takes over what a name resolves to now; whether that is something else than before.
    fn update(&mut self, upstream: &Arc<Shared>, found: io::Result<Vec<SocketAddr>>) -> bool {
        let name = &self.target;
        let found = match found {
            Ok(found) if !found.is_empty() => found,
            Ok(_) => return false,
            Err(error) => {
                tracing::warn!("upstream {name} does not resolve and stays as it is: {error}");
                return false;
            }
        };
        let is_first = self.resolved.is_none();
        let known = self.resolved.take().unwrap_or_default();
        let mut resolved = Vec::new();
        for address in &found {
            let target = known.iter().find(|(known, _)| known == address).map(|(_, target)| Arc::clone(target));
            let target = target.or_else(|| {
                let target = self.target.at(*address)?;
                if !is_first {
                    tracing::info!("upstream {target} is new");
                    target.begin_slowly();
                }
                upstream.watch(&target);
                Some(target)
            });
            resolved.extend(target.map(|target| (*address, target)));
        }
        // The name itself is no target any more.
        self.target.readmit();
        for (address, target) in known.iter().filter(|(address, _)| !found.contains(address)) {
            tracing::info!("upstream {target} is gone: {name} does not resolve to {address} any more");
        }
        let is_changed = is_first || resolved.iter().map(|(address, _)| address).ne(known.iter().map(|(address, _)| address));
        self.resolved = (!resolved.is_empty()).then_some(resolved);
        is_changed
    }

    fn targets(&self) -> impl Iterator<Item = &Arc<Target>> {
        let resolved = self.resolved.iter().flatten().map(|(_, target)| target);
        resolved.chain(self.resolved.is_none().then_some(&self.target))
    }
}

/// The addresses of a target in a fixed order. None: it is no name.
async fn lookup(target: &Target, limit: Duration) -> Option<io::Result<Vec<SocketAddr>>> {
    let name = target.address.name()?;
    let found = timeout(limit, lookup_host(name)).await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()));
    Some(found.map(|found| {
        let mut found: Vec<SocketAddr> = found.collect();
        found.sort_unstable();
        found.dedup();
        found
    }))
}
