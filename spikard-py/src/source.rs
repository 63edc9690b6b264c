//! The body of a request as a handler asks for it: whole, in pieces, or as a form.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use http::request::Parts;
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use spikard_core::handler::{Arriving, BodyReadingConfig, Content, FileRules, Form, Refused, RequestBody, scan};
use spikard_core::{Body, BodyKind, Request};
use tokio::sync::Mutex;

/// Where a body comes from. Who asks while another one reads waits.
pub(crate) struct Source {
    state: Mutex<State>,
    limits: BodyReadingConfig,
    /// What the files of a form may be, where that was said.
    files: OnceLock<FileRules>,
}

struct State {
    body: Arriving,
    form: Option<Form>,
    made: Made,
}

/// What was made of the body first.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Made {
    Nothing,
    Whole,
    Pieces,
    Form,
}

/// Why there is no body.
pub(crate) enum Unread {
    /// It cannot be read.
    Refused(Refused),
    /// It went another way.
    Gone(&'static str),
}

impl From<Refused> for Unread {
    fn from(refused: Refused) -> Self {
        Self::Refused(refused)
    }
}

impl Unread {
    /// The exception that a handler gets; an `HTTPException` for what the client is to be answered.
    pub(crate) fn raised(self, py: Python<'_>) -> PyErr {
        let refused = match self {
            Self::Gone(how) => return PyRuntimeError::new_err(how),
            Self::Refused(refused) => refused,
        };
        let exception = py
            .import("spikard.exceptions")
            .and_then(|module| module.getattr("HTTPException")?.call1((refused.status().as_u16(), refused.detail())));
        exception.map_or_else(|error| error, PyErr::from_value)
    }
}

impl Source {
    /// What was read of a body for the arguments of a handler, or what still arrives.
    pub(crate) fn of(body: &RequestBody, arriving: Option<Arriving>, limits: BodyReadingConfig) -> Arc<Self> {
        // The bytes of a form with files are not kept.
        let form = match &body.content {
            Content::Form(form) if body.bytes.is_empty() && !form.is_empty() => Some(form.clone()),
            _ => None,
        };
        let made = if form.is_some() { Made::Form } else { Made::Nothing };
        let body = arriving.unwrap_or_else(|| Arriving::new(Body::from(body.bytes.clone())));
        Arc::new(Self { state: Mutex::new(State { body, form, made }), limits, files: OnceLock::new() })
    }

    /// Another body in the place of this one, under the same rules.
    pub(crate) fn replaced(&self, bytes: Bytes) -> Arc<Self> {
        let source = Self::of_bytes(bytes, self.limits);
        if let Some(files) = self.files.get() {
            source.hold_files_to(files);
        }
        source
    }

    /// Holds the files of a form to the rules of a route, whoever asks for the form first.
    pub(crate) fn hold_files_to(&self, files: &FileRules) {
        let _first = self.files.set(files.clone());
    }

    /// A body that is there.
    pub(crate) fn of_bytes(bytes: Bytes, limits: BodyReadingConfig) -> Arc<Self> {
        Self::of(&RequestBody { bytes, ..RequestBody::default() }, None, limits)
    }

    /// Waits for the whole body.
    pub(crate) async fn whole(&self) -> Result<Bytes, Unread> {
        let mut state = self.state.lock().await;
        loop {
            if let Some(whole) = state.complete() {
                return whole;
            }
            state.body.whole().await?;
        }
    }

    /// Waits for the whole body, which must be JSON.
    pub(crate) async fn json(&self) -> Result<Bytes, Unread> {
        let bytes = self.whole().await?;
        scan(&bytes, self.limits.json_depth)?;
        Ok(bytes)
    }

    /// Waits for the next piece of a stream; none after the last.
    pub(crate) async fn piece(self: Arc<Self>, begun: Arc<AtomicBool>) -> Result<Option<Piece>, Unread> {
        let mut state = self.state.lock().await;
        let first = !begun.swap(true, Ordering::Relaxed);
        if first {
            state.begin_pieces()?;
        }
        if state.made == Made::Whole {
            // It stays for those who ask for all of it once more.
            let whole = state.body.complete().filter(|bytes| first && !bytes.is_empty());
            return Ok(whole.map(|bytes| Piece { of: None, bytes: Some(bytes) }));
        }
        let bytes = state.body.piece().await?;
        drop(state);
        Ok(bytes.map(|bytes| Piece { of: Some(self), bytes: Some(bytes) }))
    }

    /// Waits for what the body is as a form.
    pub(crate) async fn form(&self, head: &Parts) -> Result<Form, Unread> {
        if let Some(form) = &self.state.lock().await.form {
            return Ok(form.clone());
        }
        let free = FileRules::default();
        match self.read(head, BodyKind::JsonText, self.files.get().unwrap_or(&free)).await?.content {
            Content::Form(form) => Ok(form),
            Content::Empty => Ok(Form::default()),
            _ => Err(Refused::unsupported_media_type().into()),
        }
    }

    /// Waits for what a handler's arguments are made of.
    pub(crate) async fn read(&self, head: &Parts, kind: BodyKind, files: &FileRules) -> Result<RequestBody, Unread> {
        let mut state = self.state.lock().await;
        let mut request = Request::from_parts(head.clone(), Body::empty());
        let is_in_pieces = RequestBody::is_read_in_pieces(&request, kind);
        if let (true, Made::Form, Some(form)) = (is_in_pieces, state.made, &state.form) {
            // A hook asked for it before, or changed something beside it since.
            return Ok(RequestBody { bytes: Bytes::new(), content: Content::Form(form.clone()) });
        }
        if is_in_pieces && state.made == Made::Nothing {
            state.made = Made::Form;
            *request.body_mut() = Body::new(std::mem::take(&mut state.body));
        } else {
            drop(state);
            *request.body_mut() = Body::from(self.whole().await?);
            state = self.state.lock().await;
        }
        let body = RequestBody::read(&mut request, kind, &self.limits, files).await?;
        if let Content::Form(form) = &body.content {
            state.form = Some(form.clone());
        }
        Ok(body)
    }
}

impl State {
    fn complete(&mut self) -> Option<Result<Bytes, Unread>> {
        match self.made {
            Made::Nothing | Made::Whole => {
                let bytes = self.body.complete()?;
                self.made = Made::Whole;
                Some(Ok(bytes))
            }
            Made::Pieces => Some(Err(Unread::Gone("the body was consumed by stream(), expected body() before it"))),
            Made::Form => Some(Err(Unread::Gone("the body was read as a form with files, expected form()"))),
        }
    }

    fn begin_pieces(&mut self) -> Result<(), Unread> {
        match self.made {
            Made::Nothing => {
                self.made = Made::Pieces;
                Ok(())
            }
            Made::Whole => Ok(()),
            Made::Pieces => Err(Unread::Gone("the body was consumed by stream(), expected one stream() of a request")),
            Made::Form => Err(Unread::Gone("the body was read as a form, expected form()")),
        }
    }
}

/// A piece of a body on its way to a handler. One that nobody takes is put back.
pub(crate) struct Piece {
    of: Option<Arc<Source>>,
    bytes: Option<Bytes>,
}

impl Piece {
    pub(crate) fn take(mut self) -> Bytes {
        self.bytes.take().unwrap_or_default()
    }
}

impl Drop for Piece {
    fn drop(&mut self) {
        if let (Some(source), Some(bytes)) = (&self.of, self.bytes.take())
            && let Ok(mut state) = source.state.try_lock()
        {
            state.body.put_back(bytes);
        }
    }
}
