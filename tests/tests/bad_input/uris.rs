use beanwire::{Config, Connection, Consumer, ErrorKind, Producer};
use beanwire_tests::Beanstalkd;

use crate::{assert_invalid, assert_refused, within};

/// Opens every kind of client.
async fn open_all(uri: &str) -> [Result<(), beanwire::Error>; 3] {
    let config = Config::default();
    [
        within(Producer::open(uri, config.clone())).await.map(drop),
        within(Consumer::open(uri, ["mail"], config.clone())).await.map(drop),
        within(Connection::open(uri, config)).await.map(drop),
    ]
}

#[tokio::test]
async fn an_address_that_breaks_a_rule_is_refused_with_the_rule() {
    let long = format!("unix:{}", "x".repeat(108));
    for (uri, rule) in [
        ("", "host is missing"),
        ("beanstalk://", "host is missing"),
        ("beanstalks://:11400", "host is missing"),
        ("localhost:", "1 to 65535"),
        ("localhost:0", "1 to 65535"),
        ("localhost:65536", "1 to 65535"),
        ("localhost:-1", "1 to 65535"),
        ("localhost:+1", "1 to 65535"),
        ("localhost:http", "1 to 65535"),
        ("::1", "brackets"),
        ("beanstalk://::1:11300", "brackets"),
        ("[::1", "brackets"),
        ("[::1]x", "host is invalid"),
        ("[g::1]", "host is invalid"),
        ("1.2.3.256", "host is invalid"),
        ("redis://localhost", "beanstalk, beanstalks, tls or unix"),
        ("http://localhost:11300", "beanstalk, beanstalks, tls or unix"),
        ("beanstalkss://localhost", "beanstalk, beanstalks, tls or unix"),
        ("://localhost", "beanstalk, beanstalks, tls or unix"),
        ("beanstalk://localhost/", "path, query or fragment"),
        ("localhost:11300/tube", "path, query or fragment"),
        ("beanstalk://localhost?tube=a", "path, query or fragment"),
        ("beanstalk://localhost#a", "path, query or fragment"),
        ("unix:", "path is missing"),
        ("unix://", "path is missing"),
        (&long, "108 bytes, the limit is 107"),
        ("local host", "spaces and control characters"),
        (" localhost", "spaces and control characters"),
        ("localhost\r\n", "spaces and control characters"),
        ("unix:///tmp/\0", "spaces and control characters"),
    ] {
        let shown: String = uri.escape_debug().take(64).collect();
        for result in open_all(uri).await {
            assert_refused(result, ErrorKind::InvalidUri, &[&shown, rule]);
        }
    }
}

#[tokio::test]
async fn a_password_is_refused_and_never_shown() {
    for uri in [
        "beanstalk://user:secret@localhost",
        "tls://secret@localhost",
        "user:secret@localhost:11300",
        "beanstalk://user:se/cret#secret@localhost",
    ] {
        for result in open_all(uri).await {
            let error = result.unwrap_err();
            assert!(!format!("{error} {error:?}").contains("secret"), "{error:?}");
            assert_refused::<()>(Err(error), ErrorKind::InvalidUri, &["***@localhost"]);
        }
    }
}

#[tokio::test]
async fn a_long_address_is_cut_short_in_the_error() {
    let uri = format!("beanstalk://{}\r\n{}/", "a".repeat(60), "b".repeat(5000));
    for result in open_all(&uri).await {
        let error = result.unwrap_err();
        assert!(!error.to_string().contains("bb"), "{error}");
        assert_refused::<()>(Err(error), ErrorKind::InvalidUri, &["(5075 bytes)"]);
    }
}

#[tokio::test]
async fn an_empty_list_of_servers_is_refused() {
    let none: [&str; 0] = [];
    let result = within(Producer::open(none, Config::default())).await;
    assert_invalid(result, "uris", &["[]", "at least one"]);
    let result = within(Consumer::open(Vec::<String>::new(), ["mail"], Config::default())).await;
    assert_invalid(result, "uris", &["[]", "at least one"]);
}

#[tokio::test]
async fn one_bad_address_refuses_the_whole_list() {
    let server = Beanstalkd::start();
    let connections = || server.raw().stats()["total-connections"].parse::<u32>().unwrap();
    let before = connections();
    let uris = [server.uri(), "redis://localhost".into(), server.uri()];
    let result = within(Producer::open(&uris, Config::default())).await;
    assert_refused(result, ErrorKind::InvalidUri, &["redis://localhost"]);
    let result = within(Consumer::open(&uris, ["mail"], Config::default())).await;
    assert_refused(result, ErrorKind::InvalidUri, &["redis://localhost"]);
    assert_eq!(connections(), before + 1, "a refused client has connected");
}
