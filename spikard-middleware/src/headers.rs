//! Sets, adds and removes headers, of requests on their way to the leaf and of every response.
//!
//! Each side is edited in this order: `remove`, `set`, `add`; within one of them, by name. So
//! `set` replaces what is there, and `add` puts one more beside it.
//!
//! Headers that frame a message or belong to one connection (RFC 9110 section 7.6.1, RFC 9112
//! section 6) are refused at start, and so is `Host`, which decides where a request goes: the
//! server sets them, and a wrong one would let messages be smuggled.
//!
//! A header that is set here on one route is the client's own on others. To tell an upstream who
//! a client is, use the settings of `jwt_auth` and `api_key_auth`, which also keep clients from
//! sending such headers themselves.
//!
//! ```
//! use spikard_middleware::{HeadersConfig, PolicyConfig};
//! use spikard_middleware::headers::HeaderEdits;
//!
//! let response = HeaderEdits { remove: vec!["x-powered-by".into()], ..Default::default() };
//! let config = HeadersConfig { response, ..Default::default() };
//! let app: axum::Router = axum::Router::new().layer(config.layer()?);
//! # Ok::<_, spikard_middleware::BuildError>(())
//! ```

use std::collections::BTreeMap;

use http::{HeaderMap, HeaderName, HeaderValue, header};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::context::{BuildContext, BuildError, ConfigPath};
use crate::policy::PolicyConfig;
use crate::service::{Answer, Layer, Policy, Request, Service};
use crate::units;

/// Sets, adds and removes headers of requests and responses.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct HeadersConfig {
    /// What is done to requests, before anything further in sees them.
    pub request: HeaderEdits,
    /// What is done to responses, refusals included.
    pub response: HeaderEdits,
}

/// What is done to the headers of one side.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct HeaderEdits {
    /// Headers that get this value in place of any other, by name.
    pub set: BTreeMap<String, String>,
    /// Headers that get this value beside those that are there, by name.
    pub add: BTreeMap<String, String>,
    /// The names of headers that are removed.
    #[schemars(with = "Vec<units::HeaderNameText>")]
    pub remove: Vec<String>,
}

impl PolicyConfig for HeadersConfig {
    fn build(&self, ctx: &BuildContext) -> Result<Option<Layer>, BuildError> {
        let mut errors = Vec::new();
        let request = Edits::of(&self.request, &ctx.place().key("request"), &mut errors);
        let response = Edits::of(&self.response, &ctx.place().key("response"), &mut errors);
        BuildError::all(errors)?;
        let empty = request.is_empty() && response.is_empty();
        Ok((!empty).then(|| Layer::new(Headers { request, response })))
    }
}

/// The headers that the server alone sets.
const RESERVED: [HeaderName; 10] = [
    header::CONNECTION,
    header::CONTENT_LENGTH,
    header::HOST,
    HeaderName::from_static("http2-settings"),
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
];

/// Whether a header is one that the server alone sets: it frames the message, belongs to one
/// connection, or is the `Host`.
pub fn is_reserved(name: &HeaderName) -> bool {
    RESERVED.contains(name)
}

struct Edits {
    remove: Box<[HeaderName]>,
    set: Box<[(HeaderName, HeaderValue)]>,
    add: Box<[(HeaderName, HeaderValue)]>,
}

impl Edits {
    fn of(edits: &HeaderEdits, place: &ConfigPath, errors: &mut Vec<BuildError>) -> Self {
        let set = values(&edits.set, &place.key("set"), errors);
        let add = values(&edits.add, &place.key("add"), errors);
        let mut remove = Vec::new();
        for (index, written) in edits.remove.iter().enumerate() {
            let place = place.key("remove").index(index);
            match name(written) {
                Ok(name) if set.iter().any(|(other, _)| *other == name) => {
                    errors.push(invalid(place, format!("`{name}` is set, too, expected one of `set` and `remove`")));
                }
                Ok(name) => remove.push(name),
                Err(message) => errors.push(invalid(place, message)),
            }
        }
        Self { remove: remove.into(), set: set.into(), add: add.into() }
    }

    fn is_empty(&self) -> bool {
        self.remove.is_empty() && self.set.is_empty() && self.add.is_empty()
    }

    fn apply(&self, headers: &mut HeaderMap) {
        for name in &self.remove {
            headers.remove(name);
        }
        for (name, value) in &self.set {
            headers.insert(name, value.clone());
        }
        for (name, value) in &self.add {
            headers.append(name, value.clone());
        }
    }
}

