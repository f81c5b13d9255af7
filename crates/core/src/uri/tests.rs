use proptest::prelude::*;

use super::*;
use crate::error::ErrorKind;

fn normalised(uri: &str) -> String {
    ServerUri::parse(uri).unwrap_or_else(|error| panic!("{error}")).to_string()
}

#[test]
fn every_form_has_one_normalised_text() {
    for (uri, expected) in [
        ("localhost", "beanstalk://localhost:11300"),
        ("server.example:11300", "beanstalk://server.example:11300"),
        ("beanstalk:11301", "beanstalk://beanstalk:11301"),
        ("1.2.3.4:80", "beanstalk://1.2.3.4:80"),
        ("[::1]", "beanstalk://[::1]:11300"),
        ("[0:0::1]:1", "beanstalk://[::1]:1"),
        ("Beanstalk://HOST", "beanstalk://host:11300"),
        ("BEANSTALKS://host", "beanstalks://host:11400"),
        ("tls://[::1]:443", "beanstalks://[::1]:443"),
        ("tls://bücher.example", "beanstalks://xn--bcher-kva.example:11400"),
        ("unix:///run/b.sock", "unix:///run/b.sock"),
        ("UNIX://run/B.sock", "unix://run/B.sock"),
        ("unix:run/b@1.sock", "unix://run/b@1.sock"),
        ("unix:/run/a:b?c#d", "unix:///run/a:b?c#d"),
    ] {
        assert_eq!(normalised(uri), expected, "{uri}");
        assert_eq!(normalised(expected), expected, "{uri}");
    }
}

#[test]
fn what_breaks_a_rule_is_refused_with_the_rule() {
    for (uri, rule) in [
        ("", "host is missing"),
        ("beanstalk://", "host is missing"),
        ("tls://:1", "host is missing"),
        ("host:", "1 to 65535"),
        ("host:0", "1 to 65535"),
        ("host:65536", "1 to 65535"),
        ("host:+1", "1 to 65535"),
        ("beanstalk:host", "1 to 65535"),
        ("::1", "brackets"),
        ("[::1", "brackets"),
        ("[::1]x:1", "host is invalid"),
        ("[fe80::1%eth0]", "host is invalid"),
        ("256.1.1.1", "host is invalid"),
        ("a%2Fb", "host is invalid"),
        ("user%40host", "host is invalid"),
        ("\u{ad}", "host is invalid"),
        ("redis://host", "beanstalk, beanstalks, tls or unix"),
        ("://host", "beanstalk, beanstalks, tls or unix"),
        ("host/", "path, query or fragment"),
        ("beanstalk://host:1?a", "path, query or fragment"),
        ("beanstalk://host#a", "path, query or fragment"),
        ("unix:", "path is missing"),
        ("unix://", "path is missing"),
        (&format!("unix:{}", "x".repeat(108)), "108 bytes"),
        ("host\r\nquit", "control characters"),
        (" host", "spaces"),
        ("unix:///a b", "spaces"),
    ] {
        let error = ServerUri::parse(uri).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidUri, "{uri:?}");
        assert!(error.to_string().contains(rule), "{uri:?}: {error}");
    }
    assert!(ServerUri::parse(&format!("unix:{}", "x".repeat(107))).is_ok());
}

#[test]
fn a_password_is_refused_and_never_shown() {
    for uri in [
        "beanstalk://user:secret@host",
        "user:secret@host",
        "secret@host:1",
        "beanstalk://user:/secret#@x@host",
        "redis://user:secret@host",
        "tls://user:sec secret@host",
    ] {
        let text = ServerUri::parse(uri).unwrap_err().to_string();
        assert!(!text.contains("secret") && text.contains("***@host"), "{uri}: {text}");
    }
}

#[test]
fn the_parts_can_be_asked_for() {
    let tls = ServerUri::parse("tls://1.2.3.4").unwrap();
    assert_eq!(tls.host(), Some(&Host::Ipv4([1, 2, 3, 4].into())));
    assert_eq!((tls.port(), tls.is_tls()), (Some(11400), true));
    let unix: ServerUri = "unix:a".parse().unwrap();
    assert_eq!((unix.host(), unix.port(), unix.is_tls()), (None, None, false));
    assert_eq!(unix.transport(), &Transport::Unix { path: "a".into() });
}

#[test]
fn a_list_keeps_its_order_and_must_not_be_empty() {
    let list = parse_list(&["b", "a", "b"]).unwrap();
    let hosts: Vec<_> = list.iter().map(|uri| uri.host().unwrap().to_string()).collect();
    assert_eq!(hosts, ["b", "a", "b"]);
    let error = parse_list(&[] as &[&str]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidArgument);
    assert!(error.to_string().contains("uris"), "{error}");
}

/// Text that is an address more often than noise is.
const ADDRESS: &str = "(((Beanstalk|beanstalks|TLS|redis)://)?\
    ([a-zA-Z0-9._éß-]{1,12}|[0-9.x]{1,12}|\\[[0-9a-f:.]{2,12}\\])(:[0-9]{1,5})?\
    |unix:(//)?[^\\s@]{1,30}|[a-z:/\\[\\]@%?#.0-9]{0,20})";

proptest! {
    #[test]
    fn an_accepted_address_parses_from_its_own_text(
        uri in prop_oneof![1 => any::<String>(), 4 => ADDRESS],
    ) {
        match ServerUri::parse(&uri) {
            Ok(parsed) => prop_assert_eq!(ServerUri::parse(&parsed.to_string()).unwrap(), parsed),
            Err(error) => prop_assert_eq!(error.kind(), ErrorKind::InvalidUri),
        }
    }
}
