//! Handlers of Python that talk over WebSockets, as leaves of the route table.
//!
//! A handler is a task like any other. What it answers the handshake with is decided while it runs:
//! `accept` opens the connection, and a handler that ends before is answered as one of HTTP.

use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::task::Poll;

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use spikard_core::handler::RequestBody;
use spikard_core::websocket::{Opening, WebSocketConfig};
use spikard_core::{Answer, Request, Response, Service};

use crate::after::After;
use crate::call::Call;
use crate::engine::Engine;
use crate::json;
use crate::route::PythonRoute;
use crate::slot::Slot;
use crate::socket::Socket;

/// The leaf of one route.
pub(crate) struct WebSocketLeaf {
    pub(crate) route: Arc<PythonRoute>,
    pub(crate) engine: Arc<Engine>,
    pub(crate) config: Arc<WebSocketConfig>,
}

/// Reads what a `_plan.Route` says of its WebSockets; none: it answers requests.
pub(crate) fn config(plan: &Bound<'_, PyAny>) -> PyResult<Option<Arc<WebSocketConfig>>> {
    if plan.getattr("kind")?.extract::<&str>()? != "websocket" {
        return Ok(None);
    }
    let config = serde_json::from_value(json::of(&plan.getattr("settings")?)?);
    config.map(|config| Some(Arc::new(config))).map_err(|error| {
        let name = plan.getattr("name").map_or_else(|_| String::new(), |name| name.to_string());
        PyValueError::new_err(format!("websocket {name}: {error}"))
    })
}

impl Service for WebSocketLeaf {
    fn call(&self, mut request: Request) -> Answer<'_> {
        Box::pin(async move {
            let opening = match Opening::of(&mut request) {
                Ok(opening) => opening,
                Err(refused) => return *refused,
            };
            let (parts, _) = request.into_parts();
            let body = RequestBody::default();
            let values = match self.route.check(&parts, &body) {
                Ok(values) => values,
                Err(refused) => return *refused,
            };
            let (acceptance, socket, connection) = opening.prepare(&self.config);
            let accepted = Slot::default();
            let engine = Arc::clone(&self.engine);
            let socket =
                Socket { engine, inner: socket, acceptance, answer: accepted.clone(), is_accepted: AtomicBool::new(false) };
            let after = After::of(&self.route, &self.engine, &parts);
            let call = Call::new(&self.engine, Arc::new(parts), body, values, after).with_socket(socket);
            let (engine, route) = (Arc::clone(&self.engine), Arc::clone(&self.route));
            let mut handler = Box::pin(async move { engine.run(&route, call).await });
            let mut ended: Option<Response> = None;
            let opened = poll_fn(|cx| {
                if let Poll::Ready(response) = handler.as_mut().poll(cx) {
                    ended = Some(response);
                }
                match accepted.poll(cx) {
                    Poll::Ready(response) => Poll::Ready(Some(response)),
                    Poll::Pending if ended.is_some() => Poll::Ready(None),
                    Poll::Pending => Poll::Pending,
                }
            });
            match (opened.await, ended) {
                (Some(opened), ended) => {
                    connection.spawn(async move {
                        if ended.is_none() {
                            // What it returns is of no use: whatever it raised is in the log.
                            drop(handler.await);
                        }
                    });
                    opened
                }
                (None, Some(response)) => response,
                (None, None) => unreachable!("one of the two is there"),
            }
        })
    }
}
