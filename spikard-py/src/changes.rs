//! What Python changes of a request's head: the objects that stand for its parts, and the way back.
//!
//! Each object is made once, when it is first asked for, so that what a hook writes into it stays.
//! Before the request is checked the objects are read again, and the head is what they say. A request
//! whose objects nobody asked for costs nothing here.

use std::sync::{Mutex, MutexGuard, PoisonError};

use http::request::Parts;
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderName, HeaderValue, Uri, header};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyString};
use spikard_core::handler::{Params, cookies_of};
use spikard_core::routes::PathParams;

use crate::respond::header_value;

/// A part of the head that Python may change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    Headers,
    Cookies,
    Path,
    Query,
}

const PARTS: usize = 4;

/// The objects that Python was given.
#[derive(Default)]
pub(crate) struct Given(Mutex<[Option<Py<PyAny>>; PARTS]>);

impl Given {
    /// The object of a part; made when it is first asked for.
    pub(crate) fn object<'py>(&self, py: Python<'py>, part: Part, parts: &Parts) -> PyResult<Bound<'py, PyAny>> {
        if let Some(found) = self.get(py, part) {
            return Ok(found);
        }
        let made = made(py, part, parts)?.unbind();
        Ok(self.lock()[part as usize].get_or_insert(made).bind(py).clone())
    }

    /// Lets another object stand for a part; without one it is made anew.
    pub(crate) fn put(&self, part: Part, object: Option<Py<PyAny>>) {
        let before = std::mem::replace(&mut self.lock()[part as usize], object);
        drop(before);
    }

    /// The head as the objects say it is, if they say anything else than `parts`.
    ///
    /// # Errors
    /// When they hold what cannot stand in a request.
    pub(crate) fn changed(&self, py: Python<'_>, parts: &Parts) -> PyResult<Option<Parts>> {
        let mut changed = None;
        if let Some(headers) = self.get(py, Part::Headers) {
            let fields = fields(&headers)?;
            if fields != parts.headers {
                let head: &mut Parts = changed.get_or_insert_with(|| parts.clone());
                head.headers = fields;
            }
        }
        if let Some(cookies) = self.get(py, Part::Cookies) {
            self.change_cookies(&cookies, parts, &mut changed)?;
        }
        if let Some(path) = self.get(py, Part::Path) {
            let values = texts(&path, "path parameter")?;
            let known = parts.extensions.get::<PathParams>();
            if !same(&values, known.iter().flat_map(|params| params.iter())) {
                let head = changed.get_or_insert_with(|| parts.clone());
                head.extensions.insert(values.into_iter().collect::<PathParams>());
            }
        }
        if let Some(query) = self.get(py, Part::Query)
            && let Some(uri) = with_query(&query, &parts.uri)?
        {
            changed.get_or_insert_with(|| parts.clone()).uri = uri;
        }
        Ok(changed)
    }

    /// Cookies are a header too: where both were changed, the cookies count.
    fn change_cookies(&self, cookies: &Bound<'_, PyAny>, parts: &Parts, changed: &mut Option<Parts>) -> PyResult<()> {
        let values = texts(cookies, "cookie")?;
        if same(&values, first_values(cookies_of(&parts.headers).iter())) {
            let header = |parts: &Parts| parts.headers.get_all(header::COOKIE).iter().cloned().collect::<Vec<_>>();
            if changed.as_ref().is_some_and(|changed| header(changed) != header(parts)) {
                self.put(Part::Cookies, None);
            }
            return Ok(());
        }
        if let Some((name, value)) = values.iter().find(|(name, value)| name.contains(['=', ';']) || value.contains(';')) {
            return Err(PyValueError::new_err(format!("cookie {name:?} is {value:?}, expected text without `;`")));
        }
        let line: Vec<String> = values.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let head = changed.get_or_insert_with(|| parts.clone());
        head.headers.insert(header::COOKIE, header_value(&line.join("; "))?);
        self.put(Part::Headers, None);
        Ok(())
    }

    fn get<'py>(&self, py: Python<'py>, part: Part) -> Option<Bound<'py, PyAny>> {
        self.lock()[part as usize].as_ref().map(|object| object.bind(py).clone())
    }

    fn lock(&self) -> MutexGuard<'_, [Option<Py<PyAny>>; PARTS]> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The object of a part, as the client sent it.
