//! Decodes compressed request bodies, so that leaves see them plain: gzip, brotli, zstd and zlib
//! (`deflate`), also two of them one upon the other.
//!
//! What comes out is bounded by `max_body_size`, like what goes in: a small body that unfolds to a
//! large one is a 413 as soon as the limit is passed, and no more of it was unfolded. zstd windows
//! are bounded by 8 MiB (RFC 9659). A coding that is not known or not taken is a 415 that names
//! those that are (RFC 9110 section 15.5.16); data that does not decode is a 400. Decoding goes at
//! the pace of the reader. Trailers of a compressed body are dropped.
//!
//! ```
//! use spikard_middleware::{DecompressionConfig, PolicyConfig};
//! let app: axum::Router = axum::Router::new().layer(DecompressionConfig::default().layer()?);
//! # Ok::<_, spikard_middleware::BuildError>(())
//! ```

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};

use async_compression::tokio::bufread::{BrotliDecoder, GzipDecoder, ZlibDecoder, ZstdDecoder};
use async_compression::zstd::DParameter;
use axum_core::body::Body;
use bytes::Bytes;
use futures_util::{Stream, TryStreamExt};
use http::header::{ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_LENGTH};
use http::{HeaderMap, HeaderName, HeaderValue};
use http_body::Body as _;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::io::AsyncRead;
use tokio_util::io::{ReaderStream, StreamReader};

use crate::body_limit::{BodyLimitConfig, Limit};
use crate::context::{BuildContext, BuildError};
use crate::description::{AnswerHeader, Description, Requests};
use crate::policy::{PolicyConfig, Setting};
use crate::problem::{MALFORMED_BODY, Subject, UNSUPPORTED_ENCODING};
use crate::service::{Answer, Layer, Policy, Request, Response, Service};

/// Decodes compressed request bodies. `max_body_size` bounds what comes out, too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct DecompressionConfig {
    /// Whether gzip is taken.
    pub gzip: bool,
    /// Whether brotli (`br`) is taken.
    pub brotli: bool,
    /// Whether zstd is taken.
    pub zstd: bool,
    /// Whether `deflate` is taken: the zlib format, as RFC 9110 section 8.4.1.2 defines it.
    pub deflate: bool,
}

impl Default for DecompressionConfig {
    fn default() -> Self {
        Self { gzip: true, brotli: true, zstd: true, deflate: true }
    }
}

impl PolicyConfig for DecompressionConfig {
    /// A layer with the default `max_body_size`; in a stack it has the one of the stack.
    fn build(&self, ctx: &BuildContext) -> Result<Option<Layer>, BuildError> {
        self.with_limit(Limit::of(BodyLimitConfig::default()), ctx)
    }

    fn description(&self) -> Description {
        let malformed = Description::default().and(MALFORMED_BODY, Requests::WithBody, &[]);
        let accepted = AnswerHeader::text("Accept-Encoding", "The codings that are taken.");
        malformed.and(UNSUPPORTED_ENCODING, Requests::WithBody, &[accepted])
    }
}

impl DecompressionConfig {
    fn with_limit(self, limit: Option<Limit>, ctx: &BuildContext) -> Result<Option<Layer>, BuildError> {
        let choice = [
            (self.gzip, Coding::Gzip),
            (self.brotli, Coding::Brotli),
            (self.zstd, Coding::Zstd),
            (self.deflate, Coding::Deflate),
        ];
        let taken: Vec<_> = choice.into_iter().filter_map(|(on, coding)| on.then_some(coding)).collect();
        let names = taken.iter().map(|coding| coding.token()).collect::<Vec<_>>().join(", ");
        match HeaderValue::from_str(&names) {
            Ok(accepted) if !taken.is_empty() => Ok(Some(Layer::new(Decompression { taken, accepted, names, limit }))),
            _ => Err(ctx.invalid("", "every coding is off, expected one at least")),
        }
    }
}

