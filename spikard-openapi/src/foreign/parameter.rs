//! The parameters of an operation (OpenAPI 3.1, section 4.8.12): its own, and those of its path.

use serde_json::Value;

use super::pointer::Pointer;
use super::template::Template;
use super::{Foreign, ForeignError, ForeignOperation};
use crate::ParameterLocation;

/// A value in path, query, headers or cookies.
#[derive(Debug, Clone)]
pub struct ForeignParameter<'d> {
    /// Its name there.
    pub name: &'d str,
    /// Where it stands.
    pub location: ParameterLocation,
    /// Whether it has to be there.
    pub required: bool,
    /// How lists and objects are written.
    pub style: Style,
    /// Whether the elements of a list, or the properties of an object, stand apart.
    pub explode: bool,
    /// Whether its name may stand without a value, whatever the schema says.
    pub allows_empty: bool,
    /// What it may be; none: anything.
    pub schema: Option<&'d Value>,
    /// The media type of its text, if the document gives it `content` and no style.
    pub media_type: Option<&'d str>,
    /// Where it is written.
    pub pointer: Pointer,
}

/// How a parameter is written (OpenAPI 3.1, section 4.8.12.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// `;name=a,b`, of paths.
    Matrix,
    /// `.a.b`, of paths.
    Label,
    /// `name=a&name=b`, of queries and cookies.
    Form,
    /// `a,b`, of paths and headers.
    Simple,
    /// `name=a%20b`, of queries.
    SpaceDelimited,
    /// `name=a|b`, of queries.
    PipeDelimited,
    /// `name[key]=a`, of queries.
    DeepObject,
}

impl Foreign {
    /// The parameters that a request of an operation may have: those of its path first, each
    /// replaced by one of its own that has its name and location. Headers that OpenAPI leaves to
    /// other parts (`Accept`, `Content-Type`, `Authorization`) are none.
    pub fn parameters(&self, operation: &ForeignOperation<'_>) -> Vec<ForeignParameter<'_>> {
        // A document in which one is wrong is not read.
        parameters(self, operation).unwrap_or_default()
    }
}

pub(super) fn parameters<'d>(
    foreign: &'d Foreign,
    operation: &ForeignOperation<'_>,
) -> Result<Vec<ForeignParameter<'d>>, Vec<ForeignError>> {
    let mut parameters: Vec<ForeignParameter<'d>> = Vec::new();
    let mut errors = Vec::new();
    // The operation's members live in the document, as the places of its lists tell.
    for place in [&operation.path_pointer, &operation.pointer] {
        let place = place.join("parameters");
        let mut own: Vec<ForeignParameter<'d>> = Vec::new();
        let list = foreign.document.pointer(place.as_str()).and_then(Value::as_array);
        for (index, written) in list.into_iter().flatten().enumerate() {
            let at = foreign.place_of(written, &place.join(&index.to_string()));
            match ForeignParameter::read(foreign.resolve(written), &at) {
                Ok(parameter) if own.iter().any(|known| known.is_same_as(&parameter)) => {
                    errors
                        .push(ForeignError::new(&at, format!("parameter `{}` stands here twice, expected once", parameter.name)));
                }
                Ok(parameter) => own.push(parameter),
                Err(error) => errors.push(error),
            }
        }
        for parameter in own {
            match parameters.iter_mut().find(|known| known.is_same_as(&parameter)) {
                Some(known) => *known = parameter,
                None => parameters.push(parameter),
            }
        }
    }
    parameters.retain(|parameter| !parameter.is_left_to_others());
    if errors.is_empty() { Ok(parameters) } else { Err(errors) }
}

