//! A handler as a service of the stack.

use spikard_middleware::problem::Subject;
use spikard_middleware::{Answer, Request, Service};

use super::body::BodyKind;
use super::data::RequestData;
use super::fit::Schemas;
use super::limits::BodyReadingConfig;
use super::{Handler, failure};
use crate::validation;

/// The leaf that takes a request apart and calls a [`Handler`] with it.
pub struct HandlerLeaf<H> {
    handler: H,
    kind: BodyKind,
    limits: BodyReadingConfig,
    schemas: Schemas,
}

impl<H: Handler> HandlerLeaf<H> {
    /// The leaf of a handler, with the default limits.
    pub fn new(handler: H) -> Self {
        let schemas = Schemas { parameters: handler.parameters(), body: handler.body_schema() };
        let kind = match handler.body_kind() {
            // What has a schema is data.
            BodyKind::None | BodyKind::Raw if schemas.body.is_some() => BodyKind::Json,
            kind => kind,
        };
        Self { handler, kind, limits: BodyReadingConfig::default(), schemas }
    }

    /// The same leaf with other limits.
    #[must_use]
    pub fn limits(self, limits: BodyReadingConfig) -> Self {
        Self { limits, ..self }
    }
}

impl<H: Handler + 'static> Service for HandlerLeaf<H> {
    fn call(&self, mut request: Request) -> Answer<'_> {
        Box::pin(async move {
            let subject = Subject::of(&request);
            let mut data = match RequestData::extract(&mut request, self.kind, &self.limits).await {
                Ok(data) => data,
                Err(refused) => return refused.response(&subject),
            };
            if let Err(violations) = self.schemas.apply(request.uri(), &mut data).await {
                return validation::refuse(&violations, &subject);
            }
            match self.handler.call(request, data).await {
                Ok(response) => response,
                Err((status, text)) => failure::response(status, &text, &subject),
            }
        })
    }
}
