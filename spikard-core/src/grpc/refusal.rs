//! Refusals of the stack as a gRPC client understands them: a status in the head instead of a
//! problem in the body. This stands around the whole stack, so that no policy needs to know.

use http::{HeaderValue, Method, Version, header};
use http_body_util::{BodyExt, Limited};
use spikard_middleware::grpc::{is_grpc, put_status};
use spikard_middleware::{Request, Response};

use super::Code;

/// The largest problem that is read.
const LARGEST: usize = 64 << 10;

/// Whether a request is a call.
pub(crate) fn is_call(request: &Request) -> bool {
    request.version() == Version::HTTP_2 && request.method() == Method::POST && is_grpc(request.headers())
}

/// The answer to a call. A problem becomes a status; anything else stays what it is.
pub(crate) async fn told(mut response: Response) -> Response {
    if response.headers().get(header::CONTENT_TYPE).is_none_or(|value| value != "application/problem+json") {
        return response;
    }
    let status = response.status();
    let title = status.canonical_reason().unwrap_or("refused");
    let body = Limited::new(std::mem::take(response.body_mut()), LARGEST).collect().await;
    let problem = body.ok().and_then(|body| serde_json::from_slice::<serde_json::Value>(&body.to_bytes()).ok());
    let detail = problem.as_ref().and_then(|problem| problem.get("detail")?.as_str());
    put_status(&mut response, Code::of_http(status).number(), detail.unwrap_or(title));
    let seconds = response.headers().get(header::RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    if let Some(seconds) = seconds {
        response.headers_mut().insert("grpc-retry-pushback-ms", HeaderValue::from(seconds.saturating_mul(1000)));
    }
    response
}
