//! Parameters of a path that have to be of a type: a request whose path does not fit gets a 422.
//!
//! The check stands behind the policies of the route, as everything that answers does, and in
//! front of its leaf.

use std::sync::Arc;

use spikard_middleware::problem::Subject;
use spikard_middleware::{Answer, BuildContext, BuildError, Request, Service};

use crate::routes::{Converter, PathParams, PathPattern};
use crate::validation::{ParameterSpec, Parameters, RequestHead, Source, refuse};

struct Converted {
    parameters: Parameters,
    leaf: Arc<dyn Service>,
}

/// The leaf behind the check that its path asks for.
pub(super) fn checked(path: &PathPattern, leaf: Arc<dyn Service>, ctx: &BuildContext) -> Result<Arc<dyn Service>, BuildError> {
    let specs: Vec<ParameterSpec> = path.converters().filter_map(|(name, converter)| spec(name, converter)).collect();
    if specs.is_empty() {
        return Ok(leaf);
    }
    let parameters = Parameters::compile(specs).map_err(|error| ctx.invalid("path", error.to_string()))?;
    Ok(Arc::new(Converted { parameters, leaf }))
}

/// What is checked; none if every text will do.
fn spec(name: &str, converter: Converter) -> Option<ParameterSpec> {
    let schema = (converter != Converter::Str).then(|| converter.schema())?;
    Some(ParameterSpec { key: name.to_owned(), source: Source::Path, schema, required: true, separator: None, form: None })
}

impl Service for Converted {
    fn call(&self, request: Request) -> Answer<'_> {
        let path = request.extensions().get::<PathParams>();
        let head = RequestHead { path, query: "", headers: request.headers() };
        match self.parameters.read(&head).map(drop) {
            Ok(()) => self.leaf.call(request),
            Err(violations) => {
                let response = refuse(&violations, &Subject::of(&request));
                Box::pin(std::future::ready(response))
            }
        }
    }
}
