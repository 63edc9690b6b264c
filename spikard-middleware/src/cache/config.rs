//! The settings of a cache.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::context::{BuildContext, BuildError};
use crate::units::{self, Size};

/// Keeps answers to `GET` and gives them to others who ask for the same, as the answers allow.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct CacheConfig {
    /// How much is kept of all answers together. When there is no more room, what is asked for
    /// rarely makes room for what is asked for often.
    pub max_size: Size,
    /// The largest body that is kept. A larger one passes through.
    pub max_entry_size: Size,
    /// How long an answer is fresh that does not say it itself (`max-age`, `s-maxage`, `Expires`); 0: such
    /// answers are not kept. It is not for requests with cookies or credentials, nor for errors other than
    /// 404, 405, 410, 414 and 501.
    #[serde(with = "units::duration")]
    #[schemars(with = "units::DurationText")]
    pub default_ttl: Duration,
    /// How long past its time an answer is still given while a new one is fetched, where it does not say that
    /// itself (`stale-while-revalidate`).
    #[serde(with = "units::duration")]
    #[schemars(with = "units::DurationText")]
    pub stale_while_revalidate: Duration,
    /// How long past its time an answer is given in place of a 500, 502, 503 or 504, where it does not say
    /// that itself (`stale-if-error`).
    #[serde(with = "units::duration")]
    #[schemars(with = "units::DurationText")]
    pub stale_if_error: Duration,
    /// How long a request waits for the answer that another one fetches already, before it fetches
    /// one for itself; 0: it never waits.
    #[serde(with = "units::duration")]
    #[schemars(with = "units::DurationText")]
    pub collapse: Duration,
    /// Whether `Cache-Control` of requests counts. Without it no client can make this cache ask the leaf.
    pub request_directives: bool,
    /// Whether answers with `Set-Cookie` are kept, cookie included: all clients get the same one.
    pub set_cookie: bool,
    /// Parameters of the query that make no difference, such as `utm_source`, or `utm_*` for all that begin so.
    /// The leaf sees them.
    pub ignored_query: Vec<String>,
    /// What this cache is called in `Cache-Status`; empty: answers have no such header.
    pub name: String,
}

impl Default for CacheConfig {
    fn default() -> Self {
        Self {
            max_size: Size(64 << 20),
            max_entry_size: Size(1 << 20),
            default_ttl: Duration::ZERO,
            stale_while_revalidate: Duration::ZERO,
            stale_if_error: Duration::ZERO,
            collapse: Duration::from_secs(10),
            request_directives: true,
            set_cookie: false,
            ignored_query: Vec::new(),
            name: "spikard".into(),
        }
    }
}

/// The largest body that a single entry may have: its size is counted in 32 bits.
const MOST: u64 = 1 << 31;

impl CacheConfig {
    pub(super) fn check(&self, ctx: &BuildContext) -> Result<(), BuildError> {
        let mut errors = Vec::new();
        let Self { max_size, max_entry_size, name, .. } = self;
        if max_size.0 == 0 {
            errors.push(ctx.invalid("max_size", "max_size is 0, expected more"));
        }
        if max_entry_size.0 == 0 || max_entry_size.0 > max_size.0.min(MOST) {
            let message =
                format!("max_entry_size is {max_entry_size}, expected 1 byte to max_size, {max_size}, and at most 2GiB");
            errors.push(ctx.invalid("max_entry_size", message));
        }
        if !name.is_empty() && !is_token(name) {
            let message = format!("name is `{name}`, expected letters, digits and `-`, `_`, `.`, a letter first");
            errors.push(ctx.invalid("name", message));
        }
        for (index, parameter) in self.ignored_query.iter().enumerate() {
            if parameter.trim_end_matches('*').is_empty() || parameter.contains(['&', '=']) {
                let message = format!("parameter is `{parameter}`, expected a name such as `utm_source` or `utm_*`");
                errors.push(ctx.invalid(&format!("ignored_query.{index}"), message));
            }
        }
        BuildError::all(errors)
    }
}

/// Whether text is a token of RFC 9651 section 3.3.4, of the characters that need no second thought.
fn is_token(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
}
