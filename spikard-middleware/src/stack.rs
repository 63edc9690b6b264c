//! The table of all policies, outermost first, and the stack that is folded from it.
//!
//! A line gives: the name of the layer (in errors, `explain` and metrics), what builds it, its
//! keys in `ServerConfig` and `RouteConfig` with the config type and whether it is on by default,
//! and the reason for its place. `^key` builds a second layer from a key of another line.
//! Why each line stands where it does is argued in `docs/adr/0003-order-of-policies.md`.

use std::sync::Arc;

use http::HeaderName;

use crate::authentication;
use crate::context::{BuildContext, BuildError};
use crate::decompression;
use crate::description::Description;
use crate::overrides::Effective;
use crate::policy::{PolicyConfig, Setting, single};
use crate::rate_limit;
use crate::service::{Layer, Rim, Service, Tower};

/// Hands the table to `callback!`, behind any further arguments.
#[macro_export]
macro_rules! policies {
    ($callback:path $(, $($argument:tt)*)?) => {
        $callback! { $($($argument)*)?
            request_id:         single(enable_request_id: RequestIdConfig = on)  "first: everything below can name the request";
            access_log:         single(access_log: AccessLogConfig = off)        "outside every refusal: a 401 and a 429 are logged too";
            catch_panic:        single(catch_panic: CatchPanicConfig = on)       "a panic is a logged 500, never a dead connection";
            security_headers:   single(security_headers: SecurityHeadersConfig = off) "on every answer, refusals included";
            headers:            single(headers: HeadersConfig = off)             "on every answer, refusals included";
            cors:               single(cors: CorsConfig = off)                   "before authentication: a preflight carries no credentials";
            csrf:               single(csrf: CsrfConfig = off)                   "before anything acts";
            compression:        single(compression: CompressionConfig = on)      "outside refusals and leaves: what they say is compressed, too";
            timeout:            single(request_timeout: TimeoutConfig = on)      "bounds all that can wait";
            rate_limit:         single(rate_limit: RateLimits = off)             "before authentication: guessing keys must cost the guesser";
            authentication:     authentication::build(jwt_auth: JwtConfig = off, api_key_auth: ApiKeyConfig = off) "two keys that yield credentials for one layer";
            identity_limit:     rate_limit::by_identity(^rate_limit)             "by verified identity, after it: a forged claim must not exhaust a victim";
            body_limit:         single(max_body_size: BodyLimitConfig = on)      "before anything reads a body";
            decompression:      decompression::limited(^max_body_size, decompression: DecompressionConfig = off) "inside the limit, which is counted again on what comes out";
            require:            single(require: RequireConfig = off)             "what an identity may do is known where it would be done";
            cache:              single(cache: CacheConfig = off)                 "innermost: what is stored is for those who may come in, and every policy counts it";
        }
    };
}

