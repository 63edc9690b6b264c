//! What the parsers of the three formats say, in the words of this project: what is there, and
//! then what was expected.

/// The beginning of a parser's message, and what is said instead.
const WORDS: &[(&str, &str)] = &[
    // JSON
    ("key must be a string", "key is not in double quotes, expected text such as \"port\""),
    ("trailing comma", "comma stands behind the last value, expected none"),
    ("trailing characters", "text goes on behind the value, expected the end of the file"),
    ("EOF while parsing a string", "file ends inside of text, expected `\"`"),
    ("EOF while parsing a list", "file ends inside of a list, expected `]`"),
    ("EOF while parsing an object", "file ends inside of a table, expected `}`"),
    ("EOF while parsing a value", "file ends, expected a value"),
    ("control character", "text holds a control character, expected an escape such as `\\n`, or `\"` on the same line"),
    ("invalid number", "number is not valid, expected one such as 80 or 0.5"),
    ("invalid escape", "escape is not valid, expected one such as `\\n`, `\\\\` or `\\u0041`"),
    ("unexpected end of hex escape", "escape is half of a surrogate pair, expected the other half"),
    ("lone leading surrogate", "escape is half of a surrogate pair, expected the other half"),
    ("expected value", "text is no value, expected text in double quotes, a number, true, false, a list or a table"),
    // YAML
    (
        "mapping values are not allowed",
        "`:` stands where no key can be, expected quotes around text with `: `, or keys that are indented alike",
    ),
    ("while parsing node, found unknown anchor", "alias names no anchor, expected one that stands above"),
    ("tabs disallowed", "line is indented with a tab, expected spaces"),
    (
        "invalid indentation",
        "line is indented less than what it belongs to, expected more, or the end of the list or table above",
    ),
    ("while parsing a block mapping, did not find", "line is no key of the table that it is indented as, expected `key: value`"),
    ("while parsing a flow mapping, did not find", "table is not closed, expected `,` or `}`"),
    ("while parsing a flow sequence, expected", "list is not closed, expected `,` or `]`"),
    // TOML
    ("unexpected leading zero", "number has a leading zero, expected none"),
    ("invalid basic string", "text is not closed, expected `\"`"),
    ("invalid literal string", "text is not closed, expected `'`"),
    ("key with no value", "key has no value, expected `=` and a value"),
    ("unclosed table", "header is not closed, expected `]`"),
    ("missing comma between array elements", "list has two values without a comma or is not closed, expected `,` or `]`"),
    ("missing comma between key-value pairs", "table has two keys without a comma or is not closed, expected `,` or `}`"),
    ("unexpected key or value", "text goes on behind the value, expected the end of the line"),
    ("missing escaped value", "escape is not valid, expected one such as `\\n`, `\\\\` or `\\u0041`"),
];

/// The message of a parser in the words of this project.
pub(super) fn worded(message: &str) -> String {
    let words = WORDS.iter().find(|(beginning, _)| message.starts_with(beginning));
    words.map_or(message, |(_, words)| words).to_owned()
}
