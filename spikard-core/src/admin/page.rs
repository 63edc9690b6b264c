//! The live page: HTML, a style and a script, all of them in the program.

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE;
use spikard_openapi::pages::{Content, Resource};

use crate::leaf::PageResource;

/// Nothing of another host, nothing inline, no frame around it.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const FILES: [(&str, &str, &str); 5] = [
    ("/", "text/html; charset=utf-8", include_str!("page/index.html")),
    ("/live.css", "text/css; charset=utf-8", include_str!("page/live.css")),
    ("/live.js", "text/javascript; charset=utf-8", include_str!("page/live.js")),
    ("/samples.js", "text/javascript; charset=utf-8", include_str!("page/samples.js")),
    ("/charts.js", "text/javascript; charset=utf-8", include_str!("page/charts.js")),
];

/// The files of the page with their paths.
pub(super) fn resources() -> Vec<(String, PageResource)> {
    let resource = |(path, media_type, text): (&str, &'static str, &str)| {
        let headers = [
            ("content-security-policy", POLICY),
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "no-referrer"),
            ("cross-origin-resource-policy", "same-origin"),
        ];
        let resource = Resource {
            path: path.to_owned(),
            media_type,
            cache_control: "no-cache",
            headers: headers.map(|(name, value)| (name, value.to_owned())).to_vec(),
            tag: tag(text),
            content: Content::Plain(text.to_owned()),
        };
        (path.to_owned(), PageResource::new(resource))
    };
    FILES.map(resource).into()
}

fn tag(text: &str) -> String {
    URL_SAFE.encode(&digest(&SHA256, text.as_bytes()).as_ref()[..9])
}