fn made<'py>(py: Python<'py>, part: Part, parts: &Parts) -> PyResult<Bound<'py, PyAny>> {
    match part {
        Part::Headers => {
            let lines = PyList::empty(py);
            for (name, value) in &parts.headers {
                lines.append((name.as_str(), latin1(value)))?;
            }
            py.import("spikard.datastructures")?.getattr("Headers")?.call_method1("received", (lines,))
        }
        Part::Cookies => dict(py, first_values(cookies_of(&parts.headers).iter())),
        Part::Path => dict(py, parts.extensions.get::<PathParams>().iter().flat_map(|params| params.iter())),
        Part::Query => dict(py, first_values(query_of(&parts.uri).iter())),
    }
}

/// Names and values of the query. One that is no text has none.
pub(crate) fn query_of(uri: &Uri) -> Params {
    Params::urlencoded(uri.query().unwrap_or_default().as_bytes()).unwrap_or_default()
}

/// A value as text: latin-1 keeps every byte (RFC 9110 section 5.5).
pub(crate) fn latin1(value: &HeaderValue) -> String {
    value.as_bytes().iter().copied().map(char::from).collect()
}

fn dict<'py, 'a>(py: Python<'py>, pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> PyResult<Bound<'py, PyAny>> {
    let dict = PyDict::new(py);
    for (name, value) in pairs {
        dict.set_item(name, value)?;
    }
    Ok(dict.into_any())
}

/// The first value of each name.
fn first_values<'a>(pairs: impl Iterator<Item = (&'a str, &'a str)>) -> Vec<(&'a str, &'a str)> {
    let mut first: Vec<(&str, &str)> = Vec::new();
    for (name, value) in pairs {
        if !first.iter().any(|(known, _)| *known == name) {
            first.push((name, value));
        }
    }
    first
}

fn same<'a>(values: &'a [(String, String)], known: impl IntoIterator<Item = (&'a str, &'a str)>) -> bool {
    values.iter().map(|(name, value)| (name.as_str(), value.as_str())).eq(known)
}

/// The fields of a `Headers` object.
fn fields(headers: &Bound<'_, PyAny>) -> PyResult<HeaderMap> {
    let mut fields = HeaderMap::new();
    for line in headers.call_method0("lines")?.try_iter()? {
        let (name, value) = line?.extract::<(String, String)>()?;
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|error| PyValueError::new_err(error.to_string()))?;
        fields.append(name, header_value(&value)?);
    }
    Ok(fields)
}

/// The names and values of a dict of texts.
fn texts(object: &Bound<'_, PyAny>, what: &str) -> PyResult<Vec<(String, String)>> {
    let pairs = object.cast::<PyDict>()?.iter();
    pairs.map(|(name, value)| Ok((text(&name, what, &name)?, text(&value, what, &name)?))).collect()
}

fn text(value: &Bound<'_, PyAny>, what: &str, name: &Bound<'_, PyAny>) -> PyResult<String> {
    let text = value.cast::<PyString>();
    let text = text.map_err(|_| PyTypeError::new_err(format!("{what} {name:?} is {value:?}, expected a str")))?;
    Ok(text.to_str()?.to_owned())
}

/// The address with the query that a dict says, if that is another one. A name whose value nobody
/// changed keeps all that were sent; a list gives it several.
fn with_query(query: &Bound<'_, PyAny>, uri: &Uri) -> PyResult<Option<Uri>> {
    let (params, mut said) = (query_of(uri), Vec::new());
    for (name, value) in query.cast::<PyDict>()? {
        let values: Vec<String> = match value.cast::<PyList>() {
            Ok(values) => values.iter().map(|value| text(&value, "query parameter", &name)).collect::<PyResult<_>>()?,
            Err(_) => vec![text(&value, "query parameter", &name)?],
        };
        said.push((text(&name, "query parameter", &name)?, values));
    }
    let known = first_values(params.iter());
    if said.len() == known.len()
        && said.iter().zip(&known).all(|((name, values), (known, value))| name == known && values.as_slice() == [*value])
    {
        return Ok(None);
    }
    for (name, values) in &mut said {
        if params.get(name).is_some_and(|first| values.as_slice() == [first]) {
            *values = params.all(name).map(str::to_owned).collect();
        }
    }
    let escaped = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
    let pairs = said.iter().flat_map(|(name, values)| values.iter().map(move |value| (name, value)));
    let pairs: Vec<String> = pairs.map(|(name, value)| format!("{}={}", escaped(name), escaped(value))).collect();
    let target = if pairs.is_empty() { uri.path().to_owned() } else { format!("{}?{}", uri.path(), pairs.join("&")) };
    let invalid = |error: &dyn std::fmt::Display| PyValueError::new_err(format!("query parameters: {error}"));
    let mut changed = uri.clone().into_parts();
    changed.path_and_query = Some(PathAndQuery::try_from(target).map_err(|error| invalid(&error))?);
    Uri::from_parts(changed).map(Some).map_err(|error| invalid(&error))
}
