//! The request as a handler sees it. Nothing is made of it before somebody asks.

use std::sync::OnceLock;

use bytes::Bytes;
use http::request::Parts;
use pyo3::exceptions::PyKeyError;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBytes, PyDict, PyList};
use spikard_core::handler::{Params, cookies_of};
use spikard_core::routes::PathParams;
use spikard_core::{Client, Identity, MatchedRoute, RequestId};

use crate::json;
use crate::promise::Ready;

/// A request.
///
/// Headers, cookies and parameters are read when they are asked for. The body has been received
/// before the handler is called.
#[pyclass(frozen, module = "spikard")]
pub(crate) struct Request {
    parts: Parts,
    body: Bytes,
    query: OnceLock<Params>,
    state: PyOnceLock<Py<PyAny>>,
}

impl Request {
    pub(crate) fn new(parts: Parts, body: Bytes) -> Self {
        Self { parts, body, query: OnceLock::new(), state: PyOnceLock::new() }
    }

    pub(crate) fn parts(&self) -> &Parts {
        &self.parts
    }

    fn query(&self) -> &Params {
        self.query.get_or_init(|| Params::urlencoded(self.parts.uri.query().unwrap_or_default().as_bytes()).unwrap_or_default())
    }
}

#[pymethods]
impl Request {
    /// The method, in upper case.
    #[getter]
    fn method(&self) -> &str {
        self.parts.method.as_str()
    }

    /// The path as it was sent, without the query.
    #[getter]
    fn path(&self) -> &str {
        self.parts.uri.path()
    }

    /// The query as it was sent, without the question mark.
    #[getter]
    fn query_string(&self) -> &str {
        self.parts.uri.query().unwrap_or_default()
    }

    /// The URL that the client asked for.
    #[getter]
    fn url(&self) -> String {
        let client = self.parts.extensions.get::<Client>();
        let scheme = client.map_or("http", |client| client.scheme.as_str());
        let host = client.map_or("localhost", |client| &*client.host);
        let target = self.parts.uri.path_and_query().map_or("/", |target| target.as_str());
        format!("{scheme}://{host}{target}")
    }

    /// The path of the route, such as `/users/{id}`.
    #[getter]
    fn route(&self) -> Option<&str> {
        self.parts.extensions.get::<MatchedRoute>().map(MatchedRoute::as_str)
    }

    /// The id of the request, which its log lines and problems name.
    #[getter]
    fn request_id(&self) -> Option<&str> {
        self.parts.extensions.get::<RequestId>().map(RequestId::as_str)
    }

    /// The address of the client: of the peer, or what trusted proxies say of it.
    #[getter]
    fn client(&self) -> Option<String> {
        self.parts.extensions.get::<Client>().map(|client| client.address.to_string())
    }

    /// The header fields; names do not depend on case.
    #[getter]
    fn headers<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let pairs = PyList::empty(py);
        for (name, value) in &self.parts.headers {
            // Header values are bytes; latin-1 keeps every one of them (RFC 9110 section 5.5).
            let value: String = value.as_bytes().iter().copied().map(char::from).collect();
            pairs.append((name.as_str(), value))?;
        }
        py.import("spikard.datastructures")?.getattr("Headers")?.call_method1("received", (pairs,))
    }

    /// The first value of every parameter of the query.
    #[getter]
    fn query_params<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let values = PyDict::new(py);
        for (name, value) in self.query().iter() {
            if !values.contains(name)? {
                values.set_item(name, value)?;
            }
        }
        Ok(values)
    }

    /// Names and values of the query, in the order in which they were sent.
    #[getter]
    fn query_items<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        PyList::new(py, self.query().iter())
    }

    /// The parameters of the path, percent-decoded.
    #[getter]
    fn path_params<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let values = PyDict::new(py);
        for (name, value) in self.parts.extensions.get::<PathParams>().iter().flat_map(|params| params.iter()) {
            values.set_item(name, value)?;
        }
        Ok(values)
    }

    /// The cookies.
    #[getter]
    fn cookies<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let values = PyDict::new(py);
        for (name, value) in cookies_of(&self.parts.headers).iter() {
            if !values.contains(name)? {
                values.set_item(name, value)?;
            }
        }
        Ok(values)
    }

    /// The verified claims of the token, on routes with `jwt_auth`.
    #[getter]
    fn claims<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        let claims = self.parts.extensions.get::<Identity>().and_then(|identity| identity.claims.as_deref());
        claims.map(|claims| json::object(py, claims)).transpose()
    }

    /// The name of the API key that was presented, on routes with `api_key_auth`.
    #[getter]
    fn consumer(&self) -> Option<&str> {
        self.parts.extensions.get::<Identity>()?.consumer.as_deref()
    }

    /// A place for what belongs to this request alone.
    #[getter]
    fn state(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let state = self
            .state
            .get_or_try_init(py, || Ok::<_, PyErr>(py.import("spikard.datastructures")?.getattr("State")?.call0()?.unbind()))?;
        Ok(state.clone_ref(py))
    }

    /// The body. To be awaited.
    fn body(&self, py: Python<'_>) -> Ready {
        Ready(Ok(PyBytes::new(py, &self.body).into_any().unbind()))
    }

    /// The body as JSON. To be awaited.
    fn json(&self, py: Python<'_>) -> PyResult<Ready> {
        let decode = py.import("msgspec.json")?.getattr("decode")?;
        Ok(Ready(decode.call1((PyBytes::new(py, &self.body),)).map(Bound::unbind)))
    }

    fn __getitem__(slf: &Bound<'_, Self>, name: &str) -> PyResult<Py<PyAny>> {
        const NAMES: [&str; 10] =
            ["method", "path", "headers", "cookies", "query_params", "path_params", "state", "url", "client", "query_string"];
        if NAMES.contains(&name) { Ok(slf.getattr(name)?.unbind()) } else { Err(PyKeyError::new_err(name.to_owned())) }
    }

    fn __repr__(&self) -> String {
        format!("<Request {} {}>", self.parts.method, self.parts.uri.path())
    }
}
