//! Bodies of requests as arguments: checked by their schema, decoded by the decoder of their type.
//!
//! The schema is the judge. Where the decoder refuses everything that the schema refuses, it reads
//! the bytes first, and the schema is asked only for the list of errors; otherwise the schema goes
//! first.

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBytes, PyDict, PyList, PyString};
use serde_json::Value;
use spikard_core::handler::{Content, Form, RequestBody, Upload};
use spikard_core::problem::{Subject, UNSUPPORTED_MEDIA_TYPE, VALIDATION_ERROR};
use spikard_core::validation::{Location, Schema, Violation, coerce, refuse};
use spikard_core::{BodyKind, Response};

use crate::json;
use crate::upload;

/// The body that a function wants: `_plan.Body`.
pub(crate) struct Body {
    pub(crate) names: Vec<Py<PyString>>,
    pub(crate) spread: bool,
    kind: Kind,
    schema: Option<Schema>,
    decode: Option<Py<PyAny>>,
    convert: Option<Py<PyAny>>,
    exact: bool,
    required: bool,
    default: Py<PyAny>,
    factory: Option<Py<PyAny>>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Json,
    Form,
    Bytes,
}

/// Why there is no argument.
pub(crate) enum Refused {
    /// The request is at fault.
    Request(Vec<Violation>),
    /// The same, said by validators of Python: a list of errors.
    Errors(Value),
    /// Something else was raised.
    Raised(PyErr),
}

impl From<PyErr> for Refused {
    fn from(error: PyErr) -> Self {
        Self::Raised(error)
    }
}

/// Reads a `_plan.Body`, if there is one.
pub(crate) fn read(plan: &Bound<'_, PyAny>) -> PyResult<Option<Body>> {
    if plan.is_none() {
        return Ok(None);
    }
    let some = |name: &str| Ok::<_, PyErr>(plan.getattr(name)?.extract::<Option<Py<PyAny>>>()?);
    let schema = some("schema")?.map(|schema| {
        let schema = json::of(schema.bind(plan.py()))?;
        Schema::compile(&schema).map_err(|error| PyValueError::new_err(error.to_string()))
    });
    let kind = plan.getattr("kind")?.cast_into::<PyString>()?;
    Ok(Some(Body {
        names: plan.getattr("names")?.extract()?,
        spread: plan.getattr("spread")?.extract()?,
        kind: match kind.to_str()? {
            "form" => Kind::Form,
            "bytes" => Kind::Bytes,
            _ => Kind::Json,
        },
        schema: schema.transpose()?,
        decode: some("decode")?,
        convert: some("convert")?,
        exact: plan.getattr("exact")?.extract()?,
        required: plan.getattr("required")?.extract()?,
        default: plan.getattr("default")?.unbind(),
        factory: some("default_factory")?,
    }))
}

impl Body {
    /// What is to be read of the request.
    pub(crate) fn kind(&self) -> BodyKind {
        match self.kind {
            Kind::Json | Kind::Form => BodyKind::JsonText,
            Kind::Bytes => BodyKind::Raw,
        }
    }

    /// Refuses a body of a type that the function does not take.
    pub(crate) fn refused_type(&self, body: &RequestBody, subject: &Subject) -> Option<Response> {
        let is_json = matches!(body.content, Content::JsonText | Content::Json(_));
        (self.kind == Kind::Form && is_json).then(|| UNSUPPORTED_MEDIA_TYPE.response(subject, "Unsupported media type"))
    }

    /// Whether the schema reads the body before the decoder does.
    pub(crate) fn is_checked_first(&self, body: &RequestBody) -> bool {
        self.schema.is_some() && (!self.exact || matches!(body.content, Content::Form(_)))
    }

    /// What can be said against a body without Python. With `all`, everything that its schema can
    /// say; without, nothing that the decoder finds anyway.
    pub(crate) fn violations(&self, body: &RequestBody, all: bool) -> Vec<Violation> {
        match &body.content {
            Content::Empty if self.required && self.kind != Kind::Bytes => {
                vec![Violation::missing(Location::body(), Value::Null)]
            }
            Content::JsonText if all || !self.exact => match &self.schema {
                Some(schema) => schema.violations_in(&body.bytes, &Location::body()),
                None => Vec::new(),
            },
            Content::Form(form) => match &self.schema {
                Some(schema) => schema.violations(&coerce(with_places(&form.fields, &form.files), schema), &Location::body()),
                None => Vec::new(),
            },
            _ => Vec::new(),
        }
    }

