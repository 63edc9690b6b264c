//! The validators of a file: a strong tag for each content coding, and its date.

use std::fmt::Write as _;
use std::time::{Duration, UNIX_EPOCH};

use super::root::OpenFile;
use crate::coding::Coding;
use crate::conditions::Validators;

/// 1980-01-02. Reproducible builds date all files earlier than this, whatever is in them.
const FIRST_REAL_DATE: i64 = 315_619_200;

/// The tag is made of size and date. A date that every build sets alike is replaced in it by
/// the time at which the file system got the file, and is not sent.
pub(super) fn validators(file: &OpenFile, coding: Option<Coding>) -> Validators {
    let is_real = file.modified.0 >= FIRST_REAL_DATE;
    let (seconds, nanos) = if is_real { file.modified } else { file.changed };
    let mut tag = String::with_capacity(40);
    // Writing to a String does not fail.
    let _ = write!(tag, "\"{seconds:x}.{nanos:x}-{:x}", file.size);
    if let Some(coding) = coding {
        let _ = write!(tag, "-{}", coding.token());
    }
    tag.push('"');
    let modified = u64::try_from(file.modified.0).ok().filter(|_| is_real);
    Validators { tag: Some(tag), modified: modified.map(|seconds| UNIX_EPOCH + Duration::from_secs(seconds)) }
}
