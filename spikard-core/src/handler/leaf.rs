//! A handler as a service of the stack.

use spikard_middleware::problem::Subject;
use spikard_middleware::{Answer, Request, Service};

use super::body::BodyKind;
use super::data::RequestData;
use super::limits::BodyReadingConfig;
use super::{Handler, failure};

/// The leaf that takes a request apart and calls a [`Handler`] with it.
pub struct HandlerLeaf<H> {
    handler: H,
    kind: BodyKind,
    limits: BodyReadingConfig,
}

impl<H: Handler> HandlerLeaf<H> {
    /// The leaf of a handler, with the default limits.
    pub fn new(handler: H) -> Self {
        Self { kind: handler.body_kind(), handler, limits: BodyReadingConfig::default() }
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
            let data = match RequestData::extract(&mut request, self.kind, &self.limits).await {
                Ok(data) => data,
                Err(refused) => return refused.response(&subject),
            };
            match self.handler.call(request, data).await {
                Ok(response) => response,
                Err((status, text)) => failure::response(status, &text, &subject),
            }
        })
    }
}