    /// The argument, or what it is taken apart from. None if there is no body.
    pub(crate) fn argument<'py>(&self, py: Python<'py>, body: &RequestBody) -> Result<Bound<'py, PyAny>, Refused> {
        match &body.content {
            Content::JsonText => match &self.decode {
                Some(decode) => {
                    let text = PyBytes::new(py, &body.bytes);
                    decode.bind(py).call1((text,)).map_err(|error| self.blame(py, body, error))
                }
                None => untyped(py, body).map_err(Refused::Raised),
            },
            Content::Form(form) => {
                let fields = match &self.schema {
                    Some(schema) => coerce(with_places(&form.fields, &form.files), schema),
                    None => with_places(&form.fields, &form.files),
                };
                let fields = json::value(py, &fields)?;
                put_files(&fields, &form.files)?;
                match &self.convert {
                    Some(convert) => convert.bind(py).call1((fields,)).map_err(|error| self.blame(py, body, error)),
                    None => Ok(fields),
                }
            }
            _ if self.kind == Kind::Bytes => Ok(PyBytes::new(py, &body.bytes).into_any()),
            _ if self.spread => {
                let decode = self.decode.as_ref().ok_or_else(|| PyValueError::new_err("a body without a decoder"))?;
                decode.bind(py).call1((PyBytes::new(py, b"{}"),)).map_err(|error| self.blame(py, body, error))
            }
            _ => match &self.factory {
                Some(factory) => Ok(factory.bind(py).call0()?),
                None => Ok(self.default.bind(py).clone()),
            },
        }
    }

    /// Why a decoder refused: the schema's errors, else what the decoder says, else its exception.
    fn blame(&self, py: Python<'_>, body: &RequestBody, error: PyErr) -> Refused {
        let violations = self.violations(body, true);
        if !violations.is_empty() {
            return Refused::Request(violations);
        }
        Refused::said(py, error, &["body"], None)
    }
}

impl Refused {
    /// What an exception says of the value at a place of the request; the exception, if it says nothing.
    pub(crate) fn said(py: Python<'_>, error: PyErr, place: &[&str], value: Option<&Bound<'_, PyAny>>) -> Self {
        let said = py
            .import("spikard._refusals")
            .and_then(|module| module.getattr("errors")?.call1((error.value(py), place.to_vec(), value)));
        match said {
            Ok(errors) if errors.is_none() => Self::Raised(error),
            Ok(errors) => json::of(&errors).map_or_else(Self::Raised, Self::Errors),
            Err(second) => Self::Raised(second),
        }
    }

    /// The answer for a request that is at fault; the exception otherwise.
    pub(crate) fn response(self, subject: &Subject) -> Result<Response, PyErr> {
        match self {
            Self::Request(violations) => Ok(refuse(&violations, subject)),
            Self::Errors(errors) => {
                let count = errors.as_array().map_or(1, Vec::len);
                let noun = if count == 1 { "error" } else { "errors" };
                Ok(VALIDATION_ERROR.with_errors(subject, &format!("{count} validation {noun} in request"), Some(errors)))
            }
            Self::Raised(error) => Err(error),
        }
    }
}

/// A body as plain objects.
pub(crate) fn untyped<'py>(py: Python<'py>, body: &RequestBody) -> PyResult<Bound<'py, PyAny>> {
    match &body.content {
        Content::JsonText => {
            static DECODE: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
            DECODE.import(py, "msgspec.json", "decode")?.call1((PyBytes::new(py, &body.bytes),))
        }
        Content::Form(form) => plain_form(py, form),
        Content::Json(value) => json::value(py, value),
        Content::Raw => Ok(PyBytes::new(py, &body.bytes).into_any()),
        Content::Unread | Content::Empty => Ok(py.None().into_bound(py)),
    }
}

/// A form as a dictionary.
pub(crate) fn plain_form<'py>(py: Python<'py>, form: &Form) -> PyResult<Bound<'py, PyAny>> {
    let fields = json::value(py, &with_places(&form.fields, &form.files))?;
    put_files(&fields, &form.files)?;
    Ok(fields)
}

/// The name of a field of files, and whether it is a list whatever the number of files.
fn field(upload: &Upload) -> (&str, bool) {
    upload.name.strip_suffix("[]").map_or((&upload.name, false), |name| (name, true))
}

/// The fields of a form with empty texts where its files belong.
fn with_places(fields: &Value, files: &[Upload]) -> Value {
    let mut fields = fields.clone();
    let Value::Object(table) = &mut fields else { return fields };
    for file in files {
        let (name, listed) = field(file);
        let place = Value::String(String::new());
        match table.get_mut(name) {
            None if listed => drop(table.insert(name.to_owned(), Value::Array(vec![place]))),
            None => drop(table.insert(name.to_owned(), place)),
            Some(Value::Array(places)) => places.push(place),
            Some(single) => *single = Value::Array(vec![single.take(), place]),
        }
    }
    fields
}

/// Puts files in their places.
fn put_files(fields: &Bound<'_, PyAny>, files: &[Upload]) -> PyResult<()> {
    static CLASS: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let py = fields.py();
    if files.is_empty() {
        return Ok(());
    }
    let class = CLASS.import(py, "spikard.datastructures", "UploadFile")?;
    let fields = fields.cast::<PyDict>()?;
    let mut names: Vec<&str> = files.iter().map(|file| field(file).0).collect();
    names.dedup();
    for name in names {
        let mut made = Vec::new();
        for file in files.iter().filter(|file| field(file).0 == name) {
            made.push(upload::object(class, file)?);
        }
        match (fields.get_item(name)?, made.len()) {
            (Some(place), _) if place.is_instance_of::<PyList>() => fields.set_item(name, PyList::new(py, made)?)?,
            (_, 1) => fields.set_item(name, &made[0])?,
            _ => fields.set_item(name, PyList::new(py, made)?)?,
        }
    }
    Ok(())
}
