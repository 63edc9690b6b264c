//! Serves the files of a directory: a service, not a policy.
//!
//! - `GET` and `HEAD`; anything else is a 405.
//! - Conditional requests (RFC 9110 section 13) and byte ranges (section 14). Every content coding
//!   of a file has a strong entity tag of its own.
//! - A directory answers with its `index.html`. Without a slash at the end its path is sent on to
//!   the one with it (307), since the links in the page are relative to that; the router itself
//!   never does this. Directories are not listed.
//! - With `fallback`, a browser that opens a page for which there is no file gets that file.
//! - Nothing outside the directory, no file whose path has a segment that starts with a dot
//!   (`.well-known` excepted, RFC 8615), no devices, FIFOs and sockets: all of these are a 404. Paths
//!   with `.` and `..`, an encoded slash, a backslash or NUL are a 400.
//!
//! Small files that the system has in memory cost a few system calls on the thread that serves;
//! what has to wait for a disk waits on another. Files are streamed, one piece in memory.
//! Why this is not tower-http's `ServeDir`: `docs/adr/0007-static-files.md`.
//!
//! ```no_run
//! use spikard_middleware::static_files::{DirectoryConfig, StaticFiles};
//! use spikard_middleware::{BuildContext, CompressionConfig, PolicyConfig};
//!
//! let ctx = BuildContext::default();
//! let files = StaticFiles::build(&DirectoryConfig::new("./public"), &ctx)?;
//! let compression = CompressionConfig::default().layer()?;
//! let service = compression.around(std::sync::Arc::new(files));
//! # Ok::<_, spikard_middleware::BuildError>(())
//! ```

mod answer;
mod body;
mod config;
mod content_type;
mod file;
mod file_validators;
mod request_path;
mod root;

use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use http::header::{ALLOW, LOCATION};
use http::{HeaderMap, HeaderValue, Method, StatusCode};

use crate::clock::Clock;
use crate::context::{BuildContext, BuildError};
use crate::problem::{BAD_REQUEST, INTERNAL_SERVER_ERROR, METHOD_NOT_ALLOWED, NOT_FOUND, Subject};
use crate::service::{Answer, Request, Response, Service};

pub use self::config::{DirectoryConfig, StaticFilesConfig};
pub use self::file::send_file;
pub use self::request_path::RestPath;

use self::answer::Source;
use self::request_path::{FilePath, NoPath};
use self::root::{Entry, Root, Wait};

const INDEX: &str = "index.html";

/// The service that answers with the files of a directory.
#[derive(Clone)]
pub struct StaticFiles(Arc<Files>);

struct Files {
    root: Root,
    index_file: bool,
    cache_control: Option<HeaderValue>,
    fallback: Option<String>,
    precompressed: bool,
    clock: Clock,
}

impl StaticFiles {
    /// Opens the directory.
    ///
    /// # Errors
    /// When the directory or the fallback is not there, or `cache_control` is no header value.
    pub fn build(config: &DirectoryConfig, ctx: &BuildContext) -> Result<Self, BuildError> {
        let root = Root::new(ctx.path(&config.directory)).map_err(|error| {
            let directory = config.directory.display();
            ctx.unavailable("directory", format!("directory is `{directory}`, expected one that can be opened: {error}"))
        })?;
        let cache_control = config.cache_control.as_deref().map(|text| {
            HeaderValue::from_str(text).map_err(|_| {
                ctx.invalid("cache_control", format!("cache_control is `{text}`, expected directives such as `max-age=3600`"))
            })
        });
        let files = Files {
            root,
            index_file: config.index_file,
            cache_control: cache_control.transpose()?,
            fallback: config.fallback.clone(),
            precompressed: config.precompressed,
            clock: ctx.clock().clone(),
        };
        if let Some(fallback) = &config.fallback {
            let entry = files.root.folder(Wait::Allowed).and_then(|folder| files.root.entry(&folder, fallback, Wait::Allowed));
            if !matches!(entry, Ok(Some(Entry::File(..)))) {
                return Err(ctx.unavailable("fallback", format!("fallback is `{fallback}`, expected a file in the directory")));
            }
        }
        Ok(Self(Arc::new(files)))
    }
}

