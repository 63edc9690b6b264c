//! Metadata of calls: text, or bytes under names that end in `-bin`.

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use http::{HeaderMap, HeaderName, HeaderValue, header};
use spikard_middleware::headers::is_reserved;

use super::{Code, Status};

/// Names and values, in order; a name may stand more than once.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Metadata(Option<Box<HeaderMap>>);

/// One value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// Printable ASCII.
    Text(String),
    /// Any bytes.
    Bytes(Vec<u8>),
}

/// Why an entry cannot be sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MetadataError {
    /// The name.
    #[error("metadata key is `{0}`, expected letters, digits, `-`, `_` and `.`")]
    Name(String),
    /// The name belongs to the protocol.
    #[error("metadata key is `{0}`, which the protocol sets itself")]
    Reserved(String),
    /// Text under a name of bytes, or bytes under a name of text.
    #[error("metadata `{0}` is text, expected bytes: its key ends in `-bin`")]
    Text(String),
    /// Bytes under a name of text.
    #[error("metadata `{0}` is bytes, expected text, or a key that ends in `-bin`")]
    Bytes(String),
    /// The text.
    #[error("metadata `{0}` holds what is not printable ASCII, expected bytes under a key that ends in `-bin`")]
    NotAscii(String),
}

/// Padding is not sent and is taken all the same.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);
/// What carries binary details of an error: the one name of the protocol that an application fills.
const DETAILS: &str = "grpc-status-details-bin";

impl Metadata {
    /// No metadata.
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// Adds a value; upper case in names becomes lower case.
    ///
    /// # Errors
    /// When the entry cannot be sent.
    pub fn append(&mut self, name: &str, value: &Value) -> Result<(), MetadataError> {
        let known = HeaderName::from_bytes(name.as_bytes()).ok().filter(|name| name.as_str().bytes().all(is_of_a_name));
        let Some(key) = known else { return Err(MetadataError::Name(name.to_owned())) };
        if belongs_to_the_protocol(&key) && key.as_str() != DETAILS {
            return Err(MetadataError::Reserved(name.to_owned()));
        }
        let value = match (value, is_binary(&key)) {
            (Value::Bytes(bytes), true) => HeaderValue::try_from(STANDARD_NO_PAD.encode(bytes)).ok(),
            (Value::Text(text), false) if text.bytes().all(|byte| matches!(byte, b' '..=b'~')) => {
                HeaderValue::from_str(text).ok()
            }
            (Value::Text(_), true) => return Err(MetadataError::Text(name.to_owned())),
            (Value::Bytes(_), false) => return Err(MetadataError::Bytes(name.to_owned())),
            (Value::Text(_), false) => None,
        };
        let value = value.ok_or_else(|| MetadataError::NotAscii(name.to_owned()))?;
        self.put(key, value);
        Ok(())
    }

    /// What a client sent beside what the protocol and HTTP need.
    ///
    /// # Errors
    /// When a value under a name that ends in `-bin` is not base64.
    pub(super) fn received(headers: &HeaderMap) -> Result<Self, Status> {
        let mut metadata = Self::new();
        for (name, value) in headers.iter().filter(|(name, _)| !belongs_to_the_protocol(name)) {
            if is_binary(name) && decoded(value).is_none() {
                return Err(Status::new(Code::Internal, format!("metadata {name} is not base64")));
            }
            metadata.put(name.clone(), value.clone());
        }
        Ok(metadata)
    }

    /// Names and values.
    pub fn iter(&self) -> impl Iterator<Item = (&str, Value)> {
        self.0.iter().flat_map(|headers| headers.iter()).flat_map(|(name, value)| {
            let values = if is_binary(name) {
                decoded(value).unwrap_or_default().into_iter().map(Value::Bytes).collect()
            } else {
                // Header values are bytes; latin-1 keeps every one of them.
                vec![Value::Text(value.as_bytes().iter().copied().map(char::from).collect())]
            };
            values.into_iter().map(move |value| (name.as_str(), value))
        })
    }

    pub(super) fn into_headers(self) -> HeaderMap {
        self.0.map(|headers| *headers).unwrap_or_default()
    }

    fn put(&mut self, name: HeaderName, value: HeaderValue) {
        self.0.get_or_insert_default().append(name, value);
    }
}

fn is_of_a_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.')
}

fn is_binary(name: &HeaderName) -> bool {
    name.as_str().ends_with("-bin")
}

fn belongs_to_the_protocol(name: &HeaderName) -> bool {
    const OF_HTTP: [HeaderName; 3] = [header::CONTENT_TYPE, header::CONTENT_ENCODING, header::ACCEPT_ENCODING];
    name.as_str().starts_with("grpc-") || is_reserved(name) || OF_HTTP.contains(name)
}

/// The values in one field; several of them may be joined by commas.
fn decoded(value: &HeaderValue) -> Option<Vec<Vec<u8>>> {
    value.as_bytes().split(|byte| *byte == b',').map(|part| BASE64.decode(part.trim_ascii()).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Value {
        Value::Text(text.into())
    }

    #[test]
    fn text_and_bytes_come_back_as_they_were() {
        let mut sent = Metadata::new();
        sent.append("X-Trace", &text("a b")).unwrap();
        sent.append("x-trace", &text("c")).unwrap();
        sent.append("x-key-bin", &Value::Bytes(vec![0, 255, b','])).unwrap();
        let received = Metadata::received(&sent.into_headers()).unwrap();
        let entries: Vec<_> = received.iter().collect();
        assert_eq!(entries, [("x-trace", text("a b")), ("x-trace", text("c")), ("x-key-bin", Value::Bytes(vec![0, 255, b',']))]);
    }

    #[test]
    fn values_joined_by_commas_are_several_and_padding_is_taken() {
        let header = |value| HeaderMap::from_iter([(HeaderName::from_static("a-bin"), HeaderValue::from_static(value))]);
        let received = Metadata::received(&header("AQ==,Ag")).unwrap();
        let values: Vec<_> = received.iter().map(|(_, value)| value).collect();
        assert_eq!(values, [Value::Bytes(vec![1]), Value::Bytes(vec![2])]);
        assert_eq!(Metadata::received(&header("!")).unwrap_err().code, Code::Internal);
    }

    #[test]
    fn what_cannot_be_sent_is_an_error_that_names_it() {
        let mut metadata = Metadata::new();
        for (name, value, wrong) in [
            ("a b", text("x"), MetadataError::Name("a b".into())),
            ("grpc-status", text("0"), MetadataError::Reserved("grpc-status".into())),
            ("content-length", text("0"), MetadataError::Reserved("content-length".into())),
            ("a-bin", text("x"), MetadataError::Text("a-bin".into())),
            ("a", Value::Bytes(vec![1]), MetadataError::Bytes("a".into())),
            ("a", text("\n"), MetadataError::NotAscii("a".into())),
            ("a", text("\u{e9}"), MetadataError::NotAscii("a".into())),
        ] {
            assert_eq!(metadata.append(name, &value), Err(wrong));
        }
        assert!(metadata.append("grpc-status-details-bin", &Value::Bytes(vec![1])).is_ok());
    }
}