/// The line of the table: decoded bodies are held to the limit of the other ones.
pub(crate) fn limited(
    limit: Setting<'_, BodyLimitConfig>,
    setting: Setting<'_, DecompressionConfig>,
) -> Result<Option<Layer>, BuildError> {
    let limit = limit.config.copied().and_then(Limit::of);
    setting.config.map_or(Ok(None), |config| config.with_limit(limit, setting.ctx))
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Coding {
    Gzip,
    Brotli,
    Zstd,
    Deflate,
}

impl Coding {
    const fn token(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Brotli => "br",
            Self::Zstd => "zstd",
            Self::Deflate => "deflate",
        }
    }
}

/// How many codings one upon the other are undone.
const MOST_CODINGS: usize = 2;
/// RFC 9659 section 3: a window of 8 MiB, as a power of two.
const ZSTD_WINDOW: u32 = 23;
/// How much is decoded at a time.
const PIECE: usize = 16 << 10;
/// Fields that tell of the encoded body and would be wrong of the decoded one.
const OUTDATED: [HeaderName; 3] =
    [CONTENT_LENGTH, HeaderName::from_static("content-digest"), HeaderName::from_static("repr-digest")];

struct Decompression {
    taken: Vec<Coding>,
    accepted: HeaderValue,
    names: String,
    limit: Option<Limit>,
}

impl Policy for Decompression {
    fn call<'a>(&'a self, mut request: Request, next: &'a dyn Service) -> Answer<'a> {
        if !request.headers().contains_key(CONTENT_ENCODING) {
            return next.call(request);
        }
        let codings = match self.codings(request.headers()) {
            Ok(codings) => codings,
            Err(detail) => {
                let refusal = self.refusal(&Subject::of(&request), &detail);
                return Box::pin(async move { refusal });
            }
        };
        request.headers_mut().remove(CONTENT_ENCODING);
        if codings.is_empty() || request.body().is_end_stream() {
            return next.call(request);
        }
        for name in OUTDATED {
            request.headers_mut().remove(name);
        }
        Box::pin(self.decode(request, codings, next))
    }
}

impl Decompression {
    /// The codings of a body, the outermost first.
    fn codings(&self, headers: &HeaderMap) -> Result<Vec<Coding>, String> {
        let mut codings = Vec::new();
        for value in headers.get_all(CONTENT_ENCODING) {
            for name in value.to_str().unwrap_or("?").split(',').map(str::trim) {
                let name = if name.eq_ignore_ascii_case("x-gzip") { "gzip" } else { name };
                if name.is_empty() || name.eq_ignore_ascii_case("identity") {
                    continue;
                }
                if codings.len() == MOST_CODINGS {
                    return Err(format!("more content encodings than are taken, expected at most {MOST_CODINGS}"));
                }
                let known = self.taken.iter().find(|coding| name.eq_ignore_ascii_case(coding.token()));
                codings.insert(0, *known.ok_or_else(|| format!("content encoding is not taken, expected {}", self.names))?);
            }
        }
        Ok(codings)
    }

    fn refusal(&self, subject: &Subject, detail: &str) -> Response {
        let mut refusal = UNSUPPORTED_ENCODING.by("decompression").response(subject, detail);
        refusal.headers_mut().insert(ACCEPT_ENCODING, self.accepted.clone());
        refusal
    }

    async fn decode(&self, request: Request, codings: Vec<Coding>, next: &dyn Service) -> Response {
        let subject = Subject::of(&request);
        let (corrupt, exceeded) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
        // The limit stands behind every coding: what lies between two must not grow either.
        let request = request.map(|body| {
            codings.into_iter().fold(body, |body, coding| {
                let body = decoded(coding, body, Arc::clone(&corrupt));
                match self.limit {
                    Some(limit) => limit.counted(body, Arc::clone(&exceeded)),
                    None => body,
                }
            })
        });
        let response = next.call(request).await;
        match self.limit {
            Some(limit) if exceeded.load(Ordering::Acquire) => limit.refusal(&subject),
            _ if corrupt.load(Ordering::Acquire) => {
                MALFORMED_BODY.by("decompression").response(&subject, "request body does not match its content encoding")
            }
            _ => response,
        }
    }
}

