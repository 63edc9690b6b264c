//! The request as a handler sees it. Nothing is made of it before somebody asks.
//!
//! Hooks may change headers, cookies, parameters and body; `take_changes` makes that the request.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use http::request::Parts;
use pyo3::exceptions::{PyKeyError, PyTypeError};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyByteArray, PyBytes, PyDict, PyList, PyMemoryView, PyString, PyTuple};
use spikard_core::{Client, ClientCertificate, Identity, MatchedRoute, RequestId};

use crate::asked;
use crate::body;
use crate::changes::{Given, Part, query_of};
use crate::engine::Engine;
use crate::json;
use crate::request_stream::RequestStream;
use crate::source::Source;

/// A request.
///
/// Headers, cookies and parameters are read when they are asked for, and so is the body, unless
/// arguments of the handler are made of it.
#[pyclass(frozen, module = "spikard")]
pub(crate) struct Request {
    now: Mutex<Now>,
    engine: Arc<Engine>,
    given: Given,
    state: PyOnceLock<Py<PyAny>>,
}

/// What a request is, as far as it may change.
struct Now {
    parts: Arc<Parts>,
    body: Arc<Source>,
    body_is_new: bool,
}

/// What can be asked for as an item, too.
const ITEMS: [&str; 16] = [
    "method",
    "path",
    "query_string",
    "url",
    "route",
    "request_id",
    "client",
    "headers",
    "cookies",
    "query_params",
    "query_items",
    "path_params",
    "claims",
    "consumer",
    "client_certificate",
    "state",
];

impl Request {
    pub(crate) fn new(parts: Arc<Parts>, body: Arc<Source>, engine: Arc<Engine>) -> Self {
        let now = Mutex::new(Now { parts, body, body_is_new: false });
        Self { now, engine, given: Given::default(), state: PyOnceLock::new() }
    }

    /// The head of the request.
    pub(crate) fn parts(&self) -> Arc<Parts> {
        Arc::clone(&self.now().parts)
    }

    /// Where the body comes from now.
    pub(crate) fn source(&self) -> Arc<Source> {
        Arc::clone(&self.now().body)
    }

    /// Makes what Python has changed the request. False if it changed nothing since the last time.
    ///
    /// # Errors
    /// When it made of the request what no request can be.
    pub(crate) fn take_changes(&self, py: Python<'_>) -> PyResult<bool> {
        let changed = self.given.changed(py, &self.parts())?;
        let mut now = self.now();
        let has_changed = std::mem::take(&mut now.body_is_new) || changed.is_some();
        if let Some(parts) = changed {
            now.parts = Arc::new(parts);
        }
        Ok(has_changed)
    }

    fn part<'py>(&self, py: Python<'py>, part: Part) -> PyResult<Bound<'py, PyAny>> {
        self.given.object(py, part, &self.parts())
    }

    fn put_dict(&self, part: Part, values: &Bound<'_, PyAny>) -> PyResult<()> {
        let dict = values.py().get_type::<PyDict>().call1((values,))?;
        self.given.put(part, Some(dict.unbind()));
        Ok(())
    }

    fn now(&self) -> MutexGuard<'_, Now> {
        self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[allow(clippy::unused_self)] // methods of Python have one
