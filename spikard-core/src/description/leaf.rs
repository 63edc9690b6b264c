//! The leaf that serves the document, as JSON or YAML: made when it is first asked for, sent with an
//! entity tag.
//!
//! Making it takes as long as thousands of requests, so it is made on a thread of its own.

use std::fmt::Write as _;
use std::future::ready;
use std::panic::resume_unwind;
use std::sync::{Arc, OnceLock};

use aws_lc_rs::digest::{SHA256, digest};
use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG};
use http::{HeaderValue, StatusCode};
use spikard_middleware::{Answer, Body, Request, Response, Service};
use tokio::task::spawn_blocking;

use super::{Api, DocumentFormat, text};
use crate::leaf::is_held;

/// An API, and its document once it was asked for.
pub(crate) struct Shared {
    api: Api,
    sent: OnceLock<[Representation; 2]>,
}

/// One form of the document, as it is sent.
struct Representation {
    body: Bytes,
    /// A strong tag with its quotes.
    tag: String,
}

impl Shared {
    pub(crate) fn new(api: Api) -> Arc<Self> {
        Arc::new(Self { api, sent: OnceLock::new() })
    }

    /// Both forms, made by the first caller.
    fn made(&self) -> &[Representation; 2] {
        self.sent.get_or_init(|| {
            let written = self.api.document();
            for remark in &written.remarks {
                tracing::warn!("API description: {remark}");
            }
            let json = Representation::of(written.value.to_string());
            [json, Representation::of(text(&written.value, DocumentFormat::Yaml))]
        })
    }
}

impl Representation {
    fn of(text: String) -> Self {
        let mut tag = String::from("\"");
        for byte in &digest(&SHA256, text.as_bytes()).as_ref()[..16] {
            // Writing to a String does not fail.
            let _ = write!(tag, "{byte:02x}");
        }
        tag.push('"');
        Self { body: text.into(), tag }
    }
}

/// Serves one form of the document.
pub(crate) struct DocumentLeaf {
    pub(crate) shared: Arc<Shared>,
    pub(crate) format: DocumentFormat,
}

impl DocumentLeaf {
    fn answer(&self, request: &Request, [json, yaml]: &[Representation; 2]) -> Response {
        let representation = match self.format {
            DocumentFormat::Json => json,
            DocumentFormat::Yaml => yaml,
        };
        let mut response = Response::new(Body::empty());
        let headers = response.headers_mut();
        // Digits and letters in quotes: this does not fail.
        headers.extend(HeaderValue::from_str(&representation.tag).ok().map(|tag| (ETAG, tag)));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        if is_held(request.headers(), &representation.tag) {
            *response.status_mut() = StatusCode::NOT_MODIFIED;
        } else {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(self.format.media_type()));
            *response.body_mut() = Body::from(representation.body.clone());
        }
        response
    }
}

impl Service for DocumentLeaf {
    fn call(&self, request: Request) -> Answer<'_> {
        if let Some(made) = self.shared.sent.get() {
            return Box::pin(ready(self.answer(&request, made)));
        }
        Box::pin(async move {
            let shared = Arc::clone(&self.shared);
            if let Err(failed) = spawn_blocking(move || _ = shared.made()).await {
                resume_unwind(failed.into_panic());
            }
            self.answer(&request, self.shared.made())
        })
    }
}

impl DocumentFormat {
    /// `application/json`, or RFC 9512.
    fn media_type(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Yaml => "application/yaml",
        }
    }
}
