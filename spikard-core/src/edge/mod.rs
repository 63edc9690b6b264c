//! The leaf of an upstream whose requests, and whose answers, are held to its OpenAPI document.
//!
//! It stands behind all policies: what it checks is what would be sent. A request is looked up by
//! the path that the upstream is asked for, so that nothing that is rewritten on the way is checked
//! in another form. The document says what the API is: what it does not describe is refused, unless
//! `undescribed_requests = "pass"`. Only `OPTIONS` for a path that it has always reaches the
//! upstream: documents leave it out, and preflights that no `cors` answers are the upstream's.
//!
//! Not checked: authentication (policies do that), headers of answers, bodies of other media types
//! than JSON and urlencoded forms, and what a request has beyond its description.

mod answer;
mod compile;
mod media;
mod observed;
mod request;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use http::header::ACCEPT_ENCODING;
use http::{HeaderValue, Method};
use percent_encoding::percent_decode_str;
use spikard_middleware::problem::Subject;
use spikard_middleware::{Answer, BuildContext, BuildError, Request, Response, Service};
use spikard_openapi::foreign::{ForeignOperation, Template};

use self::answer::Witness;
use self::compile::{Compiled, Contract, compile};
use crate::config::{BrokenResponses, OpenApiFile, RouteConfig, UndescribedRequests, Validate};
use crate::handler::BodyReadingConfig;
use crate::leaf::{Allowed, MethodNotAllowed, NotFound};
use crate::proxy::{Reach, Upstream, UpstreamLeaf};
use crate::routes::{PathParams, PathPattern, RouteKey, with_implied};

/// An upstream, held to its document.
pub(crate) struct Edge {
    upstream: UpstreamLeaf,
    contract: Contract,
    document: Arc<str>,
    /// The names of the operations, for the log.
    names: Vec<Arc<str>>,
    with_answers: bool,
    undescribed: UndescribedRequests,
    broken: BrokenResponses,
    count: Arc<AtomicU64>,
    limits: BodyReadingConfig,
}

/// What a leaf is built of.
pub(crate) struct Parts<'a> {
    pub(crate) leaf: UpstreamLeaf,
    pub(crate) upstream: &'a Upstream,
    pub(crate) file: &'a OpenApiFile,
    pub(crate) route: &'a RouteConfig,
    pub(crate) path: &'a PathPattern,
    /// What of the route is held to the document.
    pub(crate) validate: Validate,
    pub(crate) limits: BodyReadingConfig,
    /// The number of answers that broke the document.
    pub(crate) count: Arc<AtomicU64>,
}

impl Edge {
    /// Compiles the operations that the route reaches. `ctx` is that of the route.
    ///
    /// # Errors
    /// When one of them cannot be compiled, or when there is none.
    pub(crate) fn build(parts: Parts<'_>, ctx: &BuildContext) -> Result<Self, BuildError> {
        let Parts { leaf, upstream, file, route, path, validate, limits, count } = parts;
        let methods: Vec<Method> = route.methods.iter().filter_map(|method| method.parse().ok()).collect();
        let key = RouteKey { host: crate::routes::HostPattern::Any, path: path.clone(), methods };
        let templates = |operation: &ForeignOperation<'_>| {
            let method = operation.method.to_ascii_uppercase().parse::<Method>();
            if !method.is_ok_and(|method| key.answers(&method)) {
                return Vec::new();
            }
            let paths = file.foreign().bases(operation).into_iter().map(|base| base + operation.path);
            let reached = paths.filter(|asked| upstream.reach(path, asked) != Reach::Never);
            reached.filter_map(|asked| Template::parse(&asked).ok()).collect()
        };
        let with_answers = validate == Validate::Both;
        let Compiled { contract, unchecked } = compile(file, with_answers, templates).map_err(|errors| {
            let errors = errors.into_iter().map(|message| ctx.invalid("validate", message));
            BuildError::Several(errors.collect())
        })?;
        for remark in unchecked {
            ctx.warn("validate", remark);
        }
        if contract.operations.is_empty() {
            let message =
                format!("{} describes nothing that requests for {path} ask of the upstream, expected an operation", file.name());
            return Err(ctx.invalid("validate", message));
        }
        Ok(Self {
            upstream: leaf,
            document: file.name().into(),
            names: contract.operations.iter().map(|operation| operation.name.as_str().into()).collect(),
            contract,
            with_answers,
            undescribed: route.undescribed_requests.unwrap_or_default(),
            broken: route.broken_responses.unwrap_or_default(),
            count,
            limits,
        })
    }

    async fn serve(&self, mut request: Request) -> Response {
        let (number, path) = match self.find(&request) {
            Found::Operation(number, path) => (number, path),
            Found::Unchecked => return self.upstream.answer(request).await.unwrap_or_else(|refusal| refusal),
            Found::Nothing => return NotFound.call(request).await,
            Found::OtherMethods(methods) => {
                request.extensions_mut().insert(Allowed(methods));
                return MethodNotAllowed.call(request).await;
            }
        };
        let operation = &self.contract.operations[number];
        let subject = Subject::of(&request);
        if let Err(refusal) = operation.check(&mut request, &path, &self.limits, &subject).await {
            return refusal;
        }
        if !self.with_answers {
            return self.upstream.answer(request).await.unwrap_or_else(|refusal| refusal);
        }
        if operation.reads_answers() {
            // What is compressed cannot be read; the client's own coding is for `compression`.
            request.headers_mut().insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        }
        let method = request.method().clone();
        let response = match self.upstream.answer(request).await {
            Ok(response) => response,
            Err(refusal) => return refusal,
        };
        let witness = Witness {
            subject,
            document: Arc::clone(&self.document),
            operation: Arc::clone(&self.names[number]),
            count: Arc::clone(&self.count),
        };
        match self.broken {
            BrokenResponses::Log => operation.watch(&method, response, witness),
            BrokenResponses::Refuse => operation.enforce(&method, response, witness).await,
        }
    }

    fn find(&self, request: &Request) -> Found {
        let asked = self.upstream.asked(request);
        let decoded = |segment| percent_decode_str(segment).decode_utf8_lossy();
        let segments: Vec<Cow<'_, str>> = asked.path().split('/').skip(1).map(decoded).collect();
        let paths = &self.contract.paths;
        let of_method = |method: &Method| paths.find(&segments, |(known, _)| known == method);
        let method = request.method();
        let get = || (method == Method::HEAD).then(|| of_method(&Method::GET)).flatten();
        if let Some(found) = of_method(method).or_else(get) {
            let parameters = found.parameters().map(|(name, value)| (name.to_owned(), value.to_owned()));
            return Found::Operation(found.value.1, parameters.collect());
        }
        let known: Vec<Method> = paths.all(&segments).into_iter().map(|(method, _)| method.clone()).collect();
        match self.undescribed {
            UndescribedRequests::Pass => Found::Unchecked,
            UndescribedRequests::Refuse if known.is_empty() => Found::Nothing,
            UndescribedRequests::Refuse if method == Method::OPTIONS => Found::Unchecked,
            UndescribedRequests::Refuse => Found::OtherMethods(with_implied(known)),
        }
    }
}

enum Found {
    Operation(usize, PathParams),
    Unchecked,
    Nothing,
    OtherMethods(Vec<Method>),
}

impl Service for Edge {
    fn call(&self, request: Request) -> Answer<'_> {
        Box::pin(self.serve(request))
    }
}
