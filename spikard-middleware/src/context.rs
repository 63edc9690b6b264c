//! What a policy may use while it is built, and how it says that it cannot be.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use crate::background::{Background, Task};
use crate::cache::Caches;
use crate::clock::Clock;
use crate::metrics::Metrics;

/// A place in the configuration: `routes[2].rate_limit.burst`.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConfigPath(Vec<Step>);

/// One step of a [`ConfigPath`].
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Step {
    /// Into a table, by key.
    Key(String),
    /// Into a list, by position from 0.
    Index(usize),
}

impl ConfigPath {
    /// The whole configuration.
    pub fn root() -> Self {
        Self::default()
    }

    /// The place of `key` in the table at this place.
    #[must_use]
    pub fn key(&self, key: impl Into<String>) -> Self {
        self.with(Step::Key(key.into()))
    }

    /// The place of the element `index` in the list at this place.
    #[must_use]
    pub fn index(&self, index: usize) -> Self {
        self.with(Step::Index(index))
    }

    /// The place that `inner` has when it is read from this place.
    #[must_use]
    pub fn join(&self, inner: &Self) -> Self {
        Self(self.0.iter().chain(&inner.0).cloned().collect())
    }

    /// The way from `place` to this place; none if this one is not below.
    pub fn below(&self, place: &Self) -> Option<Self> {
        self.0.strip_prefix(place.0.as_slice()).map(|steps| Self(steps.to_vec()))
    }

    /// The steps from the root.
    pub fn steps(&self) -> &[Step] {
        &self.0
    }

    fn with(&self, step: Step) -> Self {
        let mut steps = self.0.clone();
        steps.push(step);
        Self(steps)
    }
}

impl fmt::Display for ConfigPath {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, step) in self.0.iter().enumerate() {
            match step {
                Step::Key(key) if position == 0 => formatter.write_str(key)?,
                Step::Key(key) => write!(formatter, ".{key}")?,
                Step::Index(index) => write!(formatter, "[{index}]")?,
            }
        }
        Ok(())
    }
}

/// Why a policy cannot be built from its settings.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BuildError {
    /// A setting has a value that cannot be used.
    #[error("{at}: {message}")]
    Invalid {
        /// Where the value stands.
        at: ConfigPath,
        /// The value and then the expectation: `quality is 12, expected 0 to 11`.
        message: String,
    },
    /// The setting is well formed, but the world does not have what it names.
    #[error("{at}: {message}")]
    Unavailable {
        /// Where the value stands.
        at: ConfigPath,
        /// What is missing and why.
        message: String,
    },
    /// Several errors of one policy.
    #[error("{} errors, the first: {}", .0.len(), .0.first().map(ToString::to_string).unwrap_or_default())]
    Several(Vec<BuildError>),
}

impl BuildError {
    /// The single errors, with their places and messages.
    pub fn each(self) -> Vec<(ConfigPath, String)> {
        match self {
            Self::Invalid { at, message } | Self::Unavailable { at, message } => vec![(at, message)],
            Self::Several(errors) => errors.into_iter().flat_map(Self::each).collect(),
        }
    }

    /// The same error, at `key` inside its place. For keys that may hold dots.
    #[must_use]
    pub fn under(self, key: &str) -> Self {
        match self {
            Self::Invalid { at, message } => Self::Invalid { at: at.key(key), message },
            Self::Unavailable { at, message } => Self::Unavailable { at: at.key(key), message },
            Self::Several(errors) => Self::Several(errors.into_iter().map(|error| error.under(key)).collect()),
        }
    }

    /// One error of all, or none.
    ///
    /// # Errors
    /// When `errors` is not empty.
    pub fn all(mut errors: Vec<BuildError>) -> Result<(), BuildError> {
        match errors.len() {
            0 => Ok(()),
            1 => Err(errors.remove(0)),
            _ => Err(Self::Several(errors)),
        }
    }
}

/// A remark about settings that work but are probably not what was meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    /// Where the settings stand.
    pub at: ConfigPath,
    /// The value and then what to do about it.
    pub message: String,
}

