//! The encoders behind one face: bytes in, bytes out, with a flush between. What they cost is
//! known here too, so that the callers can keep long work off the runtime's threads.

use std::io::{self, Write};

use flate2::write::GzEncoder;

use crate::coding::Coding;

/// Gzip knows no level above this.
const GZIP_MOST: u8 = 9;
/// Brotli and zstd windows of streams, as a power of two: 512 KiB. A stream must not hold the
/// many MiB per connection that the higher qualities ask for.
const STREAM_WINDOW: u8 = 19;
/// The smallest window that brotli takes.
const LEAST_WINDOW: u8 = 10;

/// One body being compressed.
pub(super) enum Encoder {
    Gzip(GzEncoder<Vec<u8>>),
    Brotli(Box<brotli::CompressorWriter<Vec<u8>>>),
    Zstd(zstd::stream::write::Encoder<'static, Vec<u8>>),
}

impl Encoder {
    /// An encoder for a body of `size` bytes, if that is known: small bodies then take small
    /// tables and windows.
    pub(super) fn new(coding: Coding, quality: u8, size: Option<u64>) -> io::Result<Self> {
        Ok(match coding {
            Coding::Gzip => {
                let level = flate2::Compression::new(quality.min(GZIP_MOST).into());
                Self::Gzip(GzEncoder::new(Vec::new(), level))
            }
            Coding::Brotli => {
                let parameters = brotli::enc::BrotliEncoderParams {
                    quality: quality.into(),
                    lgwin: window(size).into(),
                    size_hint: size.and_then(|size| size.try_into().ok()).unwrap_or(0),
                    ..Default::default()
                };
                Self::Brotli(Box::new(brotli::CompressorWriter::with_params(Vec::new(), 4096, &parameters)))
            }
            Coding::Zstd => {
                let mut encoder = zstd::stream::write::Encoder::new(Vec::new(), quality.max(1).into())?;
                encoder.window_log(window(size).into())?;
                encoder.set_pledged_src_size(size)?;
                Self::Zstd(encoder)
            }
        })
    }

    /// Takes `input` in.
    pub(super) fn write(&mut self, input: &[u8]) -> io::Result<()> {
        match self {
            Self::Gzip(encoder) => encoder.write_all(input),
            Self::Brotli(encoder) => encoder.write_all(input),
            Self::Zstd(encoder) => encoder.write_all(input),
        }
    }

    /// Brings out everything that was taken in, so that the other side can decode it now.
    pub(super) fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Gzip(encoder) => encoder.flush(),
            Self::Brotli(encoder) => encoder.flush(),
            Self::Zstd(encoder) => encoder.flush(),
        }
    }

    /// What came out since the last call.
    pub(super) fn output(&mut self) -> Vec<u8> {
        std::mem::take(match self {
            Self::Gzip(encoder) => encoder.get_mut(),
            Self::Brotli(encoder) => encoder.get_mut(),
            Self::Zstd(encoder) => encoder.get_mut(),
        })
    }

    /// Ends the body and gives what is left of it.
    pub(super) fn finish(self) -> io::Result<Vec<u8>> {
        match self {
            Self::Gzip(encoder) => encoder.finish(),
            Self::Brotli(encoder) => Ok(encoder.into_inner()),
            Self::Zstd(encoder) => encoder.finish(),
        }
    }
}

fn window(size: Option<u64>) -> u8 {
    let needed = size.map_or(STREAM_WINDOW, |size| u8::try_from(size.max(1).ilog2() + 1).unwrap_or(STREAM_WINDOW));
    needed.clamp(LEAST_WINDOW, STREAM_WINDOW)
}

/// How many bytes are encoded in some 200 microseconds: more goes to the blocking threads, where
/// the hop costs little beside the work.
pub(super) const fn inline_limit(coding: Coding, quality: u8) -> usize {
    match (coding, quality) {
        (Coding::Gzip | Coding::Zstd, 0..=6) => 16 << 10,
        (Coding::Brotli, 0..=6) => 8 << 10,
        (Coding::Brotli, 10..) => 128,
        _ => 4 << 10,
    }
}