fn values(
    written: &BTreeMap<String, String>,
    place: &ConfigPath,
    errors: &mut Vec<BuildError>,
) -> Vec<(HeaderName, HeaderValue)> {
    let mut headers: Vec<(HeaderName, HeaderValue)> = Vec::new();
    for (key, value) in written {
        let header = name(key).and_then(|name| {
            if headers.iter().any(|(other, _)| *other == name) {
                return Err(format!("`{key}` is there in other letters, expected each header once"));
            }
            let not_a_value = |_| format!("{value:?} is not a header value, expected visible text on one line");
            Ok((name, HeaderValue::from_str(value).map_err(not_a_value)?))
        });
        match header {
            Ok(header) => headers.push(header),
            Err(message) => errors.push(invalid(place.key(key), message)),
        }
    }
    headers
}

fn name(written: &str) -> Result<HeaderName, String> {
    let name = HeaderName::try_from(written)
        .map_err(|_| format!("{written:?} is not a header name, expected letters, digits and dashes"))?;
    if is_reserved(&name) {
        return Err(format!("`{written}` is set by the server, expected another header"));
    }
    Ok(name)
}

fn invalid(at: ConfigPath, message: String) -> BuildError {
    BuildError::Invalid { at, message }
}

struct Headers {
    request: Edits,
    response: Edits,
}

impl Policy for Headers {
    fn call<'a>(&'a self, mut request: Request, next: &'a dyn Service) -> Answer<'a> {
        self.request.apply(request.headers_mut());
        if self.response.is_empty() {
            return next.call(request);
        }
        Box::pin(async move {
            let mut response = next.call(request).await;
            self.response.apply(response.headers_mut());
            response
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::service::Response;
    use crate::testing::{layered, text};
    use axum_core::body::Body;

    fn edits(json: &str) -> HeaderEdits {
        serde_json::from_str(json).unwrap()
    }

    #[tokio::test]
    async fn removes_then_sets_then_adds_on_both_sides() {
        let both = edits(r#"{"remove": ["X-Gone"], "set": {"X-One": "new"}, "add": {"X-One": "more", "X-Two": "more"}}"#);
        let config = HeadersConfig { request: both.clone(), response: both };
        let before = [("x-gone", "a"), ("x-one", "old"), ("x-one", "older"), ("x-two", "kept")];
        let seen = |headers: &HeaderMap| {
            ["x-gone", "x-one", "x-two"]
                .map(|name| headers.get_all(name).iter().map(|value| value.to_str().unwrap()).collect::<Vec<_>>().join("+"))
        };
        let stack = layered(&config, move |request| async move {
            let mut response = http::Response::builder();
            for (name, value) in before {
                response = response.header(name, value);
            }
            response.body(Body::from(format!("{:?}", seen(request.headers())))).unwrap()
        });
        let mut request = http::Request::builder();
        for (name, value) in before {
            request = request.header(name, value);
        }
        let response: Response = stack.call(request.body(Body::empty()).unwrap()).await;
        assert_eq!(seen(response.headers()), ["", "new+more", "kept+more"]);
        assert_eq!(text(response).await, r#"["", "new+more", "kept+more"]"#);
    }

    #[test]
    fn refuses_what_frames_a_message_and_what_is_no_header() {
        for (request, expected) in [
            (
                r#"{"set": {"Content-Length": "0"}}"#,
                "request.set.Content-Length: `Content-Length` is set by the server, expected another header",
            ),
            (
                r#"{"remove": ["x", "connection"]}"#,
                "request.remove[1]: `connection` is set by the server, expected another header",
            ),
            (r#"{"add": {"a b": "c"}}"#, "request.add.a b: \"a b\" is not a header name, expected letters, digits and dashes"),
            (
                r#"{"add": {"a": "b\r\nc: d"}}"#,
                "request.add.a: \"b\\r\\nc: d\" is not a header value, expected visible text on one line",
            ),
            (r#"{"set": {"X": "1", "x": "2"}}"#, "request.set.x: `x` is there in other letters, expected each header once"),
            (r#"{"set": {"x": "1"}, "remove": ["X"]}"#, "request.remove[0]: `x` is set, too, expected one of `set` and `remove`"),
        ] {
            let config = HeadersConfig { request: edits(request), ..HeadersConfig::default() };
            assert_eq!(config.layer().map_err(|error| error.to_string()).err().as_deref(), Some(expected));
        }
    }
}