#[pymethods]
impl Request {
    /// The method, in upper case.
    #[getter]
    fn method<'py>(&self, py: Python<'py>) -> Bound<'py, PyString> {
        PyString::new(py, self.parts().method.as_str())
    }

    /// The path as it was sent, without the query.
    #[getter]
    fn path<'py>(&self, py: Python<'py>) -> Bound<'py, PyString> {
        PyString::new(py, self.parts().uri.path())
    }

    /// The query as it was sent, without the question mark.
    #[getter]
    fn query_string<'py>(&self, py: Python<'py>) -> Bound<'py, PyString> {
        PyString::new(py, self.parts().uri.query().unwrap_or_default())
    }

    /// The URL that the client asked for.
    #[getter]
    fn url(&self) -> String {
        let parts = self.parts();
        let client = parts.extensions.get::<Client>();
        let scheme = client.map_or("http", |client| client.scheme.as_str());
        let host = client.map_or("localhost", |client| &*client.host);
        let target = parts.uri.path_and_query().map_or("/", |target| target.as_str());
        format!("{scheme}://{host}{target}")
    }

    /// The path of the route, such as `/users/{id}`.
    #[getter]
    fn route(&self) -> Option<String> {
        self.parts().extensions.get::<MatchedRoute>().map(|route| route.as_str().to_owned())
    }

    /// The id of the request, which its log lines and problems name.
    #[getter]
    fn request_id(&self) -> Option<String> {
        self.parts().extensions.get::<RequestId>().map(|id| id.as_str().to_owned())
    }

    /// The address of the client: of the peer, or what trusted proxies say of it.
    #[getter]
    fn client(&self) -> Option<String> {
        self.parts().extensions.get::<Client>().map(|client| client.address.to_string())
    }

    /// The header fields; names do not depend on case.
    #[getter]
    fn headers<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.part(py, Part::Headers)
    }

    #[setter]
    fn set_headers(&self, values: &Bound<'_, PyAny>) -> PyResult<()> {
        let headers = values.py().import("spikard.datastructures")?.getattr("Headers")?.call1((values,))?;
        self.given.put(Part::Headers, Some(headers.unbind()));
        Ok(())
    }

    /// The first value of every parameter of the query.
    #[getter]
    fn query_params<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.part(py, Part::Query)
    }

    #[setter]
    fn set_query_params(&self, values: &Bound<'_, PyAny>) -> PyResult<()> {
        self.put_dict(Part::Query, values)
    }

    /// Names and values of the query, in the order in which they were sent.
    #[getter]
    fn query_items<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        PyList::new(py, query_of(&self.parts().uri).iter())
    }

    /// The parameters of the path, percent-decoded.
    #[getter]
    fn path_params<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.part(py, Part::Path)
    }

    #[setter]
    fn set_path_params(&self, values: &Bound<'_, PyAny>) -> PyResult<()> {
        self.put_dict(Part::Path, values)
    }

    /// The cookies.
    #[getter]
    fn cookies<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.part(py, Part::Cookies)
    }

    #[setter]
    fn set_cookies(&self, values: &Bound<'_, PyAny>) -> PyResult<()> {
        self.put_dict(Part::Cookies, values)
    }

    /// The verified claims of the token, on routes with `jwt_auth`.
    #[getter]
    fn claims<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        let parts = self.parts();
        let claims = parts.extensions.get::<Identity>().and_then(|identity| identity.claims.as_deref());
        claims.map(|claims| json::object(py, claims)).transpose()
    }

    /// The name of the API key that was presented, on routes with `api_key_auth`.
    #[getter]
    fn consumer(&self) -> Option<String> {
        self.parts().extensions.get::<Identity>()?.consumer.as_deref().map(str::to_owned)
    }

    /// The certificate that the client has shown on the connection, with `tls.client_auth`.
    #[getter]
    fn client_certificate<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        let parts = self.parts();
        let Some(shown) = parts.extensions.get::<Arc<ClientCertificate>>() else { return Ok(None) };
        let class = py.import(intern!(py, "spikard.datastructures"))?.getattr("ClientCertificate")?;
        let names = shown.names.iter().map(|name| (name.kind, name.value.as_str()));
        let names = PyTuple::new(py, names.collect::<Vec<_>>())?;
        class.call1((&shown.subject, names, &shown.serial, &shown.fingerprint, PyBytes::new(py, &shown.der))).map(Some)
    }

    /// A place for what belongs to this request alone.
    #[getter]
    fn state(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let state = self
            .state
            .get_or_try_init(py, || Ok::<_, PyErr>(py.import("spikard.datastructures")?.getattr("State")?.call0()?.unbind()))?;
        Ok(state.clone_ref(py))
    }

    /// The body. To be awaited; in a function that is not async, the bytes themselves.
    fn body<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let source = self.source();
        asked::answer(py, &self.engine, async move { source.whole().await }, |py, bytes| Ok(PyBytes::new(py, &bytes).into_any()))
    }

    /// The body as JSON. To be awaited; in a function that is not async, the value itself.
    fn json<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let source = self.source();
        asked::answer(py, &self.engine, async move { source.json().await }, |py, bytes| {
            py.import("msgspec.json")?.getattr("decode")?.call1((PyBytes::new(py, &bytes),))
        })
    }

    /// The body as a form: a dict of its fields, with an `UploadFile` for each file. To be awaited;
    /// in a function that is not async, the dict itself.
    fn form<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let (source, head) = (self.source(), self.parts());
        asked::answer(py, &self.engine, async move { source.form(&head).await }, |py, form| body::plain_form(py, &form))
    }

    /// The body in pieces, as they arrive: an asynchronous iterator of bytes.
    fn stream(&self) -> RequestStream {
        RequestStream::new(self.source(), Arc::clone(&self.engine))
    }

    /// Puts another body in the place of the one that came.
    fn set_body(&self, content: &Bound<'_, PyAny>) -> PyResult<()> {
        let py = content.py();
        let (body, is_json) = if let Ok(text) = content.cast::<PyString>() {
            (Bytes::copy_from_slice(text.to_str()?.as_bytes()), false)
        } else if let Ok(bytes) = content.cast::<PyBytes>() {
            (Bytes::copy_from_slice(bytes.as_bytes()), false)
        } else if content.is_instance_of::<PyByteArray>() || content.is_instance_of::<PyMemoryView>() {
            (Bytes::from(content.extract::<Vec<u8>>()?), false)
        } else {
            let text = py.import("spikard._encoding")?.getattr("encode")?.call1((content,))?;
            (Bytes::copy_from_slice(text.cast::<PyBytes>()?.as_bytes()), true)
        };
        let headers = self.headers(py)?;
        headers.call_method1("pop", ("transfer-encoding", py.None()))?;
        headers.set_item("content-length", body.len().to_string())?;
        if is_json {
            headers.set_item("content-type", "application/json")?;
        }
        let mut now = self.now();
        (now.body, now.body_is_new) = (now.body.replaced(body), true);
        Ok(())
    }

    fn __getitem__<'py>(slf: &Bound<'py, Self>, name: &str) -> PyResult<Bound<'py, PyAny>> {
        if ITEMS.contains(&name) { slf.getattr(name) } else { Err(PyKeyError::new_err(name.to_owned())) }
    }

    fn __setitem__(slf: &Bound<'_, Self>, name: &str, value: &Bound<'_, PyAny>) -> PyResult<()> {
        match name {
            "headers" | "cookies" | "query_params" | "path_params" => slf.setattr(name, value),
            _ if ITEMS.contains(&name) => Err(PyTypeError::new_err(format!("{name} of a request cannot be changed"))),
            _ => Err(PyKeyError::new_err(format!("{name}: what a request carries with it belongs in request.state"))),
        }
    }

    fn __contains__(&self, name: &str) -> bool {
        ITEMS.contains(&name)
    }

    fn __iter__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        Ok(self.keys(py)?.try_iter()?.into_any())
    }

    fn __len__(&self) -> usize {
        ITEMS.len()
    }

    /// The names of the items.
    fn keys<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        PyTuple::new(py, ITEMS)
    }

    /// An item, or `default` where there is none of the name.
    #[pyo3(signature = (name, default=None))]
    fn get<'py>(slf: &Bound<'py, Self>, name: &str, default: Option<Bound<'py, PyAny>>) -> PyResult<Option<Bound<'py, PyAny>>> {
        if ITEMS.contains(&name) { slf.getattr(name).map(Some) } else { Ok(default) }
    }

    fn __repr__(&self) -> String {
        let parts = self.parts();
        format!("<Request {} {}>", parts.method, parts.uri.path())
    }
}
