//! Reads bodies: as far as the handler asks, by what their head says of them.

use bytes::Bytes;
use http::{HeaderMap, header};
use http_body::Body as _;
use http_body_util::BodyExt;
use serde_json::Value;
use spikard_middleware::problem::{CONTENT_LENGTH_MISMATCH, UNSUPPORTED_ENCODING};
use spikard_middleware::{Body, Request};

use super::content::{Content, Json};
use super::file_rules::FileRules;
use super::limits::BodyReadingConfig;
use super::media_type::MediaType;
use super::refused::Refused;
use super::{multipart, site};

/// What a handler wants of a body.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum BodyKind {
    /// Nothing: it stays in the request, and the handler may stream it.
    #[default]
    None,
    /// Its bytes, whatever they are.
    Raw,
    /// Data: JSON, `+json`, urlencoded and multipart forms; a body without `Content-Type` counts
    /// as JSON. Other media types are refused.
    Json,
    /// As [`Json`](Self::Json), but JSON stays text: it is refused as strictly, and not parsed. For
    /// handlers with a decoder of their own.
    JsonText,
}

/// The body of a request.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RequestBody {
    /// The bytes that were read, as they came; of `multipart/form-data` none are kept.
    pub bytes: Bytes,
    /// What they are.
    pub content: Content,
}

impl RequestBody {
    /// Reads what `kind` asks for. A body that was read is taken out of the request. Files are held
    /// to `files` while they arrive.
    ///
    /// # Errors
    /// When it cannot be read as that; the refusal is what the client is answered.
    pub async fn read(
        request: &mut Request,
        kind: BodyKind,
        limits: &BodyReadingConfig,
        files: &FileRules,
    ) -> Result<Self, Refused> {
        let length = request.body().size_hint().exact();
        if length.is_some_and(|length| !is_declared(request.headers(), length)) {
            return Err(mismatch());
        }
        match kind {
            BodyKind::None => Ok(Self::default()),
            BodyKind::Raw => Ok(Self { bytes: collect(request).await?, content: Content::Raw }),
            BodyKind::Json => data(request, Json::Parsed, true, limits, files).await,
            BodyKind::JsonText => data(request, Json::Text, true, limits, files).await,
        }
    }

    /// As [`read`](Self::read) does for [`BodyKind::JsonText`], for a body that is handed on.
    /// `guarded`: as forms and bodies without media type may not come from another site.
    pub(crate) async fn read_text(request: &mut Request, guarded: bool, limits: &BodyReadingConfig) -> Result<Self, Refused> {
        let length = request.body().size_hint().exact();
        if length.is_some_and(|length| !is_declared(request.headers(), length)) {
            return Err(mismatch());
        }
        data(request, Json::Text, guarded, limits, &FileRules::default()).await
    }

    /// Whether a body is not held in memory as a whole while it is read: a form with files.
    pub fn is_read_in_pieces(request: &Request, kind: BodyKind) -> bool {
        matches!(kind, BodyKind::Json | BodyKind::JsonText)
            && matches!(MediaType::of(request.headers()), Ok(Some(MediaType::Multipart(_))))
    }

    /// The data: the JSON document, or the fields of the form. None if there are none.
    pub fn value(&self) -> Option<&Value> {
        match &self.content {
            Content::Json(value) => Some(value),
            Content::Form(form) => Some(&form.fields),
            Content::Unread | Content::Raw | Content::Empty | Content::JsonText => None,
        }
    }
}

async fn data(
    request: &mut Request,
    json: Json,
    guarded: bool,
    limits: &BodyReadingConfig,
    files: &FileRules,
) -> Result<RequestBody, Refused> {
    // All that the head can tell, before a byte is read.
    let media_type = MediaType::of(request.headers())?;
    if !request.body().is_end_stream() {
        if request.headers().get_all(header::CONTENT_ENCODING).iter().any(|coding| coding != "identity") {
            return Err(Refused::new(UNSUPPORTED_ENCODING, "content encodings are not taken here"));
        }
        if guarded && media_type != Some(MediaType::Json) {
            site::check(request)?;
        }
    }
    if let Some(MediaType::Multipart(boundary)) = &media_type {
        let body = std::mem::take(request.body_mut());
        let form = multipart::read(body, boundary, limits, files).await?;
        return Ok(RequestBody { bytes: Bytes::new(), content: Content::Form(form) });
    }
    let bytes = collect(request).await?;
    let content = Content::of(bytes.clone(), media_type.unwrap_or(MediaType::Json), json, *limits).await?;
    Ok(RequestBody { bytes, content })
}

async fn collect(request: &mut Request) -> Result<Bytes, Refused> {
    let body = std::mem::replace(request.body_mut(), Body::empty());
    let bytes = body.collect().await.map_err(|error| Refused::of_broken_body(&error))?.to_bytes();
    if is_declared(request.headers(), bytes.len() as u64) { Ok(bytes) } else { Err(mismatch()) }
}

/// Whether Content-Length, if it is there, says this. A server holds a body to it anyway.
pub(super) fn is_declared(headers: &HeaderMap, length: u64) -> bool {
    let declared = |value: &http::HeaderValue| value.to_str().ok()?.parse::<u64>().ok();
    headers.get_all(header::CONTENT_LENGTH).iter().all(|value| declared(value) == Some(length))
}

pub(super) fn mismatch() -> Refused {
    Refused::new(CONTENT_LENGTH_MISMATCH, "Content-Length header does not match actual body size")
}