fn decoded(coding: Coding, body: Body, corrupt: Arc<AtomicBool>) -> Body {
    let encoded = StreamReader::new(body.into_data_stream().map_err(io::Error::other));
    // Several members in a row are one body (RFC 1952 section 2.2); what follows the last is corrupt.
    macro_rules! pieces {
        ($decoder:expr) => {{
            let mut decoder = $decoder;
            decoder.multiple_members(true);
            Body::from_stream(Pieces { decoder: ReaderStream::with_capacity(decoder, PIECE), corrupt })
        }};
    }
    match coding {
        Coding::Gzip => pieces!(GzipDecoder::new(encoded)),
        Coding::Brotli => pieces!(BrotliDecoder::new(encoded)),
        Coding::Zstd => pieces!(ZstdDecoder::with_params(encoded, &[DParameter::window_log_max(ZSTD_WINDOW)])),
        Coding::Deflate => pieces!(ZlibDecoder::new(encoded)),
    }
}

pin_project_lite::pin_project! {
    /// What a decoder gives, piece by piece. It gives way to other tasks now and then: some bytes
    /// of input can be a lot of work.
    struct Pieces<R> {
        #[pin]
        decoder: ReaderStream<R>,
        corrupt: Arc<AtomicBool>,
    }
}

impl<R: AsyncRead> Stream for Pieces<R> {
    type Item = io::Result<Bytes>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<io::Result<Bytes>>> {
        let budget = ready!(tokio::task::coop::poll_proceed(cx));
        let this = self.project();
        let piece = ready!(this.decoder.poll_next(cx));
        budget.made_progress();
        if let Some(Err(error)) = &piece {
            // An error of the body below is not the decoder's: the client went away, say.
            let source = error.get_ref().and_then(|source| source.downcast_ref::<axum_core::Error>());
            if source.is_none() {
                this.corrupt.store(true, Ordering::Release);
            }
        }
        Poll::Ready(piece)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::sync::atomic::AtomicUsize;

    use super::*;
    use crate::Policies;
    use crate::service::Tower;
    use crate::testing::{read, text};

    const LIMIT: u64 = 1 << 20;

    /// A stack with both limits around a leaf that answers with what it read, or with the error.
    fn stack(limit: u64) -> Arc<dyn Service> {
        let leaf = tower::service_fn(|request: Request| async {
            assert!(!request.headers().contains_key(CONTENT_ENCODING) && !request.headers().contains_key(CONTENT_LENGTH));
            let body = read(request.into_body()).await.map_or_else(|error| error.to_string().into(), Body::from);
            Ok::<_, std::convert::Infallible>(Response::new(body))
        });
        let policies = Policies {
            max_body_size: Some(limit.into()),
            decompression: Some(DecompressionConfig::default()),
            compression: None,
            ..Policies::default()
        };
        let stack = policies.build(&BuildContext::default(), None).unwrap();
        stack.around(Arc::new(Tower::new(leaf)))
    }

    async fn sent(encoding: &'static str, body: impl Into<Body>) -> Response {
        let mut request = Request::new(body.into());
        request.headers_mut().insert(CONTENT_ENCODING, HeaderValue::from_static(encoding));
        stack(LIMIT).call(request).await
    }

    fn encoded(coding: &str, plain: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        match coding {
            "gzip" => flate2::write::GzEncoder::new(&mut out, flate2::Compression::best()).write_all(plain).unwrap(),
            "deflate" => flate2::write::ZlibEncoder::new(&mut out, flate2::Compression::best()).write_all(plain).unwrap(),
            "br" => brotli::CompressorWriter::new(&mut out, 4096, 5, 18).write_all(plain).unwrap(),
            _ => out = zstd::bulk::compress(plain, 3).unwrap(),
        }
        out
    }

    #[tokio::test]
    async fn every_coding_reaches_the_leaf_plain() {
        for coding in ["gzip", "br", "zstd", "deflate"] {
            let response = sent(coding, encoded(coding, b"hello")).await;
            assert_eq!((response.status().as_u16(), text(response).await.as_str()), (200, "hello"), "{coding}");
        }
        let twice = encoded("br", &encoded("gzip", b"hello"));
        assert_eq!(text(sent("X-Gzip, BR", twice).await).await, "hello");
        let members = [encoded("gzip", b"hel"), encoded("gzip", b"lo")].concat();
        assert_eq!(text(sent("gzip", members).await).await, "hello");
        assert_eq!(text(sent("gzip", Body::empty()).await).await, "");
    }

    #[tokio::test]
    async fn a_coding_that_is_not_taken_is_answered_with_those_that_are() {
        for encoding in ["compress", "gzip, snappy", "gzip, gzip, gzip"] {
            let response = sent(encoding, "x").await;
            assert_eq!(
                (response.status().as_u16(), &response.headers()[ACCEPT_ENCODING]),
                (415, &HeaderValue::from_static("gzip, br, zstd, deflate"))
            );
        }
    }

    #[tokio::test]
    async fn data_that_does_not_decode_is_a_400() {
        for coding in ["gzip", "br", "zstd", "deflate"] {
            let whole = encoded(coding, &[b'a'; 5000]);
            let cut = whole[..whole.len() - 2].to_vec();
            let longer = [&whole[..], b"tail"].concat();
            for (name, body) in [("noise", vec![0xff; 100]), ("cut", cut), ("longer", longer)] {
                let response = sent(coding, body).await;
                assert_eq!(response.status(), 400, "{coding} {name}");
                assert!(text(response).await.contains("malformed-body"));
            }
        }
    }

    #[tokio::test]
    async fn a_zstd_window_over_8_mib_is_refused() {
        let mut encoder = zstd::stream::write::Encoder::new(Vec::new(), 1).unwrap();
        encoder.window_log(24).unwrap();
        encoder.write_all(b"hello").unwrap();
        encoder.flush().unwrap();
        assert_eq!(sent("zstd", encoder.finish().unwrap()).await.status(), 400);
    }

    #[tokio::test]
    async fn a_body_may_unfold_to_the_limit_and_not_to_one_byte_more() {
        let limit = usize::try_from(LIMIT).unwrap();
        for coding in ["gzip", "br", "zstd", "deflate"] {
            assert_eq!(sent(coding, encoded(coding, &vec![0; limit])).await.status(), 200, "{coding}");
            assert_eq!(sent(coding, encoded(coding, &vec![0; limit + 1])).await.status(), 413, "{coding}");
        }
    }

    #[tokio::test]
    async fn a_bomb_is_unfolded_no_further_than_the_limit() {
        let bomb = encoded("gzip", &vec![0; 64 << 20]);
        for (encoding, bomb) in [("gzip", bomb.clone()), ("gzip, gzip", encoded("gzip", &bomb))] {
            let taken = Arc::new(AtomicUsize::new(0));
            let (size, count) = (bomb.len(), Arc::clone(&taken));
            let pieces: Vec<_> = bomb.chunks(256).map(Bytes::copy_from_slice).collect();
            let pieces = pieces.into_iter().map(move |piece| {
                count.fetch_add(piece.len(), Ordering::Relaxed);
                Ok::<_, io::Error>(piece)
            });
            let body = Body::from_stream(futures_util::stream::iter(pieces));
            assert_eq!(sent(encoding, body).await.status(), 413, "{encoding}");
            let taken = taken.load(Ordering::Relaxed);
            assert!(encoding != "gzip" || taken < size / 16, "{taken} of {size} bytes were read");
        }
    }

    #[tokio::test]
    async fn without_a_limit_a_body_unfolds_whole() {
        let mut request = Request::new(Body::from(encoded("gzip", &vec![0; 3 << 20])));
        request.headers_mut().insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        assert_eq!(read(stack(0).call(request).await.into_body()).await.unwrap().len(), 3 << 20);
    }

    #[tokio::test]
    async fn a_client_that_goes_away_is_not_told_that_its_data_is_corrupt() {
        let chunks = [Ok(Bytes::from(encoded("gzip", b"hello")[..8].to_vec())), Err(io::Error::other("gone"))];
        let response = sent("gzip", Body::from_stream(futures_util::stream::iter(chunks))).await;
        assert_eq!((response.status().as_u16(), text(response).await.as_str()), (200, "gone"));
    }
}
