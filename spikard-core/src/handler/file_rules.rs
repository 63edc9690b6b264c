//! What the files of a form may be. It is checked while they arrive: a file that is too large, one
//! too many, or one of another type is refused before the rest of the body is read.

use std::collections::HashMap;

use serde_json::{Value, json};
use spikard_middleware::Size;
use spikard_middleware::problem::{PAYLOAD_TOO_LARGE, UNSUPPORTED_MEDIA_TYPE};

use super::refused::Refused;
use crate::validation::{Location, Violation};

/// What files may be, by the names of their fields.
///
/// ```
/// use spikard_core::handler::FileRules;
///
/// let rules = |text: &str| FileRules::read(&serde_json::from_str(text).unwrap_or_default());
/// assert!(rules(r#"{"avatar": {"max_size": "5MiB", "content_types": ["image/*"], "max_count": 1}}"#).is_ok());
/// let error = rules(r#"{"avatar": {"max_count": 0}}"#).err();
/// assert_eq!(error.as_deref(), Some("avatar.max_count is 0, expected a whole number from 1"));
/// ```
#[derive(Debug, Clone, Default)]
pub struct FileRules(HashMap<String, FileRule>);

/// What the files of one field may be. What is absent is no limit.
#[derive(Debug, Clone, Default)]
struct FileRule {
    max_size: Option<Size>,
    max_count: Option<usize>,
    content_types: Vec<String>,
}

const KEYS: &str = "max_size, max_count, content_types, optional or type";

impl FileRules {
    /// Reads a table of fields: each has `max_size` (bytes or text such as `"5MiB"`), `max_count`,
    /// `content_types` (`"image/png"`, `"image/*"`); `optional` and `type` (`"file"` or `"array"`)
    /// say what a handler wants, and limit nothing.
    ///
    /// # Errors
    /// When a value is none of that; the text says where, and what was expected.
    pub fn read(table: &Value) -> Result<Self, String> {
        let Value::Object(fields) = table else { return Err(format!("is {table}, expected a table of fields")) };
        let rule = |(name, rule): (&String, &Value)| Ok((name.clone(), FileRule::read(name, rule)?));
        fields.iter().map(rule).collect::<Result<_, String>>().map(Self)
    }

    /// The check of one form.
    pub(super) fn check(&self) -> Check<'_> {
        Check { rules: self, counts: HashMap::new() }
    }
}

impl FileRule {
    fn read(name: &str, rule: &Value) -> Result<Self, String> {
        let Value::Object(rule) = rule else { return Err(format!("{name} is {rule}, expected a table of limits")) };
        let mut read = Self::default();
        for (key, value) in rule {
            let wrong = |expected: &str| Err(format!("{name}.{key} is {value}, expected {expected}"));
            match (key.as_str(), value) {
                ("max_size", _) => match serde_json::from_value(value.clone()) {
                    Ok(size) if size > Size(0) => read.max_size = Some(size),
                    Ok(_) => return wrong("at least 1 byte"),
                    Err(error) => return Err(format!("{name}.{key}: {error}")),
                },
                ("max_count", _) => match value.as_u64().and_then(|count| usize::try_from(count).ok()) {
                    Some(count) if count > 0 => read.max_count = Some(count),
                    _ => return wrong("a whole number from 1"),
                },
                ("content_types", Value::Array(types)) if !types.is_empty() => {
                    for media_type in types {
                        let Some(media_type) = media_type.as_str().filter(|text| is_media_range(text)) else {
                            return Err(format!(
                                "{name}.{key} has {media_type}, expected a type such as \"image/png\" or \"image/*\""
                            ));
                        };
                        read.content_types.push(media_type.to_ascii_lowercase());
                    }
                }
                ("content_types", _) => return wrong("a list of media types"),
                ("optional", Value::Bool(_)) => {}
                ("optional", _) => return wrong("true or false"),
                ("type", Value::String(kind)) if kind == "file" || kind == "array" => {}
                ("type", _) => return wrong("\"file\" or \"array\""),
                _ => return Err(format!("{name}.{key} is no limit of files, expected {KEYS}")),
            }
        }
        Ok(read)
    }

    fn takes(&self, content_type: &str) -> bool {
        let essence = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        let kind = essence.split('/').next().unwrap_or_default();
        self.content_types.is_empty()
            || self.content_types.iter().any(|taken| match taken.split_once('/') {
                Some((wanted, "*")) => wanted == "*" || wanted == kind,
                _ => *taken == essence,
            })
    }
}

fn is_media_range(text: &str) -> bool {
    let is_token = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_graphic() && !b",;/\"".contains(&byte));
    match text.split_once('/') {
        Some(("*", subtype)) => subtype == "*",
        Some((kind, subtype)) => is_token(kind) && is_token(subtype),
        None => false,
    }
}

/// The files of one form, held to the rules as they come.
pub(super) struct Check<'r> {
    rules: &'r FileRules,
    counts: HashMap<&'r str, usize>,
}

