//! `multipart/form-data` (RFC 7578), read as it arrives: fields become nested data as in any form,
//! files keep every byte and go to disk when they are large.

use std::future::{Future, poll_fn};
use std::io;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures_util::Stream;
use http::header;
use http_body::Body as _;
use multer::{Field, Multipart};
use spikard_middleware::Body;
use spikard_middleware::problem::{INTERNAL_SERVER_ERROR, MALFORMED_BODY, PAYLOAD_TOO_LARGE};

use super::file_rules::FileRules;
use super::form::{Fields, Form};
use super::limits::BodyReadingConfig;
use super::refused::Refused;
use super::spool::{Memory, Spool};
use super::upload::Upload;

/// How much of a body is looked at at a time.
const PIECE: usize = 64 << 10;
/// How long the head of a part may be, with what stands before it.
const HEAD: usize = 64 << 10;
/// How much text the fields hold together: they stay in memory, whatever the limit of the body is.
const TEXT: usize = 10 << 20;

/// Reads a body to its end, or to the first thing that is wrong with it.
pub(super) async fn read(body: Body, boundary: &str, limits: &BodyReadingConfig, rules: &FileRules) -> Result<Form, Refused> {
    let mut parts = Parts::of(body, boundary);
    let mut fields = Fields::new(limits);
    let mut files = Vec::new();
    let (mut check, mut memory, mut text_left) = (rules.check(), Memory::of_form(), TEXT);
    while let Some(mut part) = parts.next().await? {
        let head = Head::of(&part)?;
        if !head.is_file() {
            let text = text(&parts, &mut part, &mut text_left).await?;
            fields.add(&head.name, text)?;
            continue;
        }
        if files.len() == limits.form_files {
            let detail = format!("form has more files than the limit of {}", limits.form_files);
            return Err(Refused::new(MALFORMED_BODY, detail));
        }
        let size = check.begin(&head.name, head.content_type.as_deref())?;
        let mut spool = Spool::default();
        while let Some(piece) = parts.piece(&mut part).await? {
            size.take(spool.len() + piece.len() as u64)?;
            spool.push(piece, &mut memory).await.map_err(|error| disk_failed(&error))?;
        }
        let content = spool.finish(&mut memory).await.map_err(|error| disk_failed(&error))?;
        let Head { name, filename, content_type } = head;
        files.push(Upload { name, filename, content_type, headers: part.headers().clone(), content });
    }
    parts.end().await?;
    Ok(Form { fields: fields.into_value(), files })
}

async fn text(parts: &Parts, part: &mut Field<'static>, left: &mut usize) -> Result<String, Refused> {
    let mut text = Vec::new();
    while let Some(piece) = parts.piece(part).await? {
        let Some(rest) = left.checked_sub(piece.len()) else {
            return Err(Refused::new(PAYLOAD_TOO_LARGE, format!("form fields are larger than the limit of {TEXT} bytes")));
        };
        *left = rest;
        text.extend_from_slice(&piece);
    }
    String::from_utf8(text).map_err(|_| not_utf_8())
}

fn disk_failed(error: &io::Error) -> Refused {
    tracing::error!("a file of a form cannot be written to disk: {error}");
    Refused::new(INTERNAL_SERVER_ERROR, "Internal server error")
}

/// The parts of a body, as the parser finds them.
struct Parts {
    parser: Multipart<'static>,
    supply: Shared,
}

impl Parts {
    fn of(body: Body, boundary: &str) -> Self {
        let supply = Shared(Arc::new(Mutex::new(Supply { body, rest: Bytes::new(), left: HEAD, given: false })));
        Self { parser: Multipart::new(supply.clone(), boundary), supply }
    }

