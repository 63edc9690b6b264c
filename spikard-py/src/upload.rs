//! Files of a form as Python has them: `spikard.datastructures.UploadFile`.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::{AsRawFd, IntoRawFd};

use pyo3::prelude::*;
use pyo3::types::PyBytes;
use spikard_core::handler::{FileContent, Upload};

/// The `UploadFile` of a file.
pub(crate) fn object<'py>(class: &Bound<'py, PyAny>, upload: &Upload) -> PyResult<Bound<'py, PyAny>> {
    let py = class.py();
    let filename = upload.filename.as_deref().unwrap_or_default();
    // Values are bytes; latin-1 keeps every one of them, as in the head of a request.
    let latin_1 = |value: &http::HeaderValue| value.as_bytes().iter().copied().map(char::from).collect::<String>();
    let headers: Vec<(&str, String)> = upload.headers.iter().map(|(name, value)| (name.as_str(), latin_1(value))).collect();
    let received = pyo3::intern!(py, "_received");
    match &upload.content {
        FileContent::Memory(bytes) => class
            .call_method1(received, (filename, upload.content_type.as_deref(), headers, PyBytes::new(py, bytes), bytes.len())),
        FileContent::Disk(file, length) => {
            let descriptor = opened_anew(file)?.into_raw_fd();
            class.call_method1(received, (filename, upload.content_type.as_deref(), headers, descriptor, *length))
        }
    }
}

/// The same file with a position of its own: a form may be asked for more than once.
fn opened_anew(file: &File) -> io::Result<File> {
    let path = format!("/proc/self/fd/{}", file.as_raw_fd());
    OpenOptions::new().read(true).write(true).open(path).or_else(|_| {
        use std::io::Seek;
        // Where there is no such path, they share one position.
        let mut shared = file.try_clone()?;
        shared.rewind()?;
        Ok(shared)
    })
}
