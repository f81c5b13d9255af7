//! Servers that cannot be reached, several of them, unix sockets, IPv6 and TLS.

use beanwire_tests::{
    Beanstalkd, Certificates, ScriptedPeer, ServerIdentity, Stunnel, TempDir, free_port,
};

use crate::support::{counts, run};

const EVERY_COMMAND: [&[&str]; 14] = [
    &["stats"],
    &["tubes"],
    &["peek"],
    &["job", "1"],
    &["resurrect", "info"],
    &["resurrect", "kick"],
    &["resurrect", "delete"],
    &["put", "x"],
    &["consume", "--count", "1"],
    &["kick", "1"],
    &["delete", "1"],
    &["pause", "*", "--for", "1s"],
    &["move", "a", "b"],
    &["drain-check"],
];

#[test]
fn a_server_that_is_not_there_is_named() {
    let uri = format!("beanstalk://127.0.0.1:{}", free_port());
    for words in EVERY_COMMAND {
        let run = run(&uri, &[words, &["--timeout", "300ms"]].concat());
        assert_eq!(run.stdout, "", "{words:?}");
        let error = run.fails(3);
        assert!(error.contains(&uri) && error.contains("refused"), "{words:?}: {error}");
        assert!(error.contains("hint: does beanstalkd listen there?"), "{words:?}: {error}");
    }
}

#[test]
fn a_server_that_says_nothing_does_not_hang_a_command() {
    let server = Beanstalkd::start();
    server.stop_reading();
    for words in EVERY_COMMAND {
        let error = run(&server.uri(), &[words, &["--timeout", "100ms"]].concat()).fails(3);
        assert!(error.contains(&server.uri()), "{words:?}: {error}");
    }
}

#[test]
fn a_server_that_goes_away_in_the_middle_is_told() {
    let peer = ScriptedPeer::start(|_, conn| {
        if beanwire_tests::handshake(conn) {
            conn.read_line();
        }
    });
    for words in [&["tubes"][..], &["job", "1"], &["delete", "1"]] {
        let error = run(&peer.uri(), words).fails(3);
        assert!(error.starts_with("error: "), "{words:?}: {error}");
    }
}

#[test]
fn one_dead_server_does_not_hide_the_others() {
    let server = Beanstalkd::start();
    server.raw().bury_many("t", 5, "x");
    let dead = format!("beanstalk://127.0.0.1:{}", free_port());
    let uris = format!("{dead},{}", server.uri());
    for words in [&["stats"][..], &["tubes"], &["peek"], &["resurrect", "info"]] {
        let run = run(&uris, words);
        assert!(run.stdout.contains(&server.uri()), "{words:?}: {run:?}");
        let error = run.fails(4);
        assert!(error.contains(&dead), "{words:?}: {error}");
    }
    let run = run(&uris, &["resurrect", "kick"]);
    assert!(run.stdout.contains("5 kicked"), "{run:?}");
    run.fails(4);
    assert_eq!(counts(&server, "t"), [5, 0, 0, 0]);
}

#[test]
fn all_dead_servers_are_told() {
    let [first, second] = [free_port(), free_port()];
    let uris = format!("127.0.0.1:{first},127.0.0.1:{second}");
    let error = run(&uris, &["stats"]).fails(3);
    assert!(error.contains(&first.to_string()) && error.contains(&second.to_string()), "{error}");
}

#[test]
fn the_flag_beats_the_environment() {
    let server = Beanstalkd::start();
    let words = ["put", "x", "--uri", &server.uri()];
    assert_eq!(run("127.0.0.1:1", &words).ok(), "1\n");
}

#[test]
fn unix_sockets_and_ipv6_work_as_well() {
    for server in [Beanstalkd::builder().unix().start(), Beanstalkd::builder().ipv6().start()] {
        assert_eq!(run(&server.uri(), &["put", "x", "-t", "t"]).ok(), "1\n");
        let printed = run(&server.uri(), &["consume", "-t", "t", "-n", "1"]);
        assert_eq!(printed.stdout, "x\n", "{printed:?}");
        assert!(run(&server.uri(), &["resurrect", "kick"]).ok().starts_with("0 jobs"));
    }
}

#[test]
fn tls_is_set_up_by_flags() {
    let server = Beanstalkd::start();
    let certificates = Certificates::new();
    let dir = TempDir::new();
    let file = |name: &str, text: &str| {
        let path = dir.path().join(name).to_str().unwrap().to_owned();
        std::fs::write(&path, text).unwrap();
        path
    };
    let client = certificates.client();
    let ca = file("ca.pem", certificates.ca_pem());
    let cert = file("cert.pem", &client.cert_pem);
    let key = file("key.pem", &client.key_pem);
    let closed = Stunnel::start(&certificates, server.port(), ServerIdentity::Good, true);
    let words = ["put", "x", "--tls-ca", &ca, "--tls-cert", &cert, "--tls-key", &key];
    assert_eq!(run(&closed.uri(), &words).ok(), "1\n");
    let open = Stunnel::start(&certificates, server.port(), ServerIdentity::WrongName, false);
    let error = run(&open.uri(), &["stats", "--tls-ca", &ca]).fails(3);
    assert!(error.contains("hint: --tls-ca names whom to trust"), "{error}");
    let words = ["stats", "--tls-ca", &ca, "--tls-server-name", "elsewhere.example"];
    assert!(run(&open.uri(), &words).ok().contains("current_jobs_ready"));
    run(&open.uri(), &["stats"]).fails(3);
    // Whoever asks for TLS must not end up without it.
    let error = run(&server.uri(), &["stats", "--tls-ca", &ca]).fails(2);
    assert!(error.contains("is plain") && error.contains("hint: beanstalks://"), "{error}");
}
