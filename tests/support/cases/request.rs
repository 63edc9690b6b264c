//! Requests of cases, and answers of the upstream, as bytes.

use std::fmt::Write;

use super::pattern::Names;
use super::{Content, Fields, Reply, Request, Values};
use crate::upstream;

/// The bytes of a request, and whether its answer has no body.
pub(super) fn bytes(request: Option<&Request>, raw: Option<&Content>, names: &Names) -> Result<(Vec<u8>, bool), String> {
    match (request, raw) {
        (Some(request), None) => Ok((well_formed(request, names)?, names.fill(&request.method) == "HEAD")),
        (None, Some(raw)) => {
            let bytes = raw.bytes(names)?;
            let to_head = bytes.starts_with(b"HEAD ");
            Ok((bytes, to_head))
        }
        (None, None) => Ok((Vec::new(), false)),
        (Some(_), Some(_)) => Err("an exchange has `request` or `raw`, not both".into()),
    }
}

fn well_formed(request: &Request, names: &Names) -> Result<Vec<u8>, String> {
    let mut head = format!("{} {} HTTP/1.1\r\n", names.fill(&request.method), names.fill(&request.path));
    let says = |name: &str| request.headers.keys().any(|key| key.eq_ignore_ascii_case(name));
    if !says("host") {
        head.push_str("Host: gateway.test\r\n");
    }
    head.push_str(&lines(&request.headers, names));
    let body = request.body.as_ref().map(|body| body.bytes(names)).transpose()?;
    match body {
        Some(body) if request.chunked => {
            head.push_str("Transfer-Encoding: chunked\r\n\r\n");
            Ok([head.into_bytes(), chunks(&body)].concat())
        }
        Some(body) => {
            if !says("content-length") {
                let _ = write!(head, "Content-Length: {}\r\n", body.len());
            }
            Ok([head.as_bytes(), b"\r\n", &body].concat())
        }
        None => Ok((head + "\r\n").into_bytes()),
    }
}

/// More than one chunk, where there is enough.
fn chunks(body: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for chunk in body.chunks((body.len() / 3).max(1)) {
        bytes.extend(format!("{:x}\r\n", chunk.len()).bytes());
        bytes.extend(chunk);
        bytes.extend(b"\r\n");
    }
    bytes.extend(b"0\r\n\r\n");
    bytes
}

fn lines(fields: &Fields<Values>, names: &Names) -> String {
    let mut lines = String::new();
    for (name, values) in fields {
        let values = match values {
            Values::One(value) => std::slice::from_ref(value),
            Values::Many(values) => values,
        };
        for value in values {
            let _ = write!(lines, "{name}: {}\r\n", names.fill(value));
        }
    }
    lines
}

/// What the upstream sends for a reply of the file.
pub(super) fn reply(reply: &Reply) -> Result<upstream::Reply, String> {
    let names = Names::default();
    if reply.silent {
        return Ok(upstream::Reply::Silence);
    }
    let bytes = if let Some(raw) = &reply.raw {
        raw.bytes(&names)?
    } else {
        let body = reply.body.as_ref().map_or_else(|| Ok(b"upstream".to_vec()), |body| body.bytes(&names))?;
        let mut head = format!("HTTP/1.1 {} Whatever\r\n", reply.status.unwrap_or(200));
        head.push_str(&lines(&reply.headers, &names));
        let _ = write!(head, "Content-Length: {}\r\n\r\n", body.len());
        [head.into_bytes(), body].concat()
    };
    Ok(match reply {
        Reply { echo: true, .. } => upstream::Reply::Echo(bytes),
        Reply { close: true, .. } => upstream::Reply::Last(bytes),
        _ => upstream::Reply::Bytes(bytes),
    })
}
