//! One file that a program chose: with validators and ranges like the files of a directory, but
//! wherever it lies and whatever it is called.

use std::io;
use std::path::Path;

use super::answer::{Offer, answer};
use super::root::{self, Entry, Wait};
use crate::clock::Clock;
use crate::service::{Request, Response};

/// Answers a request with the file at `path`. Its media type is that of the path's extension.
/// Waits for the disk: for threads that may.
///
/// # Errors
/// When the file cannot be read, or is none.
///
/// ```
/// use spikard_middleware::static_files::send_file;
/// use spikard_middleware::{Body, Request};
///
/// let mut request = Request::new(Body::empty());
/// request.headers_mut().insert("range", "bytes=0-3".parse().unwrap());
/// let response = send_file(&request, "Cargo.toml".as_ref())?;
/// assert_eq!(response.status(), 206);
/// assert_eq!(response.headers()["content-length"], "4");
/// # Ok::<_, std::io::Error>(())
/// ```
pub fn send_file(request: &Request, path: &Path) -> io::Result<Response> {
    match root::open(path)? {
        Some(Entry::File(open)) => {
            let file = Offer { name: &path.to_string_lossy(), open, coding: None };
            answer(request, file, |_| (), Clock::system().wall(), Wait::Allowed)
        }
        Some(Entry::Directory) | None => Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a file")),
    }
}