    /// The next part, whose head has come.
    async fn next(&mut self) -> Result<Option<Field<'static>>, Refused> {
        self.supply.lock().left = HEAD;
        let part = self.supply.drive(self.parser.next_field()).await;
        self.supply.lock().left = usize::MAX;
        part
    }

    /// The next piece of a part.
    async fn piece(&self, part: &mut Field<'static>) -> Result<Option<Bytes>, Refused> {
        self.supply.drive(part.chunk()).await
    }

    /// Reads what may stand behind the last part, so that the connection can go on.
    async fn end(self) -> Result<(), Refused> {
        self.supply.lock().left = HEAD;
        poll_fn(|cx| {
            let mut supply = self.supply.lock();
            while supply.left > 0 && ready!(supply.poll_piece(cx))?.is_some() {}
            Poll::Ready(Ok(()))
        })
        .await
    }
}

/// What the parser is given of the body. Left to itself it would take all that is there, and grow
/// with the body.
struct Supply {
    body: Body,
    rest: Bytes,
    /// How many bytes may be given before it has found something.
    left: usize,
    /// Whether a piece was given since it last asked.
    given: bool,
}

impl Supply {
    fn poll_piece(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Bytes>, Refused>> {
        while self.rest.is_empty() {
            match ready!(Pin::new(&mut self.body).poll_frame(cx)) {
                Some(Ok(frame)) => self.rest = frame.into_data().unwrap_or_default(),
                Some(Err(error)) => return Poll::Ready(Err(Refused::of_broken_body(&error))),
                None => return Poll::Ready(Ok(None)),
            }
        }
        let piece = self.rest.split_to(self.rest.len().min(PIECE).min(self.left));
        if self.left != usize::MAX {
            self.left -= piece.len();
        }
        Poll::Ready(Ok(Some(piece)))
    }
}

#[derive(Clone)]
struct Shared(Arc<Mutex<Supply>>);

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Supply> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Drives the parser a piece at a time.
    async fn drive<T>(&self, parsing: impl Future<Output = multer::Result<T>>) -> Result<T, Refused> {
        let mut parsing = pin!(parsing);
        let parsed = poll_fn(|cx| {
            loop {
                self.lock().given = false;
                let polled = parsing.as_mut().poll(cx);
                if polled.is_ready() || !self.lock().given {
                    return polled;
                }
            }
        });
        parsed.await.map_err(|error| match error {
            multer::Error::StreamReadFailed(error) => error.downcast().map_or_else(|_| Refused::malformed(), |refused| *refused),
            _ => Refused::malformed(),
        })
    }
}

impl Stream for Shared {
    type Item = Result<Bytes, Refused>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut supply = self.lock();
        if supply.given {
            return Poll::Pending;
        }
        if supply.left == 0 {
            return Poll::Ready(Some(Err(Refused::new(MALFORMED_BODY, "the head of a part of the form is too long"))));
        }
        let piece = ready!(supply.poll_piece(cx));
        supply.given = true;
        Poll::Ready(piece.transpose())
    }
}

struct Head {
    name: String,
    filename: Option<String>,
    content_type: Option<String>,
}

impl Head {
    fn of(part: &Field<'_>) -> Result<Self, Refused> {
        let text = |name| part.headers().get(name).map(|value| std::str::from_utf8(value.as_bytes())).transpose();
        // A file name that is not UTF-8 would be taken for none, and the file for a field.
        text(header::CONTENT_DISPOSITION).map_err(|_| not_utf_8())?;
        let name = part.name().ok_or_else(|| Refused::new(MALFORMED_BODY, "a part of the form has no name"))?;
        let content_type = text(header::CONTENT_TYPE).map_err(|_| not_utf_8())?;
        Ok(Self {
            name: name.to_owned(),
            filename: part.file_name().map(str::to_owned),
            content_type: content_type.map(str::to_owned),
        })
    }

    fn is_file(&self) -> bool {
        let text = |content_type: &str| {
            let essence = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
            essence.starts_with("text/") || essence == "application/json"
        };
        self.filename.is_some() || self.content_type.as_deref().is_some_and(|content_type| !text(content_type))
    }
}

fn not_utf_8() -> Refused {
    Refused::new(MALFORMED_BODY, "form fields are not UTF-8")
}