impl Warning {
    /// The same about settings that stood at `from` and stand at `to` now; none if these are others.
    pub fn moved(&self, from: &ConfigPath, to: &ConfigPath) -> Option<Self> {
        Some(Self { at: to.join(&self.at.below(from)?), message: self.message.clone() })
    }
}

/// What a policy may use while it is built.
///
/// The place, the route and the base directory belong to one policy; everything else is shared by all
/// policies of one server. Cloning is cheap.
#[derive(Clone, Default)]
pub struct BuildContext {
    place: ConfigPath,
    route: Option<Arc<str>>,
    directory: PathBuf,
    server: Server,
    build: Arc<Build>,
}

/// What a server has for as long as it runs, whatever its configuration becomes.
#[derive(Clone, Default)]
struct Server {
    clock: Clock,
    metrics: Metrics,
    caches: Caches,
}

/// What belongs to one configuration.
#[derive(Default)]
struct Build {
    /// Begun once the configuration is in force, so that one that is refused has done nothing.
    background: Background,
    shared: Mutex<HashMap<(TypeId, String), Arc<dyn Any + Send + Sync>>>,
    warnings: Mutex<Vec<Warning>>,
}

impl BuildContext {
    /// A context for policies whose relative paths start at `directory`.
    pub fn new(directory: impl Into<PathBuf>, clock: Clock) -> Self {
        let server = Server { clock, ..Server::default() };
        Self { place: ConfigPath::root(), route: None, directory: directory.into(), server, build: Arc::default() }
    }

    /// A context for another configuration of the same server: clock, metrics and the shared
    /// state that somebody still holds go on, warnings begin anew, and work waits until it is begun.
    #[must_use]
    pub fn successor(&self, directory: impl Into<PathBuf>) -> Self {
        let shared = self.build.shared.lock().unwrap_or_else(PoisonError::into_inner);
        let held = shared.iter().filter(|(_, state)| Arc::strong_count(state) > 1);
        let held = held.map(|(name, state)| (name.clone(), Arc::clone(state))).collect();
        let build = Build { shared: Mutex::new(held), ..Build::default() };
        Self {
            place: ConfigPath::root(),
            route: None,
            directory: directory.into(),
            server: self.server.clone(),
            build: Arc::new(build),
        }
    }

    /// The same context for settings at another place.
    #[must_use]
    pub fn at(&self, place: ConfigPath) -> Self {
        Self { place, ..self.clone() }
    }

    /// The same context for what stands before one route. `name` is what the route answers to, so
    /// that it stays when the route moves in the file.
    #[must_use]
    pub fn of_route(&self, name: impl Into<Arc<str>>) -> Self {
        Self { route: Some(name.into()), ..self.clone() }
    }

    /// The route that the policy stands before; none if it is the server's.
    pub fn route(&self) -> Option<&str> {
        self.route.as_deref()
    }

    /// Where the settings of the policy stand.
    pub fn place(&self) -> &ConfigPath {
        &self.place
    }

    /// A path from the settings, relative ones taken from the directory of the file.
    pub fn path(&self, path: impl AsRef<Path>) -> PathBuf {
        self.directory.join(path)
    }

    /// The clock that all policies read.
    pub fn clock(&self) -> &Clock {
        &self.server.clock
    }

    /// What the server counts and measures.
    pub fn metrics(&self) -> &Metrics {
        &self.server.metrics
    }

    /// The caches of the server, to purge them.
    pub fn caches(&self) -> &Caches {
        &self.server.caches
    }

    /// Where work goes on beside requests; who serves what was built [begins](Background::begin) it.
    pub fn background(&self) -> &Background {
        &self.build.background
    }

