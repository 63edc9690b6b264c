//! Compresses answers with zstd, brotli or gzip, as the client prefers (RFC 9110 section 12.5.3).
//!
//! A small body that is in memory is encoded in one go. Anything else is encoded while it is sent:
//! what the leaf has ready is gathered, and flushed when the leaf pauses. Work of more than some
//! 200 microseconds is done on the blocking threads: encoders work by whole blocks of up to some
//! hundred KiB, so that slices with yields between them would still hold up other requests.
//!
//! Left as they are: answers with `Content-Encoding`, `Content-Range`, a digest (RFC 9530) or
//! `no-transform`, 204, 206 and 304, event streams and gRPC, media types that are not in `types`,
//! bodies below `min_size`. A body that is made here is another representation: a strong `ETag`
//! becomes weak, `Accept-Ranges` goes, and `Vary` names `Accept-Encoding` even where this client
//! gets the body as it is. A client that refuses everything (`identity;q=0`) gets that body too.
//!
//! ```
//! use spikard_middleware::{CompressionConfig, PolicyConfig};
//! let config = CompressionConfig { quality: 4, ..CompressionConfig::default() };
//! let app: axum::Router = axum::Router::new().layer(config.layer()?);
//! # Ok::<_, spikard_middleware::BuildError>(())
//! ```

mod body;
mod encoder;
mod types;

use axum_core::body::Body;
use http::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG, IF_NONE_MATCH,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use http_body::Body as _;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::coding::{Coding, preferred, vary_by_encoding};
use crate::context::{BuildContext, BuildError};
use crate::policy::PolicyConfig;
use crate::service::{Answer, Layer, Policy, Request, Response, Service};
use crate::units::Size;

use self::body::Compressed;
use self::encoder::{Encoder, inline_limit};
use self::types::Types;

/// Compresses answers for clients that accept it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct CompressionConfig {
    /// Whether gzip is offered.
    pub gzip: bool,
    /// Whether brotli (`br`) is offered.
    pub brotli: bool,
    /// Whether zstd is offered.
    pub zstd: bool,
    /// The smallest body that is compressed, in bytes. A body of unknown length is compressed.
    pub min_size: Size,
    /// How hard to compress: 0 is fastest, 11 smallest. Brotli takes the number as it is, gzip at
    /// most 9, zstd as its level, at least 1.
    #[schemars(range(min = 0, max = 11))]
    pub quality: u8,
    /// The media types that are compressed: `text/css`, `text/*`, or `*/*+json` for every type
    /// that ends so. Event streams and gRPC never are.
    pub types: Vec<String>,
}

impl Default for CompressionConfig {
    fn default() -> Self {
        Self {
            gzip: true,
            brotli: true,
            zstd: true,
            min_size: Size(1024),
            quality: 6,
            types: types::DEFAULT.iter().map(ToString::to_string).collect(),
        }
    }
}

impl PolicyConfig for CompressionConfig {
    fn build(&self, ctx: &BuildContext) -> Result<Option<Layer>, BuildError> {
        if self.quality > 11 {
            return Err(ctx.invalid("quality", format!("quality is {}, expected 0 to 11", self.quality)));
        }
        let types = Types::parse(&self.types).map_err(|index| {
            let expected = "expected a media type such as \"text/css\", \"text/*\" or \"*/*+json\"";
            ctx.invalid(&format!("types.{index}"), format!("media type is `{}`, {expected}", self.types[index]))
        })?;
        // Of codings that a client likes equally, zstd takes the least time and gzip the most bytes.
        let offered = [(self.zstd, Coding::Zstd), (self.brotli, Coding::Brotli), (self.gzip, Coding::Gzip)];
        let offered: Vec<_> = offered.into_iter().filter_map(|(on, coding)| on.then_some(coding)).collect();
        if offered.is_empty() {
            return Ok(None);
        }
        Ok(Some(Layer::new(Compression { offered, min_size: self.min_size.0, quality: self.quality, types })))
    }
}

struct Compression {
    offered: Vec<Coding>,
    min_size: u64,
    quality: u8,
    types: Types,
}

/// What the request says about the body that it wants.
struct Wish {
    coding: Option<Coding>,
    is_head: bool,
    /// The tags that the client holds.
    held: Option<HeaderValue>,
}

impl Policy for Compression {
    fn call<'a>(&'a self, request: Request, next: &'a dyn Service) -> Answer<'a> {
        let wish = Wish {
            coding: preferred(request.headers(), &self.offered),
            is_head: request.method() == Method::HEAD,
            held: request.headers().get(IF_NONE_MATCH).cloned(),
        };
        let answer = next.call(request);
        Box::pin(async move { self.finish(answer.await, wish) })
    }
}

