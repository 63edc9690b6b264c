//! The HTML of a page. It holds no script and no style: those are files, so that the policy of the
//! page needs no exception for it.

use std::fmt::Write as _;

use super::{Kind, Page, PageSettings, Resource};

pub(super) fn page(page: Page, settings: &PageSettings<'_>, files: &[(Kind, Resource)]) -> String {
    let mut head = String::new();
    for (kind, file) in files {
        let path = escaped(&relative(settings.path, &file.path));
        // Writing to a String does not fail.
        let _ = match kind {
            Kind::Style => writeln!(head, "<link rel=\"stylesheet\" href=\"{path}\">"),
            Kind::Script => writeln!(head, "<script src=\"{path}\" defer></script>"),
            Kind::Module => writeln!(head, "<script src=\"{path}\" type=\"module\"></script>"),
            Kind::License => writeln!(head, "<link rel=\"license\" href=\"{path}\">"),
        };
    }
    let title = escaped(settings.title);
    let document = escaped(&relative(settings.path, settings.document));
    let (name, element) = match page {
        Page::SwaggerUi => ("Swagger UI", "div"),
        Page::Redoc => ("Redoc", "redoc"),
        Page::Scalar => ("Scalar", "div"),
    };
    // The icon is empty: a browser would ask for /favicon.ico otherwise.
    format!(
        "<!doctype html>\n\
         <html lang=\"en\">\n\
         <head>\n\
         <meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{title} - {name}</title>\n\
         <link rel=\"icon\" href=\"data:,\">\n\
         {head}\
         </head>\n\
         <body>\n\
         <{element} id=\"page\" data-document=\"{document}\"></{element}>\n\
         <noscript>{name} needs JavaScript. This is the document that it shows: <a href=\"{document}\">{title}</a></noscript>\n\
         </body>\n\
         </html>\n"
    )
}

/// The reference by which a page at the path `from` names the path `to` (RFC 3986 section 4.2).
fn relative(from: &str, to: &str) -> String {
    let same = from.bytes().zip(to.bytes()).take_while(|(one, other)| one == other).count();
    let shared = from.as_bytes()[..same].iter().rposition(|byte| *byte == b'/').map_or(0, |slash| slash + 1);
    let ups = from[shared..].matches('/').count();
    // Without the dot a colon in the first segment would end a scheme.
    let start = if ups == 0 { "./".to_owned() } else { "../".repeat(ups) };
    start + &to[shared..]
}

/// Text as it stands in an element, or in an attribute between quotes.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_names_a_path_so_that_a_prefix_before_both_does_not_matter() {
        for (from, to, expected) in [
            ("/docs", "/openapi.json", "./openapi.json"),
            ("/docs", "/docs/start.js", "./docs/start.js"),
            ("/docs/", "/docs/start.js", "./start.js"),
            ("/", "/start.js", "./start.js"),
            ("/internal/docs", "/openapi.json", "../openapi.json"),
            ("/internal/api/docs", "/internal/v1:2/openapi.json", "../v1:2/openapi.json"),
            ("/v1/docs", "/v10/openapi.json", "../v10/openapi.json"),
            ("/docs", "/a:b.json", "./a:b.json"),
            ("/ä/docs", "/å/openapi.json", "../å/openapi.json"),
        ] {
            assert_eq!(relative(from, to), expected, "{from} {to}");
        }
    }

    #[test]
    fn no_text_leaves_its_place() {
        assert_eq!(escaped("<b title=\"&\">"), "&lt;b title=&quot;&amp;&quot;>");
    }
}
