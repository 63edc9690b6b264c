//! `multipart/form-data` (RFC 7578): fields become nested data as in any form, files keep every
//! byte.

use std::convert::Infallible;
use std::future::ready;

use bytes::Bytes;
use futures_util::FutureExt;
use http::header;
use multer::Field;
use spikard_middleware::problem::MALFORMED_BODY;

use super::form::{Fields, Form};
use super::limits::BodyReadingConfig;
use super::refused::Refused;

/// A file of a form: a part with a file name, or of a type that is neither text nor JSON.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upload {
    /// The name of the form field, brackets and all.
    pub name: String,
    /// The file name that the client gave. It is not a path to be trusted.
    pub filename: Option<String>,
    /// The media type that the client gave.
    pub content_type: Option<String>,
    /// The content.
    pub bytes: Bytes,
}

/// Reads a whole body.
pub(super) fn parse(bytes: Bytes, boundary: &str, limits: &BodyReadingConfig) -> Result<Form, Refused> {
    // All bytes are there: the parser has nothing to wait for.
    read(bytes, boundary, limits).now_or_never().unwrap_or_else(|| Err(Refused::malformed()))
}

async fn read(bytes: Bytes, boundary: &str, limits: &BodyReadingConfig) -> Result<Form, Refused> {
    let body = futures_util::stream::once(ready(Ok::<_, Infallible>(bytes)));
    let mut parts = multer::Multipart::new(body, boundary);
    let mut fields = Fields::new(limits);
    let mut files = Vec::new();
    while let Some(part) = parts.next_field().await.map_err(|_| Refused::malformed())? {
        let head = Head::of(&part)?;
        let bytes = part.bytes().await.map_err(|_| Refused::malformed())?;
        if !head.is_file() {
            let text = String::from_utf8(bytes.into()).map_err(|_| not_utf_8())?;
            fields.add(&head.name, text)?;
        } else if files.len() < limits.form_files {
            let Head { name, filename, content_type } = head;
            files.push(Upload { name, filename, content_type, bytes });
        } else {
            let detail = format!("form has more files than the limit of {}", limits.form_files);
            return Err(Refused::new(MALFORMED_BODY, detail));
        }
    }
    Ok(Form { fields: fields.into_value(), files })
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
        parse(body.into(), "b", &BodyReadingConfig::default()).map_err(|refused| refused.to_string())
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
        let [file, empty, unnamed] = &form.files[..] else { panic!("{:?}", form.files) };
        assert_eq!((&*file.name, file.filename.as_deref(), &file.bytes[..]), ("f", Some("a.bin"), &content[..]));
        assert_eq!(file.content_type.as_deref(), Some("application/octet-stream"));
        assert_eq!((empty.filename.as_deref(), empty.bytes.len()), (Some(""), 0));
        assert_eq!((&unnamed.filename, &unnamed.bytes[..]), (&None, &b"\x89PNG\xff"[..]));
    }

    #[test]
    fn refuses_a_form_that_is_broken_off_or_not_text() {
        for body in ["", "--b", "--b\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1", "a=1", "--c--"] {
            let refused = parse(body.into(), "b", &BodyReadingConfig::default());
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
