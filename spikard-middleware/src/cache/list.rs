//! The members of a field that is a list (RFC 9110 section 5.6.1).

/// The members of one line, without the space around them; empty ones are passed over. A comma
/// between quotes belongs to its member.
pub(super) fn items(line: &str) -> impl Iterator<Item = &str> {
    let mut quoted = false;
    let mut escaped = false;
    let ends = move |character: char| {
        if escaped {
            escaped = false;
        } else if quoted && character == '\\' {
            escaped = true;
        } else if character == '"' {
            quoted = !quoted;
        }
        character == ',' && !quoted
    };
    line.split(ends).map(str::trim).filter(|item| !item.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_comma_between_quotes_belongs_to_its_member() {
        let read = |line| items(line).collect::<Vec<_>>();
        assert_eq!(read(r#" a ,, b="c, \", d" , e"#), ["a", r#"b="c, \", d""#, "e"]);
        assert_eq!(read(""), [""; 0]);
    }
}
