//! Keys that somebody else publishes and changes: at an address, or in a file.
//!
//! They are fetched before they are needed, and again and again: a set that is at hand is what
//! requests are held against, however long the next one takes. A token that names a key which the
//! set does not have asks for another fetch, of which there is one at a time and one in an
//! interval, whoever asks. While the provider is down, the last set is used for as long as the
//! settings allow.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use http::Uri;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use serde::Deserialize;
use tokio::runtime::Handle;
use tokio::sync::watch;

use super::issuer::FetchConfig;
use super::jwk::KeySet;
use super::key::Algorithm;
use crate::background::Task;
use crate::clock::Clock;
use crate::context::BuildContext;
use crate::http_client::HttpClient;
use crate::watched_file::{self, WatchedFile};

/// The largest set or discovery document.
const MOST_BYTES: usize = 1 << 20;

/// Where keys come from.
pub(super) enum Place {
    /// The address of a set.
    Url(Uri, HttpClient),
    /// An issuer that says at a known address where its set is (`OpenID` Connect Discovery 1.0).
    Issuer(String, Uri, HttpClient),
    /// A file with a set.
    File(WatchedFile),
}

/// The keys of one place. Their fetching ends when this is dropped.
pub(super) struct KeySource {
    fetcher: Arc<Fetcher>,
    _refreshing: Task,
}

struct Fetcher {
    place: Place,
    name: String,
    algorithms: Vec<Algorithm>,
    config: FetchConfig,
    clock: Clock,
    held: ArcSwapOption<Held>,
    asked: Mutex<Asked>,
    /// Why the last fetch failed, if it did: what goes on failing alike is told once.
    failing: Mutex<Option<String>>,
    outcomes: Outcomes,
}

/// A set, when there should be a newer one, and until when it may be used, in nanoseconds of the
/// clock.
struct Held {
    keys: Arc<KeySet>,
    due: u64,
    until: u64,
}

/// What requests have asked for.
#[derive(Default)]
struct Asked {
    /// When the next fetch may be asked for.
    again: u64,
    /// The last fetch: it goes on for as long as somebody holds the sender, who says how it ended.
    running: Option<Fetch>,
}

type Fetch = watch::Receiver<Option<bool>>;

/// How fetches have ended.
struct Outcomes {
    good: Counter,
    bad: Counter,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Labels {
    source: String,
    outcome: &'static str,
}

impl KeySource {
    /// Keys that are fetched as soon as there is a server, or when they are asked for. With
    /// `algorithms`, only keys for those are taken.
    pub(super) fn new(place: Place, algorithms: Vec<Algorithm>, config: FetchConfig, ctx: &BuildContext) -> Self {
        let name = place.to_string();
        let outcomes = Outcomes::of(&name, ctx);
        let fetcher = Fetcher {
            place,
            name,
            algorithms,
            config,
            clock: ctx.clock().clone(),
            held: ArcSwapOption::empty(),
            asked: Mutex::default(),
            failing: Mutex::default(),
            outcomes,
        };
        let fetcher = Arc::new(fetcher);
        let refreshing = ctx.spawn(refresh(Arc::clone(&fetcher)));
        Self { fetcher, _refreshing: refreshing }
    }

    /// Reads the file, unless there are keys already. Whether an address answers is nothing that a
    /// start waits for.
    ///
    /// # Errors
    /// When the file cannot be read or is no set.
    pub(super) fn check(&self) -> Result<(), String> {
        if let Place::File(file) = &self.fetcher.place
            && self.keys().is_none()
            && let Some(set) = self.fetcher.read_file(file)?
        {
            self.fetcher.hold(set);
        }
        Ok(())
    }

    /// The keys that are at hand, if they are not too old. Where nobody fetches newer ones, in a
    /// layer without a server, this has them fetched.
    pub(super) fn keys(&self) -> Option<Arc<KeySet>> {
        let held = self.fetcher.held.load();
        let now = self.fetcher.clock.monotonic();
        let held = held.as_ref().filter(|held| now < held.until)?;
        if now >= held.due {
            self.renewal();
        }
        Some(Arc::clone(&held.keys))
    }

    /// Whether [`renewed`](Self::renewed) would do anything.
    pub(super) fn may_be_renewed(&self) -> bool {
        let asked = lock(&self.fetcher.asked);
        asked.is_running() || self.fetcher.clock.monotonic() >= asked.again
    }

    /// Waits for newer keys, if there may be any.
    pub(super) async fn renewed(&self) {
        if let Some(running) = self.renewal() {
            ended(running).await;
        }
    }

    /// The fetch that is going on, or one that begins now, unless one was asked for a short time ago.
    fn renewal(&self) -> Option<Fetch> {
        let runtime = Handle::try_current().ok()?;
        let mut asked = lock(&self.fetcher.asked);
        let now = self.fetcher.clock.monotonic();
        if asked.is_running() || now < asked.again {
            return asked.running.clone().filter(|_| asked.is_running());
        }
        asked.again = now.saturating_add(nanos(self.fetcher.config.unknown_key_interval));
        Some(self.fetcher.begin(&mut asked, &runtime))
    }
}

/// Whether a fetch brought keys, as soon as it has ended.
async fn ended(mut fetch: Fetch) -> bool {
    fetch.wait_for(Option::is_some).await.is_ok_and(|good| *good == Some(true))
}

impl fmt::Display for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Url(uri, _) => uri.fmt(formatter),
            Self::Issuer(issuer, ..) => formatter.write_str(issuer),
            Self::File(file) => file.path().display().fmt(formatter),
        }
    }
}

