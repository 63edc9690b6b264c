//! What the bytes of a body are, by their media type.

use std::panic::resume_unwind;

use bytes::Bytes;
use serde_json::Value;
use spikard_middleware::problem::SERVICE_UNAVAILABLE;

use super::form::Form;
use super::limits::BodyReadingConfig;
use super::media_type::MediaType;
use super::refused::Refused;
use super::scan::scan;
use super::{json, multipart};

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

/// Longer bodies are read on a thread of their own: the thread of the request has others to serve.
/// These lengths take some 100 microseconds.
const PARSED_INLINE: usize = 32 << 10;
const SCANNED_INLINE: usize = 128 << 10;

impl Content {
    pub(super) async fn of(bytes: Bytes, media_type: MediaType, json: Json, limits: BodyReadingConfig) -> Result<Self, Refused> {
        let inline = if media_type == MediaType::Json && json == Json::Text { SCANNED_INLINE } else { PARSED_INLINE };
        if bytes.len() <= inline {
            return Self::parse(bytes, &media_type, json, &limits);
        }
        let task = tokio::task::spawn_blocking(move || Self::parse(bytes, &media_type, json, &limits));
        task.await.unwrap_or_else(|error| match error.try_into_panic() {
            Ok(panic) => resume_unwind(panic),
            Err(_) => Err(Refused::new(SERVICE_UNAVAILABLE, "the server is stopping")),
        })
    }

    fn parse(bytes: Bytes, media_type: &MediaType, json: Json, limits: &BodyReadingConfig) -> Result<Self, Refused> {
        match media_type {
            MediaType::Json if bytes.is_empty() => Ok(Self::Empty),
            MediaType::Json if json == Json::Text => scan(&bytes, limits.depth()).map(|()| Self::JsonText),
            MediaType::Json => json::parse(&bytes, limits.depth()).map(Self::Json),
            MediaType::UrlEncoded => Form::urlencoded(&bytes, limits).map(Self::Form),
            MediaType::Multipart(boundary) => multipart::parse(bytes, boundary, limits).map(Self::Form),
        }
    }
}
