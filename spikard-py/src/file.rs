//! Files that a handler answers with. They are opened and cut to a range outside Python.

use std::path::PathBuf;

use http::{HeaderMap, Method, StatusCode, Uri};
use spikard_core::problem::{INTERNAL_SERVER_ERROR, Subject};
use spikard_core::static_files::send_file;
use spikard_core::{Body, Request, RequestId, Response};

use crate::call::Call;

/// A file that is still to be read, and what of the request decides about it; an extension of the
/// response that waits for it.
#[derive(Clone)]
struct Wanted {
    path: PathBuf,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    request_id: Option<RequestId>,
}

/// A response that waits for a file.
pub(crate) fn answer(path: PathBuf, call: &Call) -> Response {
    let parts = call.parts();
    let wanted = Wanted {
        path,
        method: parts.method.clone(),
        uri: parts.uri.clone(),
        headers: parts.headers.clone(),
        request_id: parts.extensions.get().cloned(),
    };
    let mut response = Response::default();
    response.extensions_mut().insert(wanted);
    response
}

/// The response with its file, if it waits for one. Headers that the handler gave stand above those
/// of the file; its status counts where the file is sent whole.
pub(crate) async fn filled(mut response: Response) -> Response {
    let Some(wanted) = response.extensions_mut().remove::<Wanted>() else { return response };
    let task = tokio::task::spawn_blocking(move || {
        let mut request = Request::new(Body::empty());
        *request.method_mut() = wanted.method;
        *request.uri_mut() = wanted.uri;
        *request.headers_mut() = wanted.headers;
        if let Some(id) = wanted.request_id {
            request.extensions_mut().insert(id);
        }
        let answer = send_file(&request, &wanted.path);
        answer.map_err(|error| Box::new((error, Subject::of(&request), wanted.path)))
    });
    match task.await {
        Ok(Ok(mut file)) => {
            if file.status() == StatusCode::OK {
                *file.status_mut() = response.status();
            }
            for name in response.headers().keys() {
                file.headers_mut().remove(name);
            }
            file.headers_mut().extend(response.headers().clone());
            file
        }
        Ok(Err(failed)) => {
            let (error, subject, path) = *failed;
            tracing::error!(request_id = subject.request_id(), path = %path.display(), "file cannot be sent: {error}");
            INTERNAL_SERVER_ERROR.response(&subject, "Internal server error")
        }
        Err(_) => INTERNAL_SERVER_ERROR.response(&Subject::default(), "Internal server error"),
    }
}
