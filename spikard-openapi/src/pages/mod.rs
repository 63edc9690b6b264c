//! The pages that show a document: Swagger UI, Redoc and Scalar, as they are published.
//!
//! A page is a few [`Resource`]s, which know no socket: HTML, the published bundle, a short script of
//! our own that starts it, and the licenses. They name each other by relative references, so that
//! they work behind whatever prefix they are served, and nothing of another host. What a page may
//! load and do says its `Content-Security-Policy`; docs/adr/0032 has the reason for each allowance.

mod html;
mod policy;
mod vendored;

use std::hash::Hasher as _;

use siphasher::sip::SipHasher13;

pub use vendored::Vendored;

/// A page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Page {
    /// Swagger UI, from which requests can be sent.
    SwaggerUi,
    /// Redoc, for reading.
    Redoc,
    /// Scalar, for reading, and for sending requests.
    Scalar,
}

/// What a page is about. The paths are those of routes.
#[derive(Debug, Clone, Copy)]
pub struct PageSettings<'a> {
    /// The name of the API.
    pub title: &'a str,
    /// The path of the page.
    pub path: &'a str,
    /// The path of the document.
    pub document: &'a str,
    /// The URLs of the servers to which requests are sent; those of the page's own need not be here.
    pub servers: &'a [&'a str],
}

/// A thing that a browser gets with GET.
#[derive(Debug, Clone)]
pub struct Resource {
    /// Where it is.
    pub path: String,
    /// What it is.
    pub media_type: &'static str,
    /// How long it may be kept: for good, if another content has another path.
    pub cache_control: &'static str,
    /// Headers beside those that the other fields are, with lower-case names.
    pub headers: Vec<(&'static str, String)>,
    /// Another one for every content: a strong entity tag once it is quoted.
    pub tag: String,
    /// The content.
    pub content: Content,
}

/// What a resource holds.
#[derive(Debug, Clone)]
pub enum Content {
    /// As it is.
    Plain(String),
    /// A file that was compressed when it was vendored.
    Compressed(&'static Vendored),
}

/// Its path has a hash of the content in it.
const FOR_GOOD: &str = "max-age=31536000, immutable";
/// The page itself: other versions of it have the same path.
const ASK_FIRST: &str = "no-cache";

impl Page {
    /// Everything that the page is made of, itself first.
    pub fn resources(self, settings: &PageSettings<'_>) -> Vec<Resource> {
        let files: Vec<(Kind, Resource)> = self.files().into_iter().map(|file| (file.kind, file.below(settings.path))).collect();
        let html = html::page(self, settings, &files);
        let page = Resource {
            path: settings.path.to_owned(),
            media_type: "text/html; charset=utf-8",
            cache_control: ASK_FIRST,
            headers: vec![
                ("content-security-policy", policy::of(self, settings.servers)),
                ("x-content-type-options", "nosniff".to_owned()),
                ("referrer-policy", "no-referrer".to_owned()),
            ],
            tag: hash(html.as_bytes()),
            content: Content::Plain(html),
        };
        std::iter::once(page).chain(files.into_iter().map(|(_, file)| file)).collect()
    }

    /// The files beside the page. Scripts run in this order.
    fn files(self) -> Vec<File> {
        let start = |script: &str| File { name: "start.js", kind: Kind::Script, content: Content::Plain(script.to_owned()) };
        let file = |kind, file: &'static Vendored| File { name: file.name, kind, content: Content::Compressed(file) };
        match self {
            Self::SwaggerUi => vec![
                file(Kind::Style, &vendored::SWAGGER_UI_STYLE),
                start(include_str!("start/swagger-ui.js")),
                file(Kind::Script, &vendored::SWAGGER_UI),
                file(Kind::License, &vendored::SWAGGER_UI_LICENSES),
            ],
            Self::Redoc => vec![
                start(include_str!("start/redoc.js")),
                file(Kind::Module, &vendored::REDOC),
                file(Kind::License, &vendored::REDOC_LICENSES),
            ],
            Self::Scalar => vec![
                start(include_str!("start/scalar.js")),
                file(Kind::Script, &vendored::SCALAR),
                file(Kind::License, &vendored::SCALAR_LICENSES),
            ],
        }
    }
}

/// A file beside a page.
struct File {
    name: &'static str,
    kind: Kind,
    content: Content,
}

/// What a file is to its page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Style,
    Script,
    /// A script that exports something.
    Module,
    License,
}

impl File {
    /// The file below the path of its page, its name with a hash: `/docs/start.0123456789abcdef.js`.
    fn below(self, page: &str) -> Resource {
        let tag = match &self.content {
            Content::Plain(text) => hash(text.as_bytes()),
            Content::Compressed(file) => hash(file.gzip),
        };
        let (stem, extension) = self.name.rsplit_once('.').unwrap_or((self.name, "txt"));
        let media_type = match self.kind {
            Kind::Style => "text/css; charset=utf-8",
            Kind::Script | Kind::Module => "text/javascript; charset=utf-8",
            Kind::License => "text/plain; charset=utf-8",
        };
        Resource {
            path: format!("{}/{stem}.{tag}.{extension}", page.strip_suffix('/').unwrap_or(page)),
            media_type,
            cache_control: FOR_GOOD,
            headers: vec![("x-content-type-options", "nosniff".to_owned())],
            tag,
            content: self.content,
        }
    }
}

/// The same for the same content, in every process and on every machine.
fn hash(content: &[u8]) -> String {
    let mut hasher = SipHasher13::new();
    hasher.write(content);
    format!("{:016x}", hasher.finish())
}

#[cfg(test)]
mod tests;