macro_rules! define_policies {
    ($(
        $layer:ident: $($build:ident)::+ ( $(^$again:ident $(,)?)? $($key:ident: $config:ident = $default:ident),* ) $reason:literal;
    )*) => {
        /// The effective settings of every policy: of the server, or of one route.
        ///
        /// The layers that they build, outermost first:
        ///
        /// | layer | settings | why there |
        /// |---|---|---|
        $(#[doc = concat!(
            "| ", stringify!($layer), " | ",
            $("`", stringify!($again), "` ",)?
            $("`", stringify!($key), "`: [`", stringify!($config), "`](crate::", stringify!($config), ") ",)*
            "| ", $reason, " |",
        )])*
        #[derive(Debug, Clone, PartialEq)]
        pub struct Policies {
            $($(
                #[doc = concat!("See [`", stringify!($config), "`](crate::", stringify!($config), ").")]
                pub $key: Option<crate::$config>,
            )*)*
        }

        impl Default for Policies {
            fn default() -> Self {
                Self { $($($key: $crate::stack::default_of!($default),)*)* }
            }
        }

        impl Policies {
            /// Builds the stack. A line whose keys are all in `inherited` takes the layer of
            /// that stack, state included.
            ///
            /// # Errors
            /// All errors of all policies, each with its place.
            pub fn build(&self, ctx: &BuildContext, inherited: Option<Inherited<'_>>) -> Result<Stack, BuildError> {
                self.build_after(ctx, inherited, None)
            }

            /// Like [`build`](Self::build), in the place of a stack that is in force: a line whose settings
            /// are as they were takes the layer of `predecessor`, state included.
            ///
            /// # Errors
            /// As there.
            pub fn build_after(
                &self,
                ctx: &BuildContext,
                inherited: Option<Inherited<'_>>,
                predecessor: Option<Predecessor<'_>>,
            ) -> Result<Stack, BuildError> {
                let mut layers = Vec::new();
                let mut errors = Vec::new();
                $({
                    let keys: &[&str] = &[$(stringify!($again),)? $(stringify!($key)),*];
                    let as_it_was = || predecessor.as_ref().and_then(|predecessor| {
                        let before = &predecessor.effective.policies;
                        let is_same = $(self.$again == before.$again &&)? $(self.$key == before.$key &&)* true;
                        predecessor.layer(stringify!($layer), keys).filter(|_| is_same)
                    });
                    let layer = match inherited.as_ref().filter(|inherited| inherited.covers(keys)) {
                        Some(inherited) => Ok(inherited.stack.layer(stringify!($layer))),
                        None => as_it_was().map_or_else(|| $($build)::+(
                            $(Setting { config: self.$again.as_ref(), ctx: &at(ctx, stringify!($again)) },)?
                            $(Setting { config: self.$key.as_ref(), ctx: &at(ctx, stringify!($key)) }),*
                        ), |layer| Ok(Some(layer))),
                    };
                    match layer {
                        Ok(Some(layer)) => layers.push(Placed { name: stringify!($layer), layer }),
                        Ok(None) => {}
                        Err(error) => errors.push(error),
                    }
                })*
                BuildError::all(errors)?;
                Ok(Stack(layers))
            }

            /// The settings of a key as they are in force, secrets masked; none if it is off.
            pub fn settings(&self, key: &str) -> Option<serde_json::Value> {
                match key {
                    $($(stringify!($key) => self.$key.as_ref().and_then(|config| serde_json::to_value(config).ok()),)*)*
                    _ => None,
                }
            }

            /// Whether the settings of a key are the same, secrets included.
            pub fn has_same(&self, key: &str, other: &Self) -> bool {
                match key {
                    $($(stringify!($key) => self.$key == other.$key,)*)*
                    _ => true,
                }
            }

            /// What these policies add to the description of a route, in the order of the table.
            pub fn descriptions(&self) -> Vec<(&'static str, Description)> {
                let mut descriptions = Vec::new();
                $($(descriptions.extend(self.$key.iter().map(|config| (stringify!($key), config.description())));)*)*
                descriptions
            }

            /// The headers that these policies set for upstreams.
            pub fn upstream_headers(&self) -> Vec<HeaderName> {
                let mut names = Vec::new();
                $($(names.extend(self.$key.iter().flat_map(PolicyConfig::upstream_headers));)*)*
                names
            }
        }

        /// All keys of the table, in its order.
        pub const KEYS: &[Key] = &[$($(Key {
            name: stringify!($key),
            layer: stringify!($layer),
            config: stringify!($config),
            on: $crate::stack::is_on!($default),
            shorthand: <crate::$config as PolicyConfig>::SHORTHAND,
        },)*)*];

        /// All lines of the table: the name of the layer, its keys and the reason for its place.
        pub const LINES: &[Line] = &[$(Line {
            layer: stringify!($layer),
            keys: &[$(stringify!($again),)? $(stringify!($key)),*],
            reason: $reason,
        },)*];
    };
}

/// The default of a line: `on` is the default config, `off` is none.
#[macro_export]
#[doc(hidden)]
macro_rules! policy_default {
    (on) => {
        Some(Default::default())
    };
    (off) => {
        None
    };
}
#[doc(hidden)]
pub use crate::policy_default as default_of;

macro_rules! is_on {
    (on) => {
        true
    };
    (off) => {
        false
    };
}
use is_on;

policies!(define_policies);

/// A key of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Key {
    /// The key in a file, the field in Rust, the keyword in Python.
    pub name: &'static str,
    /// The layer that the key builds.
    pub layer: &'static str,
    /// The name of the config struct.
    pub config: &'static str,
    /// Whether the policy is on when nothing is said.
    pub on: bool,
    /// See [`PolicyConfig::SHORTHAND`].
    pub shorthand: Option<&'static str>,
}

/// A line of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Line {
    /// The name of the layer.
    pub layer: &'static str,
    /// The keys that build it.
    pub keys: &'static [&'static str],
    /// Why it stands where it does.
    pub reason: &'static str,
}

/// What a route takes from the server as it is.
#[derive(Clone, Copy)]
pub struct Inherited<'a> {
    /// The stack of the server.
    pub stack: &'a Stack,
    /// The keys that the route says nothing about, or `true`.
    pub keys: &'a [&'static str],
}