impl Service for StaticFiles {
    fn call(&self, request: Request) -> Answer<'_> {
        // First without waiting: nearly always the system has all that is asked for in memory.
        match self.0.answer(&request, Wait::Never) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                let files = Arc::clone(&self.0);
                Box::pin(async move {
                    let subject = Subject::of(&request);
                    let answer = tokio::task::spawn_blocking(move || files.answer(&request, Wait::Allowed)).await;
                    answer.unwrap_or_else(|error| Err(io::Error::other(error))).unwrap_or_else(|error| failed(&subject, &error))
                })
            }
            answer => {
                let response = answer.unwrap_or_else(|error| failed(&Subject::of(&request), &error));
                Box::pin(std::future::ready(response))
            }
        }
    }
}

fn failed(subject: &Subject, error: &io::Error) -> Response {
    tracing::error!(request_id = subject.request_id(), "static file cannot be read: {error}");
    INTERNAL_SERVER_ERROR.response(subject, "Internal server error")
}

/// What a path leads to.
enum Found {
    File(Source),
    /// A directory with an index file, named without a slash at the end.
    NeedsSlash,
    Nothing,
}

impl Files {
    /// # Errors
    /// [`io::ErrorKind::WouldBlock`] where it would have to wait and may not; others are defects of
    /// the system.
    fn answer(&self, request: &Request, wait: Wait) -> io::Result<Response> {
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            return Ok(not_allowed(request));
        }
        let path = match FilePath::of(request) {
            Ok(path) => path,
            Err(NoPath::Bad(detail)) => return Ok(BAD_REQUEST.response(&Subject::of(request), detail)),
            Err(NoPath::Hidden) => return Ok(not_found(request)),
        };
        let folder = self.root.folder(wait)?;
        match self.find(&folder, &path, wait)? {
            Found::File(source) => self.send(request, &folder, source, wait),
            Found::NeedsSlash => Ok(with_slash(request)),
            Found::Nothing => match self.fallback.as_deref().filter(|_| opens_page(request.headers())) {
                Some(fallback) => match self.root.entry(&folder, fallback, wait)? {
                    Some(Entry::File(open)) => {
                        let source = Source { name: fallback.to_owned(), open, is_fallback: true };
                        self.send(request, &folder, source, wait)
                    }
                    _ => Ok(not_found(request)),
                },
                None => Ok(not_found(request)),
            },
        }
    }

    fn find(&self, folder: &OwnedFd, path: &FilePath<'_>, wait: Wait) -> io::Result<Found> {
        if !path.names_directory && !path.text.is_empty() {
            match self.root.entry(folder, &path.text, wait)? {
                Some(Entry::File(open)) => {
                    let name = path.text.clone().into_owned();
                    return Ok(Found::File(Source { name, open, is_fallback: false }));
                }
                Some(Entry::Directory) => {}
                None => return Ok(Found::Nothing),
            }
        }
        if !self.index_file {
            return Ok(Found::Nothing);
        }
        let name = if path.text.is_empty() { INDEX.to_owned() } else { format!("{}/{INDEX}", path.text) };
        Ok(match self.root.entry(folder, &name, wait)? {
            Some(Entry::File(open)) if path.names_directory => Found::File(Source { name, open, is_fallback: false }),
            Some(Entry::File(..)) => Found::NeedsSlash,
            _ => Found::Nothing,
        })
    }
}

fn not_found(request: &Request) -> Response {
    NOT_FOUND.response(&Subject::of(request), "no file has this path")
}

fn not_allowed(request: &Request) -> Response {
    let detail = format!("{} is not a method of files", request.method());
    let mut response = METHOD_NOT_ALLOWED.response(&Subject::of(request), &detail);
    response.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
    response
}

/// The same place with a slash at the end. The reference is relative to the path that the client
/// knows, and starts with `./` so that no name in it is taken for a scheme or a host.
fn with_slash(request: &Request) -> Response {
    let last = request.uri().path().rsplit('/').next().unwrap_or_default();
    let query = request.uri().query().map(|query| format!("?{query}")).unwrap_or_default();
    let mut response = Response::default();
    *response.status_mut() = StatusCode::TEMPORARY_REDIRECT;
    if let Ok(location) = HeaderValue::try_from(format!("./{last}/{query}")) {
        response.headers_mut().insert(LOCATION, location);
    }
    response
}

/// Whether a browser opens a page, and does not load a part of one: by Fetch Metadata, else by the
/// media types that it takes.
fn opens_page(headers: &HeaderMap) -> bool {
    match headers.get("sec-fetch-mode") {
        Some(mode) => mode == "navigate",
        None => headers.get_all(http::header::ACCEPT).iter().any(|value| {
            value.to_str().is_ok_and(|text| text.split([',', ';']).any(|item| item.trim().eq_ignore_ascii_case("text/html")))
        }),
    }
}

#[cfg(test)]
mod tests;
