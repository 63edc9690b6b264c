//! A file of a form.

use http::HeaderMap;

use super::spool::FileContent;

/// A file of a form: a part with a file name, or of a type that is neither text nor JSON.
#[derive(Debug, Clone, PartialEq)]
pub struct Upload {
    /// The name of the form field, brackets and all.
    pub name: String,
    /// The file name that the client gave. It is not a path to be trusted.
    pub filename: Option<String>,
    /// The media type that the client gave.
    pub content_type: Option<String>,
    /// The header fields of the part.
    pub headers: HeaderMap,
    /// The content.
    pub content: FileContent,
}