/// The parameters of the path that nothing is said of.
pub(super) fn missing_of_path(operation: &ForeignOperation<'_>, parameters: &[ForeignParameter<'_>]) -> Vec<ForeignError> {
    let is_known =
        |name: &str| parameters.iter().any(|parameter| parameter.location == ParameterLocation::Path && parameter.name == name);
    let template = Template::parse(operation.path).unwrap_or_default();
    let missing = template.names().filter(|name| !is_known(name));
    missing
        .map(|name| {
            let message = format!("`{{{name}}}` of the path is no parameter of {}, expected one in `path`", operation.method);
            ForeignError::new(&operation.pointer, message)
        })
        .collect()
}

impl<'d> ForeignParameter<'d> {
    fn read(written: &'d Value, at: &Pointer) -> Result<Self, ForeignError> {
        let wrong = |key: &str, message: String| ForeignError::new(&at.join(key), message);
        let text = |key: &str| {
            let found = written.get(key);
            let value = found.and_then(Value::as_str);
            value.ok_or_else(|| match found {
                Some(value) => wrong(key, format!("{key} is {value}, expected text")),
                None => ForeignError::new(at, format!("key `{key}` is missing, expected text")),
            })
        };
        let name = text("name")?;
        let location = match text("in")? {
            "path" => ParameterLocation::Path,
            "query" => ParameterLocation::Query,
            "header" => ParameterLocation::Header,
            "cookie" => ParameterLocation::Cookie,
            other => return Err(wrong("in", format!("in is `{other}`, expected `path`, `query`, `header` or `cookie`"))),
        };
        let flag = |key: &str, otherwise| match written.get(key) {
            None => Ok(otherwise),
            Some(Value::Bool(flag)) => Ok(*flag),
            Some(other) => Err(wrong(key, format!("{key} is {other}, expected true or false"))),
        };
        let style = Style::of(written.get("style"), location).map_err(|message| wrong("style", message))?;
        let content = written.get("content").and_then(Value::as_object).and_then(|content| content.iter().next());
        let schema = written.get("schema").or_else(|| content.and_then(|(_, media)| media.get("schema")));
        Ok(Self {
            name,
            location,
            required: flag("required", false)? || location == ParameterLocation::Path,
            style,
            explode: flag("explode", style == Style::Form)?,
            allows_empty: flag("allowEmptyValue", false)?,
            schema,
            media_type: content.filter(|_| written.get("schema").is_none()).map(|(name, _)| name.as_str()),
            pointer: at.clone(),
        })
    }

    fn is_same_as(&self, other: &Self) -> bool {
        let same_name = match self.location {
            ParameterLocation::Header => self.name.eq_ignore_ascii_case(other.name),
            _ => self.name == other.name,
        };
        same_name && self.location == other.location
    }

    fn is_left_to_others(&self) -> bool {
        self.location == ParameterLocation::Header
            && ["accept", "content-type", "authorization"].iter().any(|name| self.name.eq_ignore_ascii_case(name))
    }
}

impl Style {
    /// The style that is given, or that of the location.
    fn of(written: Option<&Value>, location: ParameterLocation) -> Result<Self, String> {
        use ParameterLocation::{Cookie, Header, Path, Query};
        let Some(written) = written else {
            return Ok(if matches!(location, Path | Header) { Self::Simple } else { Self::Form });
        };
        let (known, expected): (&[(&str, Self)], _) = match location {
            Path => (
                &[("simple", Self::Simple), ("label", Self::Label), ("matrix", Self::Matrix)],
                "`simple`, `label` or `matrix` in a path",
            ),
            Query => (
                &[
                    ("form", Self::Form),
                    ("spaceDelimited", Self::SpaceDelimited),
                    ("pipeDelimited", Self::PipeDelimited),
                    ("deepObject", Self::DeepObject),
                ],
                "`form`, `spaceDelimited`, `pipeDelimited` or `deepObject` in a query",
            ),
            Header => (&[("simple", Self::Simple)], "`simple` in a header"),
            Cookie => (&[("form", Self::Form)], "`form` in a cookie"),
        };
        let found = known.iter().find(|(name, _)| written == name);
        found.map(|(_, style)| *style).ok_or_else(|| format!("style is {written}, expected {expected}"))
    }
}