impl Asked {
    fn is_running(&self) -> bool {
        self.running.as_ref().is_some_and(|running| running.has_changed().is_ok())
    }
}

impl Outcomes {
    fn of(source: &str, ctx: &BuildContext) -> Self {
        let help = "Fetches of keys that verify tokens, by where they are from and how they ended";
        let family = ctx.metrics().metric("jwks_fetches", help, Family::<Labels, Counter>::default);
        let outcome = |outcome| family.get_or_create(&Labels { source: source.to_owned(), outcome }).clone();
        Self { good: outcome("good"), bad: outcome("bad") }
    }
}

/// Fetches again and again.
async fn refresh(fetcher: Arc<Fetcher>) {
    if let Place::File(_) = fetcher.place {
        loop {
            tokio::time::sleep(watched_file::INTERVAL).await;
            fetcher.fetch().await;
        }
    }
    loop {
        let running = {
            let mut asked = lock(&fetcher.asked);
            let running = asked.running.clone().filter(|_| asked.is_running());
            running.unwrap_or_else(|| fetcher.begin(&mut asked, &Handle::current()))
        };
        let good = ended(running).await;
        let pause = if good { fetcher.config.refresh_interval } else { fetcher.config.retry_interval };
        tokio::time::sleep(pause).await;
    }
}

impl Fetcher {
    /// Begins a fetch, which goes on when whoever asked for it goes away: others wait for the same.
    fn begin(self: &Arc<Self>, asked: &mut Asked, runtime: &Handle) -> Fetch {
        let (end, running) = watch::channel(None);
        let fetcher = Arc::clone(self);
        runtime.spawn(async move { end.send(Some(fetcher.fetch().await)) });
        asked.running = Some(running.clone());
        running
    }

    /// Fetches once, and keeps what it has if that fails.
    async fn fetch(&self) -> bool {
        let set = match &self.place {
            Place::Url(uri, client) => self.fetch_set(uri, client).await.map(Some),
            Place::Issuer(issuer, uri, client) => match self.discover(issuer, uri, client).await {
                Ok(uri) => self.fetch_set(&uri, client).await.map(Some).map_err(|error| format!("`{uri}` {error}")),
                Err(error) => Err(error),
            },
            // A small file of this machine, and seldom another one.
            Place::File(file) => self.read_file(file),
        };
        match set {
            // A file that is what it was: nothing happened.
            Ok(None) => true,
            Ok(Some(set)) => {
                if lock(&self.failing).take().is_some() {
                    tracing::info!("keys that verify tokens: `{}` answers again, with {} of them", self.name, set.len());
                }
                self.hold(set);
                self.outcomes.good.inc();
                true
            }
            Err(error) => {
                let mut failing = lock(&self.failing);
                if failing.as_ref() != Some(&error) {
                    let kept = if self.held.load().is_some() { "those at hand are kept" } else { "there are none yet" };
                    tracing::warn!("keys that verify tokens: `{}` {error}; {kept}", self.name);
                    *failing = Some(error);
                }
                self.outcomes.bad.inc();
                false
            }
        }
    }

    async fn fetch_set(&self, uri: &Uri, client: &HttpClient) -> Result<KeySet, String> {
        let body = client.get(uri, MOST_BYTES, self.config.timeout).await?;
        self.read(&body)
    }

    /// The address of the keys. The document must be the issuer's own (section 4.3).
    async fn discover(&self, issuer: &str, uri: &Uri, client: &HttpClient) -> Result<Uri, String> {
        #[derive(Deserialize)]
        struct Document {
            issuer: String,
            jwks_uri: String,
        }
        let body = client.get(uri, MOST_BYTES, self.config.timeout).await?;
        let document: Document = serde_json::from_slice(&body).map_err(|error| format!("is no discovery document: {error}"))?;
        if document.issuer != issuer {
            return Err(format!("has the discovery document of `{}`, expected its own", document.issuer));
        }
        let keys: Uri =
            document.jwks_uri.parse().map_err(|_| format!("has the jwks_uri `{}`, expected a URL", document.jwks_uri))?;
        match keys.scheme_str() {
            Some("https") => Ok(keys),
            Some("http") if uri.scheme_str() == Some("http") => Ok(keys),
            _ => Err(format!("has the jwks_uri `{keys}`, expected one of https")),
        }
    }

    fn read_file(&self, file: &WatchedFile) -> Result<Option<KeySet>, String> {
        let content = file.read_if_changed().map_err(|error| format!("cannot be read: {error}"))?;
        content.map(|content| self.read(&content)).transpose()
    }

    fn read(&self, json: &[u8]) -> Result<KeySet, String> {
        let (set, faults) = KeySet::read(json, &self.algorithms)?;
        for fault in faults {
            tracing::warn!("keys that verify tokens: `{}`: {fault}", self.name);
        }
        Ok(set)
    }

    fn hold(&self, keys: KeySet) {
        let after = |time: Duration| self.clock.monotonic().saturating_add(nanos(time));
        let (due, until) = match self.place {
            // What is on this machine is not stale because it did not change.
            Place::File(_) => (u64::MAX, u64::MAX),
            Place::Url(..) | Place::Issuer(..) => {
                (after(self.config.refresh_interval.saturating_mul(2)), after(self.config.max_age))
            }
        };
        self.held.store(Some(Arc::new(Held { keys: Arc::new(keys), due, until })));
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