impl Compression {
    fn finish(&self, mut response: Response, wish: Wish) -> Response {
        match response.status() {
            StatusCode::NOT_MODIFIED => {
                self.confirm(response.headers_mut(), wish.held.as_ref());
                return response;
            }
            StatusCode::PARTIAL_CONTENT => {
                self.qualify(response.headers_mut());
                return response;
            }
            _ => {}
        }
        if !self.may_differ(&response, wish.is_head) {
            return response;
        }
        vary_by_encoding(response.headers_mut());
        match wish.coding {
            Some(coding) => self.compressed(response, coding, wish.is_head),
            None => response,
        }
    }

    /// Whether some client would get this answer compressed.
    fn may_differ(&self, response: &Response, is_head: bool) -> bool {
        let headers = response.headers();
        // Most answers that stay as they are are small: the cheapest question comes first.
        length(response, is_head).is_none_or(|length| length >= self.min_size.max(1))
            && response.status() >= StatusCode::OK
            && !matches!(response.status(), StatusCode::NO_CONTENT | StatusCode::RESET_CONTENT)
            && headers.get(CONTENT_TYPE).is_some_and(|value| self.types.contain(value))
            && !FIXED.iter().any(|name| headers.contains_key(name))
            && !forbids_transform(headers)
    }

    fn compressed(&self, response: Response, coding: Coding, is_head: bool) -> Response {
        let encoder = match Encoder::new(coding, self.quality, response.body().size_hint().exact()) {
            Ok(encoder) => encoder,
            Err(error) => {
                tracing::error!("answer is not compressed: {error}");
                return response;
            }
        };
        let (mut head, body) = response.into_parts();
        relabel(&mut head.headers, coding);
        let inline_limit = inline_limit(coding, self.quality);
        let body = if is_head { Body::empty() } else { Compressed::body(Box::new(encoder), body, inline_limit) };
        Response::from_parts(head, body)
    }

    /// A part is sent as it is, but has the `Vary` of the whole (RFC 9110 section 15.3.7).
    fn qualify(&self, headers: &mut HeaderMap) {
        let is_encoded = headers.contains_key(CONTENT_ENCODING);
        if !is_encoded && headers.get(CONTENT_TYPE).is_some_and(|value| self.types.contain(value)) {
            vary_by_encoding(headers);
        }
    }

    /// A 304 must name the tag as the 200 did that the client holds: weak, if it was made here.
    fn confirm(&self, headers: &mut HeaderMap, held: Option<&HeaderValue>) {
        if headers.get(CONTENT_TYPE).is_some_and(|value| !self.types.contain(value)) {
            return;
        }
        vary_by_encoding(headers);
        let weak = headers.get(ETAG).and_then(weakened);
        if let Some(weak) = weak.filter(|weak| held.is_some_and(|held| contains(held.as_bytes(), weak.as_bytes()))) {
            headers.insert(ETAG, weak);
        }
    }
}

/// Fields of answers that must stay byte for byte what they are.
const FIXED: [HeaderName; 4] =
    [CONTENT_ENCODING, CONTENT_RANGE, HeaderName::from_static("content-digest"), HeaderName::from_static("repr-digest")];

/// The length of the body that a GET gets, if it is known.
fn length(response: &Response, is_head: bool) -> Option<u64> {
    let exact = response.body().size_hint().exact();
    if !is_head {
        return exact;
    }
    let declared = response.headers().get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    declared.or(exact.filter(|length| *length > 0))
}

/// RFC 9111 section 5.2.2.6.
fn forbids_transform(headers: &HeaderMap) -> bool {
    let values = headers.get_all(CACHE_CONTROL).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|directive| directive.trim().eq_ignore_ascii_case("no-transform"))
}

/// Makes the header fields those of the compressed representation.
fn relabel(headers: &mut HeaderMap, coding: Coding) {
    headers.insert(CONTENT_ENCODING, HeaderValue::from_static(coding.token()));
    headers.remove(CONTENT_LENGTH);
    headers.remove(ACCEPT_RANGES);
    if let Some(weak) = headers.get(ETAG).and_then(weakened) {
        headers.insert(ETAG, weak);
    }
}

/// The weak form of a strong tag (RFC 9110 section 8.8.3).
fn weakened(tag: &HeaderValue) -> Option<HeaderValue> {
    let is_strong = tag.as_bytes().starts_with(b"\"");
    is_strong.then(|| HeaderValue::from_bytes(&[b"W/", tag.as_bytes()].concat()).ok()).flatten()
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|window| window == part)
}

#[cfg(test)]
mod tests;
