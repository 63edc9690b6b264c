//! What the bytes of a body are, by their media type.

use std::panic::resume_unwind;

use bytes::Bytes;
use serde_json::Value;

use super::form::Form;
use super::json;
use super::limits::BodyReadingConfig;
use super::media_type::MediaType;
use super::refused::Refused;
use super::scan::scan;

/// What a body was read as.
#[derive(Debug, Clone, Default, PartialEq)]
pub enum Content {
    /// It was not asked for: [`BodyKind::None`](super::BodyKind::None).
    #[default]
    Unread,
    /// Bytes: [`BodyKind::Raw`](super::BodyKind::Raw).
    Raw,
    /// There was none.
    Empty,
    /// JSON.
    Json(Value),
    /// JSON that was scanned and stays text: the bytes of the body.
    JsonText,
    /// A form.
    Form(Form),
}

/// What becomes of JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Json {
    Parsed,
    Text,
}

/// Work on more bytes than this takes some 100 microseconds.
const INLINE: usize = 32 << 10;

/// Does work on `bytes` bytes of a body; if they are many, on a thread of its own: the thread of
/// the request has others to serve.
pub(crate) async fn aside<T: Send + 'static>(bytes: usize, work: impl FnOnce() -> T + Send + 'static) -> T {
    if bytes <= INLINE {
        return work();
    }
    // The runtime cancels this only when it ends itself, and then nothing waits here.
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => resume_unwind(panic),
            Err(_) => std::future::pending().await,
        },
    }
}

impl Content {
    pub(super) async fn of(bytes: Bytes, media_type: MediaType, json: Json, limits: BodyReadingConfig) -> Result<Self, Refused> {
        // A scan is quicker than a parser.
        let work = if media_type == MediaType::Json && json == Json::Text { bytes.len() / 4 } else { bytes.len() };
        aside(work, move || Self::parse(bytes, &media_type, json, &limits)).await
    }

    fn parse(bytes: Bytes, media_type: &MediaType, json: Json, limits: &BodyReadingConfig) -> Result<Self, Refused> {
        match media_type {
            MediaType::Json if bytes.is_empty() => Ok(Self::Empty),
            MediaType::Json if json == Json::Text => scan(&bytes, limits.depth()).map(|()| Self::JsonText),
            MediaType::Json => json::parse(&bytes, limits.depth()).map(Self::Json),
            MediaType::UrlEncoded => Form::urlencoded(&bytes, limits).map(Self::Form),
            // It is not read from memory.
            MediaType::Multipart(_) => Err(Refused::unsupported_media_type()),
        }
    }
}
