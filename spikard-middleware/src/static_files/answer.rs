//! From an open file to the answer: which coding of it, whether the client has it already, and
//! which part of it.

use std::io;
use std::os::fd::OwnedFd;
use std::time::Duration;

use axum_core::body::Body;
use http::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG, LAST_MODIFIED, RANGE, VARY,
};
use http::{HeaderMap, HeaderValue, Method, StatusCode};

use super::Files;
use super::body::{FileBody, PIECE};
use super::content_type::content_type;
use super::file_validators::validators;
use super::root::{self, Entry, OpenFile, Wait};
use crate::coding::{Coding, preferred, vary_by_encoding};
use crate::conditions::{Validators, Verdict};
use crate::problem::{PRECONDITION_FAILED, RANGE_NOT_SATISFIABLE, Subject};
use crate::range::{Wanted, wanted};
use crate::service::{Request, Response};

/// A file to answer with.
pub(super) struct Source {
    /// The path below the root: its extension gives the media type.
    pub(super) name: String,
    pub(super) open: OpenFile,
    /// Whether it stands in for a file that is not there.
    pub(super) is_fallback: bool,
}

impl Files {
    pub(super) fn send(&self, request: &Request, folder: &OwnedFd, source: Source, wait: Wait) -> io::Result<Response> {
        let (coding, open) = match self.precompressed(request.headers(), folder, &source.name, wait)? {
            Some((coding, open)) => (Some(coding), open),
            None => (None, source.open),
        };
        let describe = |headers: &mut HeaderMap| self.describe(headers, source.is_fallback);
        let file = Offer { name: &source.name, open, coding };
        answer(request, file, describe, self.clock.wall(), wait)
    }

    /// The sibling that the client likes best, of those that are there.
    fn precompressed(
        &self,
        headers: &HeaderMap,
        folder: &OwnedFd,
        name: &str,
        wait: Wait,
    ) -> io::Result<Option<(Coding, OpenFile)>> {
        // Made once and for good, brotli is nearly always the smallest.
        let mut offered = if self.precompressed { vec![Coding::Brotli, Coding::Zstd, Coding::Gzip] } else { Vec::new() };
        while let Some(coding) = preferred(headers, &offered) {
            let extension = match coding {
                Coding::Brotli => "br",
                Coding::Zstd => "zst",
                Coding::Gzip => "gz",
            };
            if let Some(Entry::File(open)) = self.root.entry(folder, &format!("{name}.{extension}"), wait)? {
                return Ok(Some((coding, open)));
            }
            offered.retain(|other| *other != coding);
        }
        Ok(None)
    }

    /// What the settings add to a 200 and to a 304 (RFC 9110 section 15.4.5).
    fn describe(&self, headers: &mut HeaderMap, is_fallback: bool) {
        insert(headers, CACHE_CONTROL, self.cache_control.clone());
        if is_fallback {
            headers.insert(VARY, HeaderValue::from_static("accept, sec-fetch-mode"));
        }
        if self.precompressed {
            vary_by_encoding(headers);
        }
    }
}

/// A file to answer with, in the coding that was chosen.
pub(super) struct Offer<'a> {
    /// The name gives the media type.
    pub(super) name: &'a str,
    pub(super) open: OpenFile,
    pub(super) coding: Option<Coding>,
}

/// The answer with a file: whole, a part of it, or that the client has it already. `describe` adds
/// to all three.
pub(super) fn answer(
    request: &Request,
    file: Offer<'_>,
    describe: impl FnOnce(&mut HeaderMap),
    now: Duration,
    wait: Wait,
) -> io::Result<Response> {
    let Offer { name, open, coding } = file;
    let validators = validators(&open, coding);
    let mut response = Response::default();
    insert(response.headers_mut(), ETAG, validators.tag());
    insert(response.headers_mut(), LAST_MODIFIED, validators.last_modified());
    describe(response.headers_mut());
    match validators.check(request.headers()) {
        Verdict::NotModified => {
            *response.status_mut() = StatusCode::NOT_MODIFIED;
            return Ok(response);
        }
        Verdict::Failed => {
            return Ok(PRECONDITION_FAILED.response(&Subject::of(request), "the file is not the one that the request is about"));
        }
        Verdict::Proceed => {}
    }
    let size = open.size;
    let part = match part(request, &validators, size, now) {
        Wanted::Whole => 0..size,
        Wanted::Part(part) => {
            *response.status_mut() = StatusCode::PARTIAL_CONTENT;
            let range = format!("bytes {}-{}/{size}", part.start, part.end - 1);
            insert(response.headers_mut(), CONTENT_RANGE, HeaderValue::try_from(range).ok());
            part
        }
        Wanted::Nothing => return Ok(not_satisfiable(request, size)),
    };
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, content_type(name));
    headers.insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    headers.insert(CONTENT_LENGTH, (part.end - part.start).into());
    insert(headers, CONTENT_ENCODING, coding.map(|coding| HeaderValue::from_static(coding.token())));
    if request.method() == Method::HEAD {
        return Ok(response);
    }
    let body = match usize::try_from(part.end - part.start) {
        Ok(length) if length as u64 <= PIECE => Body::from(root::read(&open.file, part.start, length, wait)?),
        _ => Body::new(FileBody::new(open.file, part)),
    };
    Ok(response.map(|_| body))
}

fn part(request: &Request, validators: &Validators, size: u64, now: Duration) -> Wanted {
    let headers = request.headers();
    let field = headers.get(RANGE).filter(|_| request.method() == Method::GET).and_then(|value| value.to_str().ok());
    match field {
        Some(field) if validators.allow_range(headers, now) => wanted(field, size),
        _ => Wanted::Whole,
    }
}

fn not_satisfiable(request: &Request, size: u64) -> Response {
    let mut response = RANGE_NOT_SATISFIABLE.response(&Subject::of(request), &format!("the file has {size} bytes"));
    insert(response.headers_mut(), CONTENT_RANGE, HeaderValue::try_from(format!("bytes */{size}")).ok());
    response
}

fn insert(headers: &mut HeaderMap, name: http::HeaderName, value: Option<HeaderValue>) {
    if let Some(value) = value {
        headers.insert(name, value);
    }
}
