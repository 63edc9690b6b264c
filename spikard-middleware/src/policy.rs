//! What every policy's settings can do.

use http::HeaderName;
use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::context::{BuildContext, BuildError};
use crate::description::Description;
use crate::service::{Answer, Layer, Policy, Request, Service};

/// The settings of one policy.
///
/// Everything is parsed and prepared in [`build`](PolicyConfig::build): nothing is interpreted per
/// request, and a setting that cannot work is an error before the server listens.
pub trait PolicyConfig: Clone + PartialEq + Serialize + DeserializeOwned + JsonSchema {
    /// The field that a plain value stands for: `max_body_size = "10MiB"` is
    /// `max_body_size = { limit = "10MiB" }`. None: only `true`, `false` and a table are taken.
    const SHORTHAND: Option<&'static str> = None;

    /// Builds the layer, or none where these settings ask for nothing (a limit of 0, say).
    ///
    /// # Errors
    /// When a setting cannot work; the error names its place.
    fn build(&self, ctx: &BuildContext) -> Result<Option<Layer>, BuildError>;

    /// The layer for use in an `axum::Router` or any tower stack, without a server.
    ///
    /// # Errors
    /// When a setting cannot work.
    fn layer(&self) -> Result<Layer, BuildError> {
        Ok(self.build(&BuildContext::default())?.unwrap_or_else(|| Layer::new(Nothing)))
    }

    /// The headers that the policy sets on requests for an upstream. What a client sends under
    /// these names is removed on every route.
    fn upstream_headers(&self) -> Vec<HeaderName> {
        Vec::new()
    }

    /// What the policy adds to the description of a route: what it answers itself, and how it wants
    /// clients to say who they are.
    fn description(&self) -> Description {
        Description::default()
    }
}

/// One setting of the table while a stack is built: what it says, if it is on, and its context.
pub struct Setting<'a, C> {
    /// The settings; none if the policy is off.
    pub config: Option<&'a C>,
    /// The context, at the place of the settings.
    pub ctx: &'a BuildContext,
}

/// The builder of most lines of the table: one key, one layer.
pub(crate) fn single<C: PolicyConfig>(setting: Setting<'_, C>) -> Result<Option<Layer>, BuildError> {
    setting.config.map_or(Ok(None), |config| config.build(setting.ctx))
}

struct Nothing;

impl Policy for Nothing {
    fn call<'a>(&'a self, request: Request, next: &'a dyn Service) -> Answer<'a> {
        next.call(request)
    }
}
