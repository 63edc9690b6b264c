//! A leaf of one's own that gets its request as data: a list of notes, kept in memory.
//!
//! `cargo run -p spikard-core --example handler` sends it some requests and prints the answers.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Mutex, PoisonError};

use http::{Request, Response, StatusCode};
use spikard_core::{App, Body, BodyKind, Handler, HandlerResult, RequestData, RouteConfig, ServerConfig, TestClient};

#[derive(Default)]
struct AddNote {
    notes: Mutex<Vec<String>>,
}

impl Handler for AddNote {
    fn call(
        &self,
        _request: Request<Body>,
        request_data: RequestData,
    ) -> Pin<Box<dyn Future<Output = HandlerResult> + Send + '_>> {
        Box::pin(async move {
            let Some(text) = request_data.body.value().and_then(|body| body["text"].as_str()) else {
                return Err((StatusCode::UNPROCESSABLE_ENTITY, "a note without text".into()));
            };
            let author = request_data.cookies.get("author").unwrap_or("nobody");
            let mut notes = self.notes.lock().unwrap_or_else(PoisonError::into_inner);
            notes.push(format!("{author}: {text}"));
            Ok(Response::new(Body::from(notes.join("\n"))))
        })
    }

    fn body_kind(&self) -> BodyKind {
        BodyKind::Json
    }
}

#[tokio::main]
async fn main() -> Result<(), spikard_core::BuildError> {
    let route = RouteConfig { path: "/notes".into(), methods: vec!["POST".into()], ..Default::default() };
    let client = TestClient::new(App::new(ServerConfig::default()).handler(route, AddNote::default()).gateway()?);

    let requests = [
        client.post("/notes").header("cookie", "author=Ada").json(&serde_json::json!({"text": "as JSON"})),
        client.post("/notes").header("content-type", "application/x-www-form-urlencoded").body("text=as+a+form"),
        client.post("/notes").header("content-type", "text/plain").body("as text"),
        client.post("/notes").body("{\"text\": 1, \"text\": 2}"),
        client.post("/notes").json(&serde_json::json!({})),
    ];
    for request in requests {
        let response = request.send().await;
        println!("{}\n{}\n", response.status(), response.text());
    }
    Ok(())
}