    /// Work of the policy beside requests. It begins with the server, and ends when the handle is
    /// dropped: a policy keeps it, and is not kept by it.
    pub fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) -> Task {
        self.build.background.spawn(work)
    }

    /// State that several policies share by name: the first one who asks makes it. It outlives a
    /// configuration if somebody holds it: a policy that lives on, or who looks at it from beside.
    pub fn shared<T: Send + Sync + 'static>(&self, name: &str, make: impl FnOnce() -> T) -> Arc<T> {
        let mut shared = self.build.shared.lock().unwrap_or_else(PoisonError::into_inner);
        let entry =
            shared.entry((TypeId::of::<T>(), name.to_owned())).or_insert_with(|| Arc::new(make()) as Arc<dyn Any + Send + Sync>);
        // The key holds the type's id, so the value always has the type.
        Arc::clone(entry).downcast::<T>().unwrap_or_else(|_| unreachable!("keyed by type"))
    }

    /// An error about `field` of the policy's settings (`""`: about the settings as a whole).
    /// `message` is the value and then the expectation.
    pub fn invalid(&self, field: &str, message: impl Into<String>) -> BuildError {
        BuildError::Invalid { at: self.field(field), message: message.into() }
    }

    /// An error about something that `field` names and that is not there.
    pub fn unavailable(&self, field: &str, message: impl Into<String>) -> BuildError {
        BuildError::Unavailable { at: self.field(field), message: message.into() }
    }

    /// Records a warning about `field`; the server shows it at start.
    pub fn warn(&self, field: &str, message: impl Into<String>) {
        let warning = Warning { at: self.field(field), message: message.into() };
        self.build.warnings.lock().unwrap_or_else(PoisonError::into_inner).push(warning);
    }

    /// Takes the warnings that were recorded so far.
    pub fn take_warnings(&self) -> Vec<Warning> {
        std::mem::take(&mut *self.build.warnings.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn field(&self, field: &str) -> ConfigPath {
        field.split('.').filter(|step| !step.is_empty()).fold(self.place.clone(), |place, step| match step.parse() {
            Ok(index) => place.index(index),
            Err(_) => place.key(step),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_reads_like_the_file() {
        let ctx = BuildContext::default().at(ConfigPath::root().key("routes").index(2).key("rate_limit"));
        let error = ctx.invalid("keys.0.name", "`x` is taken, expected a name of its own");
        assert_eq!(error.to_string(), "routes[2].rate_limit.keys[0].name: `x` is taken, expected a name of its own");
    }

    #[test]
    fn shared_state_goes_on_in_the_next_configuration_while_somebody_holds_it() {
        let ctx = BuildContext::default();
        let held = ctx.shared("held", || 1_u32);
        drop(ctx.shared("left", || 1_u32));
        let next = ctx.successor("");
        assert!(Arc::ptr_eq(&held, &next.shared("held", || 2)));
        assert_eq!(*next.shared("left", || 2_u32), 2);
    }

    #[tokio::test]
    async fn work_of_the_next_configuration_waits_until_it_is_in_force() {
        let ctx = BuildContext::default();
        ctx.background().begin();
        let next = ctx.successor("");
        let (begins, mut begun) = tokio::sync::oneshot::channel();
        let _task = next.spawn(async move { begins.send(()).unwrap_or_default() });
        tokio::task::yield_now().await;
        assert!(begun.try_recv().is_err());
        next.background().begin();
        assert!(begun.await.is_ok());
    }

    #[test]
    fn a_warning_moves_with_its_settings() {
        let list = ConfigPath::root().key("routes");
        let warning = Warning { at: list.index(1).key("rate_limit"), message: "m".into() };
        let moved = warning.moved(&list.index(1), &list.index(4)).map(|warning| warning.at.to_string());
        assert_eq!(moved.as_deref(), Some("routes[4].rate_limit"));
        assert_eq!(warning.moved(&list.index(10), &list.index(4)), None);
    }

    #[test]
    fn shared_state_is_made_once_per_name_and_type() {
        let ctx = BuildContext::default();
        let first = ctx.shared("counter", || 1_u32);
        let second = ctx.at(ConfigPath::root().key("x")).shared("counter", || 2_u32);
        assert!(Arc::ptr_eq(&first, &second));
        assert_eq!(*ctx.shared("counter", || "other type"), "other type");
    }
}