#[cfg(test)]
mod tests {
    use super::super::spool::FileContent;
    use super::*;
    use serde_json::json;

    const FILE: &str = "form-data; name=\"f\"; filename=\"a.bin\"\r\nContent-Type: application/octet-stream";

    fn part(body: &mut Vec<u8>, disposition: &str, content: &[u8]) {
        body.extend_from_slice(format!("--b\r\nContent-Disposition: {disposition}\r\n\r\n").as_bytes());
        body.extend_from_slice(content);
        body.extend_from_slice(b"\r\n");
    }

    fn form(parts: &[(&str, &[u8])]) -> Result<Form, String> {
        let mut body = Vec::new();
        for (disposition, content) in parts {
            part(&mut body, disposition, content);
        }
        body.extend_from_slice(b"--b--\r\n");
        parsed(body.into()).map_err(|refused| refused.to_string())
    }

    fn parsed(body: Bytes) -> Result<Form, Refused> {
        let limits = BodyReadingConfig::default();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(read(Body::from(body), "b", &limits, &FileRules::default()))
    }

    #[test]
    fn fields_nest_and_files_keep_every_byte() {
        let mut content: Vec<u8> = (0..=255).cycle().take(70_000).collect();
        content.extend_from_slice(b"\r\n--\r\n--a\r\n\r\n");
        let parts: &[(&str, &[u8])] = &[
            ("form-data; name=\"user[name]\"", "Zoë".as_bytes()),
            ("form-data; name=\"user[tags][]\"\r\nContent-Type: text/plain", b""),
            (FILE, &content),
            ("form-data; name=\"empty\"; filename=\"\"", b""),
            ("form-data; name=\"unnamed\"\r\nContent-Type: image/png", b"\x89PNG\xff"),
        ];
        let form = form(parts).unwrap();
        assert_eq!(form.fields, json!({"user": {"name": "Zoë", "tags": [""]}}));
        let content_of = |upload: &Upload| match &upload.content {
            FileContent::Memory(bytes) => bytes.clone(),
            FileContent::Disk(..) => panic!("{upload:?}"),
        };
        let [file, empty, unnamed] = &form.files[..] else { panic!("{:?}", form.files) };
        assert_eq!((&*file.name, file.filename.as_deref(), content_of(file)), ("f", Some("a.bin"), content.into()));
        assert_eq!(file.content_type.as_deref(), Some("application/octet-stream"));
        assert_eq!((empty.filename.as_deref(), empty.content.len()), (Some(""), 0));
        assert_eq!((&unnamed.filename, content_of(unnamed)), (&None, Bytes::from_static(b"\x89PNG\xff")));
    }

    #[test]
    fn refuses_a_form_that_is_broken_off_or_not_text() {
        for body in ["", "--b", "--b\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1", "a=1", "--c--"] {
            let refused = parsed(body.into());
            assert_eq!(refused, Err(Refused::malformed()), "{body}");
        }
        assert!(form(&[("form-data; name=\"a\"", b"\xff")]).is_err_and(|error| error.contains("not UTF-8")));
        assert!(form(&[("form-data", b"1")]).is_err_and(|error| error.contains("no name")));
    }

    #[test]
    fn takes_a_hundred_files_and_a_thousand_fields_and_not_one_more() {
        let field: (&str, &[u8]) = ("form-data; name=\"a\"", b"1");
        let parts = [vec![(FILE, &b"x"[..]); 100], vec![field; 1000]].concat();
        let full = form(&parts).unwrap();
        assert_eq!((full.files.len(), full.fields["a"].as_array().map(Vec::len)), (100, Some(1000)));
        for (one_more, limit) in [((FILE, &b"x"[..]), "files than the limit of 100"), (field, "fields than the limit of 1000")] {
            let error = form(&[&parts[..], &[one_more]].concat()).unwrap_err();
            assert!(error.ends_with(limit), "{error}");
        }
    }
}