impl Inherited<'_> {
    fn covers(&self, keys: &[&str]) -> bool {
        keys.iter().all(|key| self.keys.contains(key))
    }
}

/// The stack in whose place another one is built.
#[derive(Clone, Copy)]
pub struct Predecessor<'a> {
    /// The stack.
    pub stack: &'a Stack,
    /// The policies that it was built from.
    pub effective: &'a Effective,
    /// Whether the files that the settings of a key name are as they were.
    pub has_same_files: &'a dyn Fn(&str) -> bool,
}

impl Predecessor<'_> {
    /// The layer of that name, which is built from `keys`, if nothing but the settings can have changed.
    fn layer(&self, name: &str, keys: &[&str]) -> Option<Layer> {
        // What was the server's goes on as the server's.
        let is_own = !keys.iter().all(|key| self.effective.inherited.contains(key));
        (is_own && keys.iter().all(|key| (self.has_same_files)(key))).then(|| self.stack.layer(name)).flatten()
    }
}

/// The layers of one server or route, outermost first.
#[derive(Debug, Clone, Default)]
pub struct Stack(Vec<Placed>);

#[derive(Debug, Clone)]
struct Placed {
    name: &'static str,
    layer: Layer,
}

impl Stack {
    /// Puts the layers around a leaf.
    pub fn around(&self, leaf: Arc<dyn Service>) -> Arc<dyn Service> {
        self.0.iter().rev().fold(leaf, |inner, placed| placed.layer.around(inner))
    }

    /// The names of the layers, outermost first.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        self.0.iter().map(|placed| placed.name)
    }

    /// Whether both have the same layers, with the same state.
    pub fn is_same_as(&self, other: &Self) -> bool {
        let same = |(own, other): (&Placed, &Placed)| own.name == other.name && own.layer.is_same_as(&other.layer);
        self.0.len() == other.0.len() && self.0.iter().zip(&other.0).all(same)
    }

    /// The layer of that name, if the stack has it.
    pub fn layer(&self, name: &str) -> Option<Layer> {
        self.0.iter().find(|placed| placed.name == name).map(|placed| placed.layer.clone())
    }
}

/// The whole stack around an `axum::Router` or any tower service.
impl<S> tower_layer::Layer<S> for Stack
where
    Tower<S>: Service,
{
    type Service = Rim;

    fn layer(&self, inner: S) -> Rim {
        Rim::new(self.around(Arc::new(Tower::new(inner))))
    }
}

fn at(ctx: &BuildContext, key: &str) -> BuildContext {
    ctx.at(ctx.place().key(key))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_route_shares_what_it_does_not_override() {
        let ctx = BuildContext::default();
        let policies = Policies::default();
        let server = policies.build(&ctx, None).unwrap_or_default();
        let inherited = Inherited { stack: &server, keys: &["enable_request_id"] };
        let route = policies.build(&ctx, Some(inherited)).unwrap_or_default();

        let same = |name| match (server.layer(name), route.layer(name)) {
            (Some(server), Some(route)) => server.is_same_as(&route),
            _ => panic!("both have {name}"),
        };
        assert!(same("request_id"));
        assert!(!same("body_limit"));
    }

    #[test]
    fn a_layer_whose_settings_and_files_stay_goes_on() {
        let ctx = BuildContext::default();
        let policies = Policies { rate_limit: Some(crate::RateLimitConfig::new(1.0, 2).into()), ..Policies::default() };
        let stack = policies.build(&ctx, None).unwrap_or_default();
        let inherits = |inherited: &[&'static str]| Effective { policies: policies.clone(), inherited: inherited.to_vec() };
        let next = |policies: &Policies, effective: &Effective, has_same_files: &dyn Fn(&str) -> bool| {
            let predecessor = Predecessor { stack: &stack, effective, has_same_files };
            let next = policies.build_after(&ctx, None, Some(predecessor)).unwrap_or_default();
            let same = |name: &&str| stack.layer(name).zip(next.layer(name)).is_some_and(|(old, new)| old.is_same_as(&new));
            stack.names().filter(|name| !same(name)).collect::<Vec<_>>()
        };
        let own = inherits(&[]);
        assert!(next(&policies, &own, &|_| true).is_empty());
        let other = Policies { request_timeout: None, max_body_size: Some(7.into()), ..policies.clone() };
        assert_eq!(next(&other, &own, &|_| true), ["timeout", "body_limit"]);
        assert_eq!(next(&policies, &own, &|key| key != "rate_limit"), ["rate_limit"], "a file that it names has changed");
        assert_eq!(next(&policies, &inherits(&["rate_limit"]), &|_| true), ["rate_limit"], "it was the server's");
    }
}
