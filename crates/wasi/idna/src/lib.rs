//! Host names in ASCII alone, in the place of the crate of the same name: all that the URL parser asks
//! of that one, without Unicode.
//!
//! A name whose letters are others is refused. Its form in ASCII, with `xn--`, is a name like any other.

use std::borrow::Cow;

/// The characters that a name must not have besides control characters and spaces.
#[derive(Debug, Clone, Copy)]
pub struct AsciiDenyList(&'static str);

impl AsciiDenyList {
    /// The [forbidden domain code points](https://url.spec.whatwg.org/#forbidden-domain-code-point).
    pub const URL: Self = Self("%#/:<>?@[\\]^|");
}

/// The name cannot be used.
#[derive(Debug, Clone, Copy)]
pub struct Errors;

/// The name in lower case.
///
/// # Errors
/// One for a name with characters that are not ASCII or on the list.
pub fn domain_to_ascii_from_cow(
    domain: Cow<'_, [u8]>,
    denied: AsciiDenyList,
) -> Result<Cow<'_, str>, Errors> {
    let mut name = String::from_utf8(domain.into_owned()).map_err(|_| Errors)?;
    if name.bytes().any(|byte| !byte.is_ascii_graphic() || denied.0.as_bytes().contains(&byte)) {
        return Err(Errors);
    }
    name.make_ascii_lowercase();
    Ok(Cow::Owned(name))
}

/// The name as it is.
pub fn domain_to_unicode(domain: &str) -> (String, Result<(), Errors>) {
    (domain.to_owned(), Ok(()))
}
