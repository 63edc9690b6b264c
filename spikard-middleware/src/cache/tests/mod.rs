//! What the cache as a whole does: what it asks the leaf, and what it gives to clients.

mod bounds;
mod fetches;
mod reuse;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum_core::body::Body;
use http::HeaderMap;

use super::{CacheConfig, Caches};
use crate::clock::Clock;
use crate::context::BuildContext;
use crate::policy::PolicyConfig;
use crate::service::{Answer, Request, Response, Service};
use crate::testing::text;

/// A leaf that answers as it is told, and remembers what it was asked.
#[derive(Clone, Default)]
struct Origin(Arc<Mutex<Told>>);

#[derive(Default)]
struct Told {
    status: u16,
    fields: Vec<(&'static str, &'static str)>,
    body: &'static str,
    asked: Vec<(String, HeaderMap)>,
    /// Answers wait for a permit, if there is one.
    gate: Option<Arc<tokio::sync::Semaphore>>,
}

impl Origin {
    fn says(&self, status: u16, fields: &[(&'static str, &'static str)], body: &'static str) {
        let mut told = self.0.lock().unwrap();
        (told.status, told.fields, told.body) = (status, fields.to_vec(), body);
    }

    fn asked(&self) -> usize {
        self.0.lock().unwrap().asked.len()
    }

    fn last(&self, name: &str) -> Option<String> {
        let told = self.0.lock().unwrap();
        told.asked.last().and_then(|(_, headers)| headers.get(name)).map(|value| value.to_str().unwrap().to_owned())
    }

    fn gate(&self) -> Arc<tokio::sync::Semaphore> {
        Arc::clone(self.0.lock().unwrap().gate.insert(Arc::new(tokio::sync::Semaphore::new(0))))
    }
}

impl Service for Origin {
    fn call(&self, request: Request) -> Answer<'_> {
        let mut told = self.0.lock().unwrap();
        told.asked.push((request.method().to_string(), request.headers().clone()));
        let mut response = http::Response::builder().status(told.status);
        for (name, value) in &told.fields {
            response = response.header(*name, *value);
        }
        let (body, gate) = (Body::from(told.body), told.gate.clone());
        Box::pin(async move {
            if let Some(gate) = gate {
                gate.acquire().await.unwrap().forget();
            }
            response.body(body).unwrap()
        })
    }
}

struct Bench {
    origin: Origin,
    stack: Arc<dyn Service>,
    clock: Clock,
    caches: Caches,
}

impl Bench {
    fn new(config: CacheConfig) -> Self {
        let clock = Clock::manual(Duration::from_secs(784_111_777));
        let ctx = BuildContext::new("", clock.clone());
        let origin = Origin::default();
        let stack = config.build(&ctx).unwrap().unwrap().around(Arc::new(origin.clone()));
        Self { origin, stack, clock, caches: ctx.caches().clone() }
    }

    async fn send(&self, method: &str, path: &str, fields: &[(&str, &str)]) -> Response {
        let mut request = http::Request::builder().method(method).uri(path).header("host", "a.example");
        for (name, value) in fields {
            request = request.header(*name, *value);
        }
        self.stack.call(request.body(Body::empty()).unwrap()).await
    }

    /// Status, `Cache-Status` without the name, and body of a `GET`.
    async fn get(&self, path: &str, fields: &[(&str, &str)]) -> (u16, String, String) {
        let response = self.send("GET", path, fields).await;
        (response.status().as_u16(), said(&response), text(response).await)
    }

    fn wait(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }
}

fn said(response: &Response) -> String {
    let line = response.headers().get("cache-status").map_or("", |value| value.to_str().unwrap());
    line.strip_prefix("spikard; ").unwrap_or(line).to_owned()
}

fn seen(status: u16, said: &str, body: &str) -> (u16, String, String) {
    (status, said.to_owned(), body.to_owned())
}

const MINUTE: (&str, &str) = ("cache-control", "max-age=60");
