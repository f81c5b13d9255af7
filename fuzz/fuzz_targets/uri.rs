//! Any text is refused as an address or has a normalised form that means the same.

#![no_main]

use beanwire_core::error::ErrorKind;
use beanwire_core::uri::ServerUri;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    match ServerUri::parse(text) {
        Ok(uri) => {
            let normalised = uri.to_string();
            let again = ServerUri::parse(&normalised)
                .unwrap_or_else(|error| panic!("{text:?} became {normalised:?}: {error}"));
            assert_eq!(again, uri);
            assert_eq!(again.to_string(), normalised);
        }
        Err(error) => assert_eq!(error.kind(), ErrorKind::InvalidUri),
    }
});
