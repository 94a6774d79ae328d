//! What is wrong with a reference that does not parse, in words for its author.

use std::fmt;
use thiserror::Error;

/// A reference that the kubelet refuses with `InvalidImageName`. No node ever pulls it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Error)]
#[error("invalid_reference: {input:?}: {}", self.advice())]
pub struct InvalidReference {
    /// The reference as written.
    pub input: String,
    /// The rule that it breaks.
    pub kind: ReferenceFault,
}

/// The rule of the grammar that a reference breaks, in the classes of distribution/reference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ReferenceFault {
    /// Not of the form `[host/]repository[:tag][@digest]`.
    InvalidFormat,
    /// A repository with an upper-case letter.
    Uppercase,
    /// A digest that is not lower-case hexadecimal.
    DigestFormat,
    /// A digest whose length is not that of its algorithm.
    DigestLength,
    /// A digest algorithm other than sha256, sha384 and sha512.
    DigestUnsupported,
    /// A repository of more than 255 characters.
    NameTooLong,
    /// 64 hexadecimal digits and nothing else, which could be an image id.
    BareDigest,
}

impl ReferenceFault {
    /// The class as one word, stable.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InvalidFormat => "invalid_format",
            Self::Uppercase => "uppercase",
            Self::DigestFormat => "invalid_digest_format",
            Self::DigestLength => "invalid_digest_length",
            Self::DigestUnsupported => "unsupported_digest",
            Self::NameTooLong => "name_too_long",
            Self::BareDigest => "bare_digest",
        }
    }
}

impl fmt::Display for ReferenceFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl InvalidReference {
    fn advice(&self) -> &'static str {
        match self.kind {
            ReferenceFault::InvalidFormat => format_advice(&self.input),
            // A variable is mostly written in capitals, and then this is the rule that it breaks first.
            ReferenceFault::Uppercase if has_placeholder(&self.input) => PLACEHOLDER,
            ReferenceFault::Uppercase => {
                "a repository is written in lower case (tags may have capitals); write its letters small"
            }
            ReferenceFault::DigestFormat => {
                "a digest is its algorithm in lower case, a colon and lower-case hexadecimal digits; copy it again"
            }
            ReferenceFault::DigestLength => {
                "the digest has not the length of its algorithm (sha256 has 64 digits); copy it again in full"
            }
            ReferenceFault::DigestUnsupported => {
                "nodes know sha256, sha384 and sha512 digests only; use one of these"
            }
            ReferenceFault::NameTooLong => "a repository has at most 255 characters; shorten its path",
            ReferenceFault::BareDigest => {
                "64 hexadecimal digits alone are an image id, not a name; write REPOSITORY@sha256:DIGITS"
            }
        }
    }
}

const PLACEHOLDER: &str =
    "it holds a template variable that was not replaced; render the manifest before applying it";

fn has_placeholder(input: &str) -> bool {
    input.contains(['$', '{', '}', '<', '>'])
}

/// The likeliest slip behind a reference of the wrong form.
fn format_advice(input: &str) -> &'static str {
    if input.is_empty() {
        return "it is empty; name an image";
    }
    if has_placeholder(input) {
        return PLACEHOLDER;
    }
    if input.contains("://") {
        return "it begins with a scheme; a reference has none, so leave out everything up to ://";
    }
    if input.contains(char::is_whitespace) {
        return "it contains white space; remove it";
    }
    if input.contains('@') {
        return "after @ must follow an algorithm, a colon and at least 32 hexadecimal digits, as in @sha256:DIGITS";
    }
    if input.ends_with('/') {
        return "it ends in a slash, so the repository is missing; name it";
    }
    if input.ends_with(':') {
        return "it ends in a colon, so the tag is missing; name it, or leave out the colon";
    }
    "it is not of the form [HOST[:PORT]/]REPOSITORY[:TAG][@DIGEST]: a repository has lower-case letters and digits with \
     single . _ or - between them, a tag at most 128 letters, digits, _ . and -; correct it"
}
