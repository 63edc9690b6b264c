//! A name for every request: `x-request-id` on the request for the leaf and on every response.
//!
//! A client's own id is kept if it matches `[A-Za-z0-9._-]{1,128}`; anything else is replaced by a
//! new random UUID (RFC 9562 section 5.4), so that no client writes into the log what it likes.
//!
//! ```
//! use spikard_middleware::{PolicyConfig, RequestIdConfig};
//! let app: axum::Router = axum::Router::new().layer(RequestIdConfig::default().layer()?);
//! # Ok::<_, spikard_middleware::BuildError>(())
//! ```

use std::cell::RefCell;

use http::{HeaderName, HeaderValue};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::context::{BuildContext, BuildError};
use crate::description::{AnswerHeader, Description};
use crate::policy::PolicyConfig;
use crate::service::{Answer, Layer, Policy, Request, Service};

/// Gives every request an id and names it in the `x-request-id` header of every response.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RequestIdConfig {
    /// Whether an id that the client sent is kept, if it matches `[A-Za-z0-9._-]{1,128}`.
    pub accept: bool,
}

impl Default for RequestIdConfig {
    fn default() -> Self {
        Self { accept: true }
    }
}

impl PolicyConfig for RequestIdConfig {
    fn build(&self, _: &BuildContext) -> Result<Option<Layer>, BuildError> {
        Ok(Some(Layer::new(RequestIds { accept: self.accept })))
    }

    fn description(&self) -> Description {
        let id = AnswerHeader::text(HEADER_NAME, "The id of the request, which logs and errors name.");
        Description { headers: vec![id], ..Description::default() }
    }
}

/// The id of a request; an extension of every request below the policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestId(HeaderValue);

const HEADER_NAME: &str = "x-request-id";
const HEADER: HeaderName = HeaderName::from_static(HEADER_NAME);
const MAX_LENGTH: usize = 128;

impl RequestId {
    /// An id of fixed text, for tests.
    pub fn from_static(text: &'static str) -> Self {
        Self(HeaderValue::from_static(text))
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        // Only visible ASCII is ever put in.
        self.0.to_str().unwrap_or_default()
    }

    fn of_client(value: &HeaderValue) -> Option<Self> {
        let bytes = value.as_bytes();
        let fits = (1..=MAX_LENGTH).contains(&bytes.len())
            && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(byte));
        fits.then(|| Self(value.clone()))
    }

    fn random() -> Self {
        let text = uuid_text(random_bytes());
        Self(HeaderValue::from_bytes(&text).unwrap_or_else(|_| HeaderValue::from_static("-")))
    }
}

struct RequestIds {
    accept: bool,
}

impl Policy for RequestIds {
    fn call<'a>(&'a self, mut request: Request, next: &'a dyn Service) -> Answer<'a> {
        let kept = if self.accept { request.headers().get(&HEADER).and_then(RequestId::of_client) } else { None };
        let id = kept.unwrap_or_else(RequestId::random);
        let value = id.0.clone();
        request.headers_mut().insert(HEADER, id.0.clone());
        request.extensions_mut().insert(id);
        let answer = next.call(request);
        Box::pin(async move {
            let mut response = answer.await;
            response.headers_mut().insert(HEADER, value);
            response
        })
    }
}

/// Sixteen random bytes. A call of the system per request would cost more than the rest of the
/// policy, so each thread draws 4 KiB at a time.
fn random_bytes() -> [u8; 16] {
    const POOL: usize = 4096;
    thread_local! {
        static BYTES: RefCell<([u8; POOL], usize)> = const { RefCell::new(([0; POOL], POOL)) };
    }
    BYTES.with_borrow_mut(|(pool, used)| {
        if *used == POOL {
            // Without the system's randomness ids could repeat, nothing worse: the old bytes stay.
            let _ = getrandom::fill(pool);
            *used = 0;
        }
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&pool[*used..*used + 16]);
        *used += 16;
        bytes
    })
}

/// The text form of a version 4 UUID made of random bytes.
fn uuid_text(mut bytes: [u8; 16]) -> [u8; 36] {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    bytes[6] = (bytes[6] & 0x0f) | 0x40;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    let mut text = [b'-'; 36];
    let mut position = 0;
    for (index, byte) in bytes.iter().enumerate() {
        if matches!(index, 4 | 6 | 8 | 10) {
            position += 1;
        }
        text[position] = DIGITS[usize::from(byte >> 4)];
        text[position + 1] = DIGITS[usize::from(byte & 15)];
        position += 2;
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::service::Response;
    use crate::testing::{layered, text};
    use axum_core::body::Body;

    async fn id_for(sent: Option<&'static str>) -> String {
        let stack = layered(&RequestIdConfig::default(), |request| async move {
            let id = request.extensions().get::<RequestId>().map(|id| id.as_str().to_owned());
            Response::new(Body::from(id.unwrap_or_default()))
        });
        let mut request = Request::new(Body::empty());
        if let Some(sent) = sent {
            request.headers_mut().insert(HEADER, HeaderValue::from_static(sent));
        }
        let response = stack.call(request).await;
        let header = response.headers()[HEADER].to_str().unwrap_or_default().to_owned();
        assert_eq!(text(response).await, header, "the leaf sees what the client sees");
        header
    }

    #[tokio::test]
    async fn keeps_a_sane_id_and_replaces_any_other() {
        assert_eq!(id_for(Some("Order-7.a_b")).await, "Order-7.a_b");
        for bad in ["", "a b", "a\tb", "x\"y"] {
            let id = id_for(Some(bad)).await;
            assert_eq!((id.len(), id.as_bytes()[14]), (36, b'4'), "{bad:?} became {id}");
        }
        assert_ne!(id_for(None).await, id_for(None).await);
    }
}
