//! Hiding lengths: a mark byte, then zeros up to a bucket (ISO/IEC 7816-4), so that any content can be told from its
//! padding.

use super::CryptoError;

const MARK: u8 = 0x80;

/// The first bucket takes every E.164 number and most names; from there on each is 64 bytes larger.
const FIRST_BUCKET: usize = 32;
const BUCKET: usize = 64;

/// How long a plaintext of `len` bytes is once padded.
pub(super) fn padded_len(len: usize) -> usize {
    let marked = len + 1;
    if marked <= FIRST_BUCKET { FIRST_BUCKET } else { marked.next_multiple_of(BUCKET) }
}

/// Fills `buffer`, which holds the plaintext from `start` on, up to its bucket.
pub(super) fn pad(buffer: &mut Vec<u8>, start: usize) {
    let end = start + padded_len(buffer.len() - start);
    buffer.push(MARK);
    buffer.resize(end, 0);
}

/// How much of `padded` is plaintext.
pub(super) fn unpadded_len(padded: &[u8]) -> Result<usize, CryptoError> {
    let mark = padded.iter().rposition(|&byte| byte != 0).ok_or(CryptoError::BadPadding)?;
    if padded[mark] == MARK { Ok(mark) } else { Err(CryptoError::BadPadding) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn lengths_fall_into_few_buckets() {
        for (len, bucket, why) in [
            (0, 32, "empty looks like any short value"),
            (11, 32, "a short number"),
            (31, 32, "the last that leaves room for the mark"),
            (32, 64, "no room for the mark"),
            (63, 64, "the last of the second bucket"),
            (64, 128, "no room for the mark"),
            (800, 832, "the longest name"),
        ] {
            assert_eq!(padded_len(len), bucket, "{why}");
        }
    }

    #[test]
    fn what_carries_no_mark_is_refused() {
        for bytes in [&[][..], &[0; 32], &[1, 0, 0], &[0x80, 1]] {
            assert!(matches!(unpadded_len(bytes), Err(CryptoError::BadPadding)));
        }
    }

    proptest! {
        #[test]
        fn padding_comes_off_again(content: Vec<u8>, zeros in 0usize..40, mark: bool) {
            let mut content = content;
            if mark { content.push(MARK); }
            content.resize(content.len() + zeros, 0);
            let mut buffer = vec![7; 5];
            buffer.extend_from_slice(&content);
            pad(&mut buffer, 5);
            prop_assert_eq!(buffer.len() - 5, padded_len(content.len()));
            prop_assert_eq!(unpadded_len(&buffer[5..]).unwrap(), content.len());
        }
    }
}
