//! What the pages of the description of the API are made of.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use spikard_middleware::coding::{Coding, preferred, vary_by_encoding};
use spikard_middleware::{Answer, Body, Request, Response, Service};
use spikard_openapi::pages::{Content, Resource, Vendored};

use super::held::is_held;

/// A resource of a page: HTML, script, style or licenses.
#[derive(Debug)]
pub(crate) struct PageResource {
    headers: HeaderMap,
    plain: Representation,
    /// None: it was not compressed when it was built. A policy may do that on the way.
    gzip: Option<Representation>,
}

#[derive(Debug)]
struct Representation {
    tag: HeaderValue,
    body: Source,
}

#[derive(Debug)]
enum Source {
    Ready(Bytes),
    /// Decompressed for the first client that needs it.
    Decompressed(&'static Vendored),
}

impl PageResource {
    /// The leaf of a resource.
    pub(crate) fn new(resource: Resource) -> Self {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(resource.media_type));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(resource.cache_control));
        for (name, value) in resource.headers {
            // The page writes them in ASCII: this does not fail.
            if let Ok(value) = HeaderValue::try_from(value) {
                headers.insert(HeaderName::from_static(name), value);
            }
        }
        let (plain, gzip) = match resource.content {
            Content::Plain(text) => (Source::Ready(text.into()), None),
            Content::Compressed(file) => {
                vary_by_encoding(&mut headers);
                (Source::Decompressed(file), Some(Source::Ready(Bytes::from_static(file.gzip))))
            }
        };
        let tag = |suffix: &str| {
            HeaderValue::try_from(format!("\"{}{suffix}\"", resource.tag)).unwrap_or(HeaderValue::from_static("\"\""))
        };
        let plain = Representation { tag: tag(""), body: plain };
        let gzip = gzip.map(|body| Representation { tag: tag("-gzip"), body });
        Self { headers, plain, gzip }
    }

    fn answer(&self, asked: &HeaderMap) -> Response {
        let gzip = self.gzip.as_ref().filter(|_| preferred(asked, &[Coding::Gzip]).is_some());
        let chosen = gzip.unwrap_or(&self.plain);
        let mut response = Response::new(Body::empty());
        *response.headers_mut() = self.headers.clone();
        response.headers_mut().insert(header::ETAG, chosen.tag.clone());
        if chosen.tag.to_str().is_ok_and(|tag| is_held(asked, tag)) {
            *response.status_mut() = StatusCode::NOT_MODIFIED;
            return response;
        }
        if gzip.is_some() {
            response.headers_mut().insert(header::CONTENT_ENCODING, HeaderValue::from_static(Coding::Gzip.token()));
        }
        let body = match &chosen.body {
            Source::Ready(body) => body.clone(),
            Source::Decompressed(file) => Bytes::from_static(file.plain()),
        };
        response.map(|_| Body::from(body))
    }
}

impl Service for PageResource {
    fn call(&self, request: Request) -> Answer<'_> {
        Box::pin(std::future::ready(self.answer(request.headers())))
    }
}

#[cfg(test)]
mod tests {
    use http::Method;
    use spikard_openapi::pages::{Page, PageSettings};

    use super::*;
    use crate::TestClient;
    use crate::testing::TestResponse;

    fn bundle() -> Resource {
        let settings = PageSettings { title: "API", path: "/docs", document: "/openapi.json", servers: &[] };
        let files = Page::SwaggerUi.resources(&settings);
        files.into_iter().find(|file| file.path.starts_with("/docs/swagger-ui-bundle.")).unwrap()
    }

    async fn get(accepted: &str, held: &str) -> TestResponse {
        let client = TestClient::new(PageResource::new(bundle()));
        let request = client.request(Method::GET, "/").header("accept-encoding", accepted);
        request.header("if-none-match", held).send().await
    }

    #[tokio::test]
    async fn a_bundle_goes_out_as_it_was_compressed() {
        let Content::Compressed(file) = bundle().content else { panic!("the bundle is not compressed") };
        let answer = get("br, gzip;q=0.5", "").await;
        assert_eq!((answer.header("content-encoding"), answer.header("vary")), ("gzip", "accept-encoding"));
        assert_eq!(answer.header("cache-control"), "max-age=31536000, immutable");
        assert!(answer.bytes()[..] == *file.gzip);
    }

    #[tokio::test]
    async fn a_client_without_gzip_gets_the_same_under_another_tag() {
        let Content::Compressed(file) = bundle().content else { panic!("the bundle is not compressed") };
        for accepted in ["", "br", "gzip;q=0"] {
            let answer = get(accepted, "").await;
            assert_eq!((answer.header("content-encoding"), answer.header("vary")), ("", "accept-encoding"), "{accepted}");
            assert!(answer.bytes()[..] == *file.plain());
            assert_ne!(answer.header("etag"), get("gzip", "").await.header("etag"));
        }
    }

    #[tokio::test]
    async fn who_has_one_representation_does_not_have_the_other() {
        let tag = get("gzip", "").await.header("etag").to_owned();
        let (same, other) = (get("gzip", &tag).await, get("identity", &tag).await);
        assert_eq!((same.status().as_u16(), same.header("etag"), same.header("content-encoding")), (304, tag.as_str(), ""));
        assert_eq!(other.status(), 200);
    }
}
