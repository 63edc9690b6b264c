//! Handlers of Python as leaves of the route table.
//!
//! A leaf is a `Service` rather than a `Handler`: `RequestData` copies path, headers, query and
//! cookies for every request, and a handler of Python names the few values that it wants.

use std::sync::Arc;

use http::request::Parts;
use spikard_core::handler::{Arriving, BodyReadingConfig, RequestBody};
use spikard_core::problem::Subject;
use spikard_core::{Answer, Request, Service};

use crate::after::After;
use crate::call::Call;
use crate::engine::Engine;
use crate::file;
use crate::panics;
use crate::route::{Checked, PythonRoute, Reading};

/// The leaf of one route.
pub(crate) struct PythonLeaf {
    pub(crate) route: Arc<PythonRoute>,
    pub(crate) engine: Arc<Engine>,
    pub(crate) limits: BodyReadingConfig,
}

impl Service for PythonLeaf {
    fn call(&self, mut request: Request) -> Answer<'_> {
        Box::pin(async move {
            panics::point("leaf");
            let read = match self.route.reading() {
                Reading::First(kind) => {
                    RequestBody::read(&mut request, kind, &self.limits, self.route.files()).await.map(|body| (body, None))
                }
                Reading::Later => Arriving::begin(&mut request).await.map(|arriving| (RequestBody::default(), Some(arriving))),
                Reading::Never => Ok((RequestBody::default(), Some(Arriving::new(std::mem::take(request.body_mut()))))),
            };
            let (body, arriving) = match read {
                Ok(read) => read,
                Err(refused) => return refused.response(&Subject::of(&request)),
            };
            let parts = Arc::new(request.into_parts().0);
            let (body, checked) = if self.route.is_slow_to_check(&body) {
                check_elsewhere(&self.route, &parts, body).await
            } else {
                let checked = self.route.check(&parts, &body);
                (body, checked)
            };
            match checked {
                Ok(values) => {
                    let after = After::of(&self.route, &self.engine, &parts);
                    let call = Call::new(&self.engine, parts, body, values, after.clone()).reading_later(arriving, self.limits);
                    let response = file::filled(self.engine.run(&self.route, call).await).await;
                    match after {
                        Some(after) => after.around(response),
                        None => response,
                    }
                }
                Err(refusal) => *refusal,
            }
        })
    }
}

/// Checks a request on a thread that has nothing else to do.
pub(crate) async fn check_elsewhere(route: &Arc<PythonRoute>, parts: &Arc<Parts>, body: RequestBody) -> (RequestBody, Checked) {
    let (route, parts) = (Arc::clone(route), Arc::clone(parts));
    let task = tokio::task::spawn_blocking(move || {
        let checked = route.check(&parts, &body);
        (body, checked)
    });
    match task.await {
        Ok(checked) => checked,
        Err(error) => std::panic::resume_unwind(Box::new(error.to_string())),
    }
}