impl<'r> Check<'r> {
    /// A file begins. Returns what holds its size.
    pub(super) fn begin(&mut self, field: &str, content_type: Option<&str>) -> Result<SizeCheck<'r>, Refused> {
        let field = field.strip_suffix("[]").unwrap_or(field);
        let Some((name, rule)) = self.rules.0.get_key_value(field) else { return Ok(SizeCheck(None)) };
        let count = self.counts.entry(name).or_default();
        *count += 1;
        if let Some(most) = rule.max_count
            && *count > most
        {
            return Err(Refused::violation(too_many(name, most)));
        }
        let sent = content_type.unwrap_or("application/octet-stream");
        if !rule.takes(sent) {
            let sent: String = sent.chars().take(100).collect();
            let detail = format!("file `{name}` is {sent}, expected {}", rule.content_types.join(", "));
            return Err(Refused::new(UNSUPPORTED_MEDIA_TYPE, detail));
        }
        Ok(SizeCheck(rule.max_size.map(|size| (name.as_str(), size))))
    }
}

/// How large one file may be.
pub(super) struct SizeCheck<'r>(Option<(&'r str, Size)>);

impl SizeCheck<'_> {
    /// Refuses a file that has come to this length.
    pub(super) fn take(&self, length: u64) -> Result<(), Refused> {
        match self.0 {
            Some((name, size)) if length > size.0 => {
                let detail = format!("file `{name}` is larger than the limit of {} bytes", size.0);
                Err(Refused::new(PAYLOAD_TOO_LARGE, detail))
            }
            _ => Ok(()),
        }
    }
}

fn too_many(name: &str, most: usize) -> Violation {
    let items = if most == 1 { "item" } else { "items" };
    let message = format!("List should have at most {most} {items} after validation");
    Violation {
        ctx: Some(json!({"max_length": most})),
        ..Violation::new("too_long", Location::body().inside(name), message, Value::Null)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(table: &Value) -> FileRules {
        FileRules::read(table).unwrap()
    }

    #[test]
    fn says_what_is_wrong_with_a_rule_and_where() {
        for (table, expected) in [
            (json!(["avatar"]), "is [\"avatar\"], expected a table of fields"),
            (json!({"a": 5}), "a is 5, expected a table of limits"),
            (
                json!({"a": {"max_size": "5 apples"}}),
                "a.max_size: `5 apples` is not a size, expected bytes or text such as \"64KiB\" or \"10MB\"",
            ),
            (json!({"a": {"max_size": 0}}), "a.max_size is 0, expected at least 1 byte"),
            (json!({"a": {"max_count": 1.5}}), "a.max_count is 1.5, expected a whole number from 1"),
            (json!({"a": {"content_types": "image/*"}}), "a.content_types is \"image/*\", expected a list of media types"),
            (
                json!({"a": {"content_types": ["png"]}}),
                "a.content_types has \"png\", expected a type such as \"image/png\" or \"image/*\"",
            ),
            (
                json!({"a": {"content_types": ["*/png"]}}),
                "a.content_types has \"*/png\", expected a type such as \"image/png\" or \"image/*\"",
            ),
            (json!({"a": {"optional": 1}}), "a.optional is 1, expected true or false"),
            (json!({"a": {"type": "list"}}), "a.type is \"list\", expected \"file\" or \"array\""),
            (
                json!({"a": {"max": 1}}),
                "a.max is no limit of files, expected max_size, max_count, content_types, optional or type",
            ),
        ] {
            assert_eq!(FileRules::read(&table).err().as_deref(), Some(expected));
        }
    }

    #[test]
    fn types_are_taken_by_name_or_by_kind() {
        let rules = rules(&json!({"a": {"content_types": ["Image/*", "application/pdf"]}}));
        for (sent, taken) in [
            (Some("image/png"), true),
            (Some("IMAGE/svg+xml; charset=utf-8"), true),
            (Some("application/pdf"), true),
            (Some("application/pdfx"), false),
            (Some("imagex/png"), false),
            (Some("text/plain"), false),
            (None, false),
        ] {
            assert_eq!(rules.check().begin("a[]", sent).is_ok(), taken, "{sent:?}");
            assert!(rules.check().begin("b", sent).is_ok(), "nothing was said of it");
        }
        let error = rules.check().begin("a", Some("text/plain")).err().unwrap();
        assert_eq!(error.to_string(), "Unsupported Media Type: file `a` is text/plain, expected image/*, application/pdf");
    }

    #[test]
    fn size_and_number_are_taken_up_to_the_limit_and_no_further() {
        let rules = rules(&json!({"a": {"max_size": "1KiB", "max_count": 2}}));
        let mut check = rules.check();
        let size = check.begin("a", None).unwrap_or(SizeCheck(None));
        assert_eq!((size.take(1024).is_ok(), size.take(1025).err().map(|refused| refused.status().as_u16())), (true, Some(413)));
        assert!(check.begin("a", None).is_ok());
        assert_eq!(check.begin("a", None).err().map(|refused| refused.status().as_u16()), Some(422));
    }
}
