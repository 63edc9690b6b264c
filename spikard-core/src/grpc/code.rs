//! The status codes of gRPC, and which of them an HTTP status comes to.

use http::StatusCode;

macro_rules! codes {
    ($($name:ident $number:literal $text:literal;)*) => {
        /// A status code (`google.rpc.Code`).
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        #[repr(u8)]
        pub enum Code {
            $(#[doc = concat!("`", $text, "`.")] $name = $number,)*
        }

        impl Code {
            /// The code with a number, 0 to 16.
            pub fn of_number(number: u8) -> Option<Self> {
                match number {
                    $($number => Some(Self::$name),)*
                    _ => None,
                }
            }
        }
    };
}

codes! {
    Ok                 0 "OK";
    Cancelled          1 "CANCELLED";
    Unknown            2 "UNKNOWN";
    InvalidArgument    3 "INVALID_ARGUMENT";
    DeadlineExceeded   4 "DEADLINE_EXCEEDED";
    NotFound           5 "NOT_FOUND";
    AlreadyExists      6 "ALREADY_EXISTS";
    PermissionDenied   7 "PERMISSION_DENIED";
    ResourceExhausted  8 "RESOURCE_EXHAUSTED";
    FailedPrecondition 9 "FAILED_PRECONDITION";
    Aborted            10 "ABORTED";
    OutOfRange         11 "OUT_OF_RANGE";
    Unimplemented      12 "UNIMPLEMENTED";
    Internal           13 "INTERNAL";
    Unavailable        14 "UNAVAILABLE";
    DataLoss           15 "DATA_LOSS";
    Unauthenticated    16 "UNAUTHENTICATED";
}

impl Code {
    /// The number.
    pub fn number(self) -> u8 {
        self as u8
    }

    /// What an HTTP status comes to. It is the table of the gRPC project ("HTTP to gRPC Status Code
    /// Mapping"), finer where this server means one thing by a status: a client that is over its
    /// rate is told so, and not that the server cannot be reached.
    pub fn of_http(status: StatusCode) -> Self {
        match status {
            StatusCode::UNAUTHORIZED => Self::Unauthenticated,
            StatusCode::FORBIDDEN => Self::PermissionDenied,
            StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED | StatusCode::UNSUPPORTED_MEDIA_TYPE => Self::Unimplemented,
            StatusCode::REQUEST_TIMEOUT => Self::DeadlineExceeded,
            StatusCode::CONFLICT => Self::Aborted,
            StatusCode::PRECONDITION_FAILED => Self::FailedPrecondition,
            StatusCode::PAYLOAD_TOO_LARGE | StatusCode::TOO_MANY_REQUESTS => Self::ResourceExhausted,
            StatusCode::UNPROCESSABLE_ENTITY => Self::InvalidArgument,
            StatusCode::BAD_REQUEST | StatusCode::INTERNAL_SERVER_ERROR => Self::Internal,
            StatusCode::BAD_GATEWAY | StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT => Self::Unavailable,
            _ => Self::Unknown,
        }
    }
}
